//! Figures of made-up calls over the demo city, against a count by hand and the words on file.

use super::*;
use dispatch::ladder::{Rung, Said};
use model::release::Ask;
use model::{Tier, WarningId};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

fn city() -> City {
    let folder = testdata().join("city");
    City::read(|name: &str| std::fs::read(folder.join(name)).ok(), &[]).unwrap()
}

fn at(seconds: i64) -> Time {
    Time::parse("2026-05-08T22:00:00+08:00").unwrap().0 + Span::from_seconds(seconds)
}

fn call(area: &str, since: i64, answered: Option<(i64, Answer)>) -> Call {
    Call {
        warning: WarningId::parse(&"a".repeat(24)).unwrap(),
        place: Place::Area(AreaCode::parse(area).unwrap()),
        tier: Tier::Red,
        since: at(since),
        rungs: vec![Rung {
            after: Span::ZERO,
            ask: Ask::Primary,
            roles: Vec::new(),
            channels: Vec::new(),
            phone: true,
        }],
        repeat: Span::ZERO,
        asked: Vec::new(),
        next: None,
        answered: answered.map(|(said, answer)| Said {
            contact: "P1".into(),
            answer,
            note: String::new(),
            channel: None,
            noted_by: String::new(),
            said: at(said),
        }),
        needed: 1,
        answers: Vec::new(),
        recall: None,
        turns_before: 0,
        unlit: Vec::new(),
    }
}

#[test]
fn the_words_are_those_on_file() {
    use Answer::{AtPost, NeedsHelp, Received};
    let city = city();
    let calls = [
        call("440106014000", 0, Some((120, Received))),
        call("440106014000", 0, Some((420, AtPost))),
        call("440106015000", 0, Some((1500, NeedsHelp))),
        call("440106016000", 0, None),
        call("440111006000", 1200, None),
    ];
    let counted = count(&city, calls.iter(), at(2100));
    let town = &counted.townships[&AreaCode::parse("440106014000").unwrap()];
    assert_eq!(
        (town.called, town.answered, town.median_s),
        (2, 2, Some(120))
    );
    let answered = town.within.map(|within| (within.answered, within.of));
    assert_eq!(answered, [(1, 2), (2, 2), (2, 2)]);
    assert_eq!(counted.city.median_s, Some(1500));
    assert_eq!(counted.city.waiting_s, Some(2100));
    // The last call is a quarter of an hour old: it is in no share of half an hour.
    assert_eq!(
        (counted.city.within[2].answered, counted.city.within[2].of),
        (3, 4)
    );
    for (language, name) in [(Language::Zh, "zh.txt"), (Language::En, "en.txt")] {
        let mut said = counted.text(&city, (at(2100), Offset(480)), language);
        said += &count(&city, calls[..3].iter(), at(2100)).text(
            &city,
            (at(2100), Offset(480)),
            language,
        );
        said += &count(&city, [].iter(), at(0)).text(&city, (at(0), Offset(480)), language);
        let file = testdata().join("golden/calls").join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &said).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(kept, said, "read them, then run with UPDATE_GOLDEN=1");
    }
}

proptest! {
    /// Against a count of each minute by itself.
    #[test]
    fn shares_and_median_are_those_of_a_count(
        rows in proptest::collection::vec((0_i64..4000, proptest::option::of(0_i64..4000)), 1..30),
    ) {
        let now = 4000;
        let timed: Vec<Timed> = rows
            .iter()
            .map(|(since, after)| {
                let after = after.filter(|after| since + after <= now);
                Timed {
                    age: Span::from_seconds(now - since),
                    answered: after.map(|a| (Span::from_seconds(a), Answer::Received)),
                }
            })
            .collect();
        let found = figures(&timed);
        for within in found.within {
            let most = within.minutes * 60;
            let (mut of, mut answered) = (0, 0);
            for (since, after) in &rows {
                let after = after.filter(|after| since + after <= now);
                let quick = after.is_some_and(|after| after <= most);
                of += u64::from(quick || now - since >= most);
                answered += u64::from(quick);
            }
            prop_assert_eq!((within.of, within.answered), (of, answered));
        }
        // The median is the first second by which half have answered.
        let by = |second: i64| {
            let quick = |(since, after): &&(i64, Option<i64>)| {
                after.is_some_and(|after| since + after <= now && after <= second)
            };
            rows.iter().filter(quick).count() * 2 >= rows.len()
        };
        prop_assert_eq!(found.median_s, (0..=4000).find(|second| by(*second)));
    }
}
