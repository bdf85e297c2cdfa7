//! Gaps as screens have them, and in words.

use super::{Found, Gap, LISTED_MAX, Spoken, What, Why};
use crate::app::App;
use dispatch::ladder::Place;
use model::{AreaCode, City, Language, Working};
use serde_json::{Value, json};

impl Gap {
    /// It in words.
    pub(super) fn text(&self, city: &City, language: Language) -> String {
        let zh = language.working() == Working::Zh;
        let area = area_name(city, self.area, language);
        let place = match &self.site {
            Some(id) => site_name(city, id, language),
            None => area.clone(),
        };
        let hazard = if zh {
            self.hazard.zh()
        } else {
            self.hazard.en()
        };
        let tier = if zh { self.tier.zh() } else { self.tier.name() };
        let why: Vec<&str> = self.why.iter().map(|why| words(*why, zh)).collect();
        match (self.what, zh) {
            (What::Site, true) => format!("{place}({area}):{hazard}{tier},{}", why.join(",")),
            (What::Site, false) => format!("{place} ({area}): {hazard} {tier}, {}", why.join(", ")),
            (What::NoChannel | What::NoAnswer, true) => {
                format!("{place}:{hazard}{tier},{}", why.join(","))
            }
            (What::NoChannel | What::NoAnswer, false) => {
                format!("{place}: {hazard} {tier}, {}", why.join(", "))
            }
        }
    }
}

const fn words(why: Why, zh: bool) -> &'static str {
    match (why, zh) {
        (Why::Silent, true) => "已叫应,无人应答",
        (Why::Silent, false) => "called, no answer",
        (Why::NotCalled, true) => "尚未联系责任人",
        (Why::NotCalled, false) => "who is registered was not called yet",
        (Why::NobodyListed, true) => "没有登记责任人",
        (Why::NobodyListed, false) => "nobody is registered",
        (Why::InNoPlan, true) => "未列入预案",
        (Why::InNoPlan, false) => "in no plan",
        (Why::StationsLost, true) => "监测站成片失联,可能断电断网",
        (Why::StationsLost, false) => "stations lost together, power or network may be down",
        (Why::BaseStationsOut, true) => "基站大面积退服",
        (Why::BaseStationsOut, false) => "base stations are out",
    }
}

fn area_name(city: &City, code: AreaCode, language: Language) -> String {
    let area = city.area_no(code).and_then(|no| city.area(no));
    area.map_or_else(|| code.to_string(), |a| a.name.get(language).to_owned())
}

fn site_name(city: &City, id: &str, language: Language) -> String {
    let site = city.site_no(id).and_then(|no| city.site(no));
    site.map_or_else(|| id.to_owned(), |s| s.name.get(language).to_owned())
}

impl Found {
    /// How many there are of each kind.
    pub(crate) fn count(&self, what: What) -> usize {
        self.gaps.iter().filter(|gap| gap.what == what).count()
    }

    /// As a reader of the API has them.
    pub(crate) fn item(&self, app: &App) -> Value {
        let city = &app.installation.city;
        let gaps = self.gaps.iter().take(LISTED_MAX).map(|gap| {
            json!({
                "what": gap.what,
                "warning": gap.warning.to_string(),
                "hazard": gap.hazard.code(),
                "tier": gap.tier,
                "area": gap.area,
                "site": gap.site,
                "why": gap.why,
                "since": app.view.text(gap.since),
                "text": {
                    "zh": gap.text(city, Language::Zh),
                    "en": gap.text(city, Language::En),
                },
            })
        });
        json!({
            "time": app.view.text(app.view.now()),
            "counts": {
                "site": self.count(What::Site),
                "no_channel": self.count(What::NoChannel),
                "no_answer": self.count(What::NoAnswer),
            },
            "gaps": gaps.collect::<Vec<_>>(),
            "answered_for": self.spoken.iter().map(|s| spoken(app, s)).collect::<Vec<_>>(),
        })
    }
}

/// Who spoke for whom, when, and who noted it.
fn spoken(app: &App, spoken: &Spoken) -> Value {
    let (area, site) = match &spoken.place {
        Place::Area(code) => (Some(code), None),
        Place::Site(id) | Place::Device { site: id, .. } => (None, Some(id)),
    };
    let said = &spoken.said;
    json!({
        "warning": spoken.warning.to_string(),
        "area": area,
        "site": site,
        "by": said.contact,
        "answer": said.answer,
        "note": said.note,
        "person": said.noted_by,
        "said": app.view.text(said.said),
    })
}
