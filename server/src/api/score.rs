//! Scores of times, of an exercise and of something real.

use super::{Problem, known};
use crate::app::App;
use crate::score::{Head, Score, Story};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use model::{DrillEnd, Language, Span, Time, Warning, WarningId, Zone};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How it is to be given.
#[derive(Deserialize)]
pub(crate) struct As {
    format: Option<String>,
    lang: Option<String>,
}

impl As {
    /// True where only the words are wanted.
    pub(super) fn is_text(&self) -> bool {
        self.format.as_deref() == Some("text")
    }

    /// In which language.
    pub(super) fn language(&self) -> Language {
        if self.lang.as_deref() == Some("en") {
            Language::En
        } else {
            Language::Zh
        }
    }
}

/// What is scored.
struct Subject {
    name: [String; 2],
    is_drill: bool,
    end: [&'static str; 2],
    zones: BTreeSet<Zone>,
    between: (Time, Time),
    expected: crate::score::Expected,
}

/// `GET /v1/exercises/{id}/score`: JSON, or with `format=text` and `lang` the words to file.
pub(crate) async fn of_exercise(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(wanted): Query<As>,
) -> Result<Response, Problem> {
    known(&app, &headers)?;
    let exercises = super::exercises::exercises(&app)?;
    let kept = exercises.one(&id)?;
    let Some(begun) = kept.begun else {
        return Err(Problem::conflict(format!("exercise {id} has not begun")));
    };
    let over = kept.over.map(|(at, _)| at);
    let subject = Subject {
        name: [kept.name.clone(), kept.name.clone()],
        is_drill: true,
        end: match kept.over {
            None => ["进行中", "under way"],
            Some((_, DrillEnd::Time)) => ["到时结束", "ended by its time"],
            Some((_, DrillEnd::Person)) => ["人工结束", "ended by a person"],
            Some((_, DrillEnd::Interrupted)) => ["因真实预警中止", "gave way to a real warning"],
        },
        zones: exercises.zones_of(kept.areas.keys()),
        between: (begun, over.unwrap_or_else(|| app.clock.now())),
        expected: kept.expect,
    };
    // All that its world says in that time in these zones is the exercise's: one at a time plays there.
    // Ids and times of warnings are whole seconds.
    let from = begun - Span::from_seconds(1);
    let opened = move |warning: &Warning| warning.first_rise >= from;
    let world = Arc::clone(&exercises.world);
    given(world, subject, opened, wanted).await
}

/// `GET /v1/warnings/{id}/score`: the same of one warning.
pub(crate) async fn of_warning(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(wanted): Query<As>,
) -> Result<Response, Problem> {
    known(&app, &headers)?;
    let unknown = || Problem::not_found(format!("no warning {id}; see /v1/warnings"));
    let id = WarningId::parse(&id).ok_or_else(unknown)?;
    let warning = app.view.original(id).ok_or_else(unknown)?;
    let is_over = warning.tier() == model::Tier::None;
    let until = if is_over {
        warning.time
    } else {
        app.clock.now()
    };
    let subject = Subject {
        name: [warning.name.zh.clone(), warning.name.en.clone()],
        is_drill: warning.mode != model::Mode::Actual,
        end: if is_over {
            ["已结束", "over"]
        } else {
            ["生效或拟发", "in force or put forward"]
        },
        zones: BTreeSet::from([app.zone_of(id)?]),
        between: (warning.first_rise, until.max(warning.first_rise)),
        expected: None,
    };
    given(app, subject, move |warning| warning.id == id, wanted).await
}

async fn given(
    app: Arc<App>,
    subject: Subject,
    is_meant: impl Fn(&Warning) -> bool + Send + 'static,
    wanted: As,
) -> Result<Response, Problem> {
    let of = Arc::clone(&app);
    // It reads much of the journal: not for who answers requests.
    let score = tokio::task::spawn_blocking(move || {
        let story = Story::read(&of, &subject.zones, subject.between, is_meant)?;
        let installation = &of.installation;
        let (city, people) = (&installation.city, &installation.directory);
        let score = Score::of(city, people, &story, subject.expected);
        Ok::<_, Problem>((score, subject))
    });
    let score = score.await;
    let (score, subject) =
        score.map_err(|_| Problem::unavailable("the look was interrupted; ask again"))??;
    let installation = &app.installation;
    let offset = installation.city.offset_at(score.until);
    let words = |language: Language, at: usize| {
        let head = Head {
            name: subject.name.get(at).map_or("", String::as_str),
            is_drill: subject.is_drill,
            end: subject.end.get(at).copied().unwrap_or_default(),
        };
        let named = (&*installation.city, installation.wording.roles());
        score.text(&head, named, offset, language)
    };
    let (zh, en) = (words(Language::Zh, 0), words(Language::En, 1));
    if wanted.is_text() {
        let text = if wanted.language() == Language::En {
            en
        } else {
            zh
        };
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return Ok((kind, text).into_response());
    }
    Ok(Json(item(&app, &score, &subject, json!({ "zh": zh, "en": en }))).into_response())
}

fn item(app: &App, score: &Score, subject: &Subject, text: Value) -> Value {
    let city = &app.installation.city;
    let townships = score.answering.townships.iter().map(|(code, figures)| {
        let area = city.area_no(*code).and_then(|no| city.area(no));
        json!({
            "area": code,
            "name": area.map(|area| area.name.zh.as_str()),
            "name_en": area.map(|area| area.name.en.as_str()),
            "figures": figures,
        })
    });
    let ids = |people: &mut dyn Iterator<Item = &crate::score::Person>| {
        people.map(|of| of.contact.clone()).collect::<Vec<_>>()
    };
    json!({
        "name": subject.name.first(),
        "exercise": subject.is_drill,
        "drafted": app.view.text(score.drafted),
        "until": app.view.text(score.until),
        "warnings": score.warnings,
        "steps": score.steps,
        "ways": score.ways,
        "answering": {
            "city": score.answering.city,
            "townships": townships.collect::<Vec<_>>(),
        },
        "people": score.people,
        "more": score.more,
        "silent": ids(&mut score.silent()),
        "wrong": ids(&mut score.wrong()),
        "withheld": score.withheld,
        "cut": score.is_cut,
        "text": text,
    })
}
