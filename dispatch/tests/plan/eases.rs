//! What people read when it eases: the words, whom they are for, and what they take back.

use super::*;
use std::fmt::Write as _;

const ORDER: &str = "14时前转移到东风小学";

fn act(revision: u32, event: Event, tier: Tier, minute: i64) -> Warning {
    let areas = [(A, tier, tier)];
    let mut act = warning(Hazard::Waterlogging, revision, event, &areas, minute);
    act.text.insert("zh".into(), ORDER.into());
    act.text
        .insert("en".into(), "Transfer to Dongfeng School by 14:00".into());
    act
}

/// The public texts of one act, as people read them.
fn read(page: &mut String, title: &str, out: &[Intent]) {
    writeln!(page, "==== {title}").unwrap();
    let public = out.iter().filter(|i| i.audience.reach == Reach::Public);
    for intent in public.filter(|i| i.channel != Channel::Email) {
        let to = match (intent.only_told, intent.only_new) {
            (true, _) => "to who was told",
            (_, true) => "to who was not told",
            (false, false) => "to all",
        };
        let (channel, purpose) = (intent.channel, intent.purpose.name());
        writeln!(page, "== {channel} {purpose} {to}").unwrap();
        for words in &intent.words {
            for line in [&words.subject, &words.text, &words.instruction] {
                if !line.is_empty() {
                    writeln!(page, "{line}").unwrap();
                }
            }
        }
    }
}

/// A transfer order is no all-clear: where a person's words stood, the template says what ends.
#[test]
fn nothing_eases_in_the_words_of_the_alert() {
    let fixture = Fixture::new();
    let mut page = String::new();
    let (issued, red) = (Event::Issued, Tier::Red);
    for (title, ends) in [("cancelled", Event::Cancelled), ("ended", Event::Ended)] {
        let mut planner = Planner::default();
        let out = step(&mut planner, &fixture, 1, &act(1, issued, red, 0));
        let alerts = out.iter().filter(|i| i.audience.reach == Reach::Public);
        assert!(
            alerts
                .flat_map(|i| &i.words)
                .any(|words| words.text.contains(ORDER))
        );
        let mut revision = 2;
        if ends == Event::Ended {
            let lower = act(revision, Event::Updated, Tier::Yellow, 10);
            let out = step(&mut planner, &fixture, 11, &lower);
            read(&mut page, "lowered", &out);
            revision += 1;
        }
        let over = act(revision, ends, Tier::None, 20);
        let out = step(&mut planner, &fixture, 21, &over);
        assert!(out.iter().any(|i| i.audience.reach == Reach::Public));
        read(&mut page, title, &out);
    }
    let path = root().join("../golden/plan/eases.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        kept, page,
        "texts changed; read them, then run with UPDATE_GOLDEN=1"
    );
    assert!(
        !page.contains(ORDER) && !page.contains("Dongfeng"),
        "{page}"
    );
}

/// At night those who know of more wait for the morning; those who know of nothing do not.
#[test]
fn who_was_not_reached_hears_of_the_tier_that_is_left_at_once() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let night = 9 * 60;
    let (issued, updated) = (Event::Issued, Event::Updated);
    step(
        &mut planner,
        &fixture,
        night,
        &act(1, issued, Tier::Red, night),
    );
    let lower = act(2, updated, Tier::Orange, night + 20);
    let out = step(&mut planner, &fixture, night + 21, &lower);
    let sms = |i: &&Intent| i.channel == Channel::Sms && i.audience.reach == Reach::Public;
    let sms: Vec<&Intent> = out.iter().filter(sms).collect();
    let [fall, alert] = sms.as_slice() else {
        panic!("{sms:?}");
    };
    assert!(fall.only_told && fall.not_before.is_some());
    assert_eq!((alert.purpose, alert.not_before), (Purpose::Alert, None));
    assert!(alert.only_new && !alert.only_told);
    assert_eq!(alert.tier, Tier::Orange);
    assert!(!alert.words[0].text.contains(ORDER), "it was meant for red");
    // An app's notice and a mail too; a document speaks to all its readers at once.
    let of = |channel: Channel| {
        out.iter()
            .filter(move |i| i.channel == channel && i.audience.reach == Reach::Public)
            .map(|i| (i.only_told, i.only_new))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(Channel::Push), [(true, false), (false, true)]);
    assert_eq!(of(Channel::Email), [(true, false), (false, true)]);
    assert!(
        of(Channel::Cap)
            .iter()
            .all(|flags| *flags == (false, false))
    );
}

/// Yesterday's all-clear does not ring while today's warning of the same hazard stands there.
#[test]
fn a_held_all_clear_is_taken_back_by_a_new_warning_of_the_place() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let night = 9 * 60;
    let (issued, ended) = (Event::Issued, Event::Ended);
    step(
        &mut planner,
        &fixture,
        night,
        &act(1, issued, Tier::Orange, night),
    );
    let over = act(2, ended, Tier::None, night + 60);
    let out = step(&mut planner, &fixture, night + 60, &over);
    assert!(out.iter().any(|i| i.not_before.is_some()));
    let text = serde_json::to_string(&planner).unwrap();
    let mut planner: Planner = serde_json::from_str(&text).unwrap();
    let zone = code("440106000000");
    let next = |hazard: Hazard, place: &str| {
        let areas = [(place, Tier::Yellow, Tier::Yellow)];
        let mut next = warning(hazard, 1, issued, &areas, night + 180);
        next.id = WarningId::derive(zone, Mode::Actual, hazard, zone, at(night + 180));
        next
    };
    let taken = |planner: &mut Planner, act: &Warning| -> Vec<(WarningId, u32, Channel)> {
        let out = step(planner, &fixture, night + 181, act);
        let back = out.iter().filter(|i| i.purpose == Purpose::Withdraw);
        back.map(|i| (i.warning, i.revision, i.channel)).collect()
    };
    // Another place and another hazard leave it as it is.
    assert_eq!(taken(&mut planner, &next(Hazard::Waterlogging, B)), []);
    assert_eq!(taken(&mut planner, &next(Hazard::Landslide, A)), []);
    let new = Warning {
        id: WarningId::derive(zone, Mode::Actual, Hazard::Waterlogging, zone, at(1)),
        ..next(Hazard::Waterlogging, A)
    };
    let back = taken(&mut planner, &new);
    assert!(back.contains(&(over.id, 3, Channel::Sms)), "{back:?}");
    assert!(back.contains(&(over.id, 3, Channel::Push)), "{back:?}");
    // Once.
    let higher = Warning {
        revision: 2,
        event: Event::Updated,
        ..next(Hazard::Waterlogging, A)
    };
    assert_eq!(taken(&mut planner, &higher), []);
}
