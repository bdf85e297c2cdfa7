//! Calls by hand, and against a naive reading of what a ladder is.

use super::*;
use model::{Hazard, Mode};

fn at(seconds: i64) -> Time {
    Time::from_seconds(1_700_000_000 + seconds)
}

fn id() -> WarningId {
    let city = AreaCode::parse("440100000000").unwrap();
    WarningId::derive(city, Mode::Actual, Hazard::Rainstorm, city, at(0))
}

const REPEAT: Span = Span::from_minutes(15);

fn ladder() -> Ladder {
    let step = |minutes, ask, phone| LadderStep {
        after: Span::from_minutes(minutes),
        ask,
        roles: Vec::new(),
        channels: vec![Channel::Sms],
        phone,
    };
    Ladder {
        tiers: vec![Tier::Red],
        hours: None,
        quota: None,
        before_impact: None,
        repeat: REPEAT,
        steps: vec![
            step(0, Ask::Primary, false),
            step(5, Ask::Primary, true),
            step(10, Ask::Deputy, false),
            step(15, Ask::District, true),
        ],
    }
}

fn site(n: u32) -> Place {
    Place::Site(format!("C{n:04}"))
}

fn warned(place: Place, tier: Tier, ladder: &Ladder) -> Event<'_> {
    Event::Warned {
        warning: id(),
        place,
        tier,
        ladder: Some(ladder),
        needed: 1,
        onset: None,
    }
}

fn told(out: &[Effect]) -> Vec<(Place, Ask)> {
    out.iter()
        .filter_map(|effect| match effect {
            Effect::Tell { place, rung, .. } => Some((place.clone(), rung.ask)),
            Effect::Phone { .. } | Effect::Help { .. } | Effect::Board { .. } => None,
        })
        .collect()
}

fn said(answer: Answer) -> Said {
    Said {
        contact: "P00381".into(),
        answer,
        note: String::new(),
        channel: Some(Channel::Sms),
        noted_by: String::new(),
        said: at(400),
    }
}

#[test]
fn silence_climbs_and_one_answer_stops_that_place_alone() {
    let (ladder, mut calls, mut out) = (ladder(), Calls::default(), Vec::new());
    calls.step(at(0), warned(site(1), Tier::Orange, &ladder), &mut out);
    calls.step(at(0), warned(site(2), Tier::Orange, &ladder), &mut out);
    assert_eq!(told(&out), []);
    assert_eq!(calls.due(), Some(at(300)));
    out.clear();
    calls.step(at(300), Event::Tick, &mut out);
    assert_eq!(
        told(&out),
        [(site(1), Ask::Primary), (site(2), Ask::Primary)]
    );
    let phones = out
        .iter()
        .filter(|e| matches!(e, Effect::Phone { .. }))
        .count();
    assert_eq!(phones, 2);
    out.clear();
    let answer = Event::Answered {
        warning: id(),
        places: &[site(1)],
        answer: said(Answer::Received),
    };
    calls.step(at(400), answer, &mut out);
    calls.step(at(600), Event::Tick, &mut out);
    assert_eq!(told(&out), [(site(2), Ask::Deputy)]);
    assert!(!calls.is_handled(id()));
    assert_eq!(calls.unanswered().count(), 1);
    out.clear();
    calls.step(at(900), Event::Tick, &mut out);
    calls.step(at(900 + 15 * 60), Event::Tick, &mut out);
    assert_eq!(
        told(&out),
        [(site(2), Ask::District), (site(2), Ask::District)]
    );
}

#[test]
fn a_higher_tier_asks_anew_and_a_lower_one_does_not() {
    let (ladder, mut calls, mut out) = (ladder(), Calls::default(), Vec::new());
    calls.step(at(0), warned(site(1), Tier::Orange, &ladder), &mut out);
    let answer = Event::Answered {
        warning: id(),
        places: &[site(1)],
        answer: said(Answer::NeedsHelp),
    };
    calls.step(at(100), answer, &mut out);
    assert!(
        out.iter()
            .any(|e| matches!(e, Effect::Help { contact, .. } if contact == "P00381"))
    );
    calls.step(at(200), warned(site(1), Tier::Yellow, &ladder), &mut out);
    assert!(calls.is_handled(id()));
    calls.step(at(300), warned(site(1), Tier::Red, &ladder), &mut out);
    assert!(!calls.is_handled(id()));
    assert_eq!(calls.due(), Some(at(600)));
    calls.step(at(400), warned(site(1), Tier::None, &ladder), &mut out);
    assert!(calls.board().is_empty());
}

#[test]
fn a_device_that_did_not_confirm_calls_its_people_anew() {
    let (ladder, mut calls, mut out) = (ladder(), Calls::default(), Vec::new());
    let device = Place::Device {
        site: "C0001".into(),
        device: "barrier-C0001".into(),
    };
    calls.step(at(0), warned(site(1), Tier::Red, &ladder), &mut out);
    fn answer(place: &Place) -> Event<'_> {
        Event::Answered {
            warning: id(),
            places: std::slice::from_ref(place),
            answer: said(Answer::Received),
        }
    }
    calls.step(at(10), answer(&site(1)), &mut out);
    assert!(calls.is_handled(id()));
    out.clear();
    calls.step(at(20), warned(device.clone(), Tier::Red, &ladder), &mut out);
    assert_eq!(told(&out), [(device.clone(), Ask::Primary)]);
    assert!(!calls.is_handled(id()));
    // Said again, it is the same call.
    out.clear();
    calls.step(at(30), warned(device.clone(), Tier::Red, &ladder), &mut out);
    assert_eq!(told(&out), []);
    calls.step(at(40), answer(&device), &mut out);
    assert!(calls.is_handled(id()));
    calls.step(at(50), warned(site(1), Tier::None, &ladder), &mut out);
    assert!(calls.board().is_empty());
}

#[test]
fn a_gap_in_time_asks_each_rung_once_and_a_snapshot_goes_on() {
    let (ladder, mut calls, mut out) = (ladder(), Calls::default(), Vec::new());
    calls.step(at(0), warned(site(1), Tier::Red, &ladder), &mut out);
    let text = serde_json::to_string(&calls).unwrap();
    let mut calls: Calls = serde_json::from_str(&text).unwrap();
    out.clear();
    calls.step(at(3600), Event::Tick, &mut out);
    let asked: Vec<Ask> = told(&out).into_iter().map(|(_, ask)| ask).collect();
    assert_eq!(asked, [Ask::Primary, Ask::Deputy, Ask::District]);
    assert_eq!(calls.due(), Some(at(3600) + REPEAT));
    calls.step(at(3700), Event::Over(id()), &mut out);
    assert!(calls.board().is_empty() && calls.due().is_none());
}

fn said_by(contact: &str, answer: Answer) -> Said {
    Said {
        contact: contact.to_owned(),
        ..said(answer)
    }
}

fn answered(contact: &str, answer: Answer) -> Event<'static> {
    static PLACES: std::sync::LazyLock<[Place; 1]> = std::sync::LazyLock::new(|| [site(1)]);
    Event::Answered {
        warning: id(),
        places: &*PLACES,
        answer: said_by(contact, answer),
    }
}

#[test]
fn a_quota_wants_different_people() {
    let (ladder, mut calls, mut out) = (ladder(), Calls::default(), Vec::new());
    let mut first = warned(site(1), Tier::Red, &ladder);
    if let Event::Warned { needed, .. } = &mut first {
        *needed = 3;
    }
    calls.step(at(0), first, &mut out);
    for (contact, answer) in [
        ("A", Answer::Received),
        ("A", Answer::AtPost),
        ("B", Answer::Received),
    ] {
        calls.step(at(10), answered(contact, answer), &mut out);
        assert!(!calls.is_handled(id()), "{contact}");
    }
    let call = calls.call(id(), &site(1)).unwrap();
    assert_eq!((call.answers.len(), call.next), (2, Some(at(300))));
    calls.step(at(20), answered("C", Answer::Received), &mut out);
    assert!(calls.is_handled(id()));
}

#[test]
fn shortly_before_it_comes_whoever_does_not_act_is_asked_anew() {
    let mut ladder = ladder();
    ladder.before_impact = Some(Span::from_minutes(30));
    let told_at = |answer: Answer| {
        let (mut calls, mut out) = (Calls::default(), Vec::new());
        let mut first = warned(site(1), Tier::Red, &ladder);
        if let Event::Warned { onset, .. } = &mut first {
            *onset = Some(at(7200));
        }
        calls.step(at(0), first, &mut out);
        calls.step(at(60), answered("A", answer), &mut out);
        assert_eq!(calls.due(), Some(at(5400)));
        out.clear();
        calls.step(at(5400), Event::Tick, &mut out);
        let first = told(&out);
        out.clear();
        calls.step(at(5700), Event::Tick, &mut out);
        let turns: Vec<u32> = out
            .iter()
            .filter_map(|effect| match effect {
                Effect::Tell { turn, .. } => Some(*turn),
                Effect::Phone { .. } | Effect::Help { .. } | Effect::Board { .. } => None,
            })
            .collect();
        (first.len(), turns)
    };
    // The first rung too, and under numbers that were not used.
    assert_eq!(told_at(Answer::Received), (1, vec![2]));
    assert_eq!(told_at(Answer::AtPost), (0, vec![]));
    assert_eq!(told_at(Answer::NeedsHelp), (0, vec![]));
}

#[test]
fn who_is_asked_before_impact_follows_the_hour_and_once() {
    let mut ladder = ladder();
    ladder.before_impact = Some(Span::from_minutes(30));
    let warned_for = |second: i64| {
        let mut event = warned(site(1), Tier::Red, &ladder);
        if let Event::Warned { onset, .. } = &mut event {
            *onset = Some(at(second));
        }
        event
    };
    let (mut calls, mut out) = (Calls::default(), Vec::new());
    let recall = |calls: &Calls| calls.call(id(), &site(1)).unwrap().recall;
    // It was there, so nobody thought; now a forecaster names an hour, and another.
    calls.step(at(0), warned_for(0), &mut out);
    assert_eq!(recall(&calls), None);
    calls.step(at(60), answered("A", Answer::Received), &mut out);
    calls.step(at(120), warned_for(7200), &mut out);
    assert_eq!(recall(&calls), Some(at(5400)));
    out.clear();
    calls.step(at(180), warned_for(9000), &mut out);
    assert_eq!(recall(&calls), Some(at(7200)));
    assert!(matches!(out[..], [Effect::Board { .. }]), "{out:?}");
    out.clear();
    calls.step(at(240), Event::Tick, &mut out);
    assert_eq!(told(&out), []);
    // Nearer than half an hour: at once.
    calls.step(at(300), warned_for(1800), &mut out);
    assert_eq!(told(&out), [(site(1), Ask::Primary)]);
    assert_eq!(recall(&calls), None);
    calls.step(at(360), warned_for(9000), &mut out);
    assert_eq!(recall(&calls), None, "once in a call");
}

/// What a ladder is, told a second time and without state: the whole history is read anew at each
/// minute.
mod naive {
    use super::*;

    #[derive(Clone, Copy, Debug)]
    pub(super) enum Act {
        Warned { tier: Tier, onset: i64 },
        Over,
        Says { who: u8, answer: Answer },
    }

    /// Minutes at which rungs are asked, with their numbers, of one place.
    pub(super) fn asked(ladder: &Ladder, needed: usize, acts: &[(i64, Act)]) -> Vec<(i64, usize)> {
        let mut asked: Vec<(i64, usize)> = Vec::new();
        let mut begun: Option<(i64, Tier)> = None;
        let mut heard: Vec<(u8, Answer)> = Vec::new();
        let (mut next, mut recall): (Option<(i64, usize)>, Option<i64>) = (None, None);
        let mut anew = false;
        for minute in 0..=200 {
            for (_, act) in acts.iter().filter(|(when, _)| *when == minute) {
                match *act {
                    Act::Over => (begun, next, recall) = (None, None, None),
                    Act::Warned { tier, onset } => {
                        let before = ladder.before_impact.map_or(0, |b| b.millis() / 60_000);
                        let again = Some(onset - before).filter(|m| *m > minute && before > 0);
                        if let Some((since, held)) = begun
                            && tier <= held
                        {
                            begun = Some((since, tier));
                            recall = match recall {
                                Some(_) if tier == held && before > 0 => {
                                    Some((onset - before).max(minute))
                                }
                                Some(old) => Some(again.unwrap_or(old)),
                                None if anew => None,
                                None => again,
                            };
                        } else {
                            anew = false;
                            begun = Some((minute, tier));
                            heard.clear();
                            next = Some((minute, 0));
                            recall = again;
                        }
                    }
                    Act::Says { who, answer } if begun.is_some() => {
                        heard.retain(|(other, _)| *other != who);
                        heard.push((who, answer));
                        if heard.len() >= needed {
                            next = None;
                        }
                    }
                    Act::Says { .. } => {}
                }
                // What is due is asked with whatever record passes it.
                climb(
                    ladder,
                    needed,
                    minute,
                    &mut heard,
                    &mut begun,
                    (&mut recall, &mut anew),
                    &mut next,
                    &mut asked,
                );
            }
            climb(
                ladder,
                needed,
                minute,
                &mut heard,
                &mut begun,
                (&mut recall, &mut anew),
                &mut next,
                &mut asked,
            );
        }
        asked
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the model has no state of its own"
    )]
    fn climb(
        ladder: &Ladder,
        needed: usize,
        minute: i64,
        heard: &mut Vec<(u8, Answer)>,
        begun: &mut Option<(i64, Tier)>,
        (recall, anew): (&mut Option<i64>, &mut bool),
        next: &mut Option<(i64, usize)>,
        asked: &mut Vec<(i64, usize)>,
    ) {
        if recall.is_some_and(|recall| recall <= minute) {
            *recall = None;
            let acts = heard.iter().any(|(_, answer)| *answer != Answer::Received);
            if heard.len() < needed || !acts {
                heard.clear();
                *anew = true;
                *begun = begun.map(|(_, tier)| (minute, tier));
                *next = Some((minute, 0));
            }
        }
        while let Some((due, number)) = *next
            && due <= minute
        {
            asked.push((minute, number.min(ladder.steps.len() - 1)));
            let since = begun.map_or(0, |(since, _)| since);
            *next = Some(match ladder.steps.get(number + 1) {
                Some(step) => (since + step.after.millis() / 60_000, number + 1),
                None => (minute + 15, number + 1),
            });
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    /// Whatever is warned, answered and ended in whatever order: the same rungs at the same minutes.
    #[test]
    fn a_ladder_is_what_its_whole_history_says(
        needed in 1_u8..4,
        before in proptest::option::of(5_i64..60),
        acts in proptest::collection::vec((0_i64..180, 0_u8..10, 0_u8..4, 0_i64..240), 0..14),
    ) {
        use naive::Act;
        let mut ladder = ladder();
        ladder.before_impact = before.map(Span::from_minutes);
        let answers = [Answer::Received, Answer::AtPost, Answer::Moved, Answer::NeedsHelp];
        let tiers = [Tier::Blue, Tier::Yellow, Tier::Orange, Tier::Red];
        let mut acts: Vec<(i64, Act)> = acts
            .into_iter()
            .map(|(minute, kind, which, onset)| {
                let act = match kind {
                    0 => Act::Over,
                    1..=4 => Act::Warned { tier: tiers[usize::from(which)], onset },
                    _ => Act::Says { who: kind, answer: answers[usize::from(which)] },
                };
                (minute, act)
            })
            .collect();
        acts.sort_by_key(|(minute, _)| *minute);
        let (mut calls, mut asked) = (Calls::default(), Vec::new());
        let mut seen = 0;
        let mut look = |calls: &Calls, minute: i64, is_new: bool| {
            let Some(call) = calls.call(id(), &site(1)) else {
                seen = 0;
                return;
            };
            if is_new {
                seen = 0;
            }
            let rungs = call.asked.get(seen..).unwrap_or_default();
            asked.extend(rungs.iter().map(|(rung, _)| (minute, usize::from(*rung))));
            seen = call.asked.len();
        };
        for minute in 0..=200 {
            let now = at(minute * 60);
            for (_, act) in acts.iter().filter(|(when, _)| *when == minute) {
                let held = calls.call(id(), &site(1)).map(|call| call.tier);
                let mut is_new = false;
                let event = match act {
                    Act::Over => Event::Over(id()),
                    Act::Warned { tier, onset } => {
                        is_new = held.is_none_or(|held| *tier > held);
                        Event::Warned {
                            warning: id(),
                            place: site(1),
                            tier: *tier,
                            ladder: Some(&ladder),
                            needed,
                            onset: Some(at(onset * 60)),
                        }
                    }
                    Act::Says { who, answer } => answered(&format!("P{who}"), *answer),
                };
                calls.step(now, event, &mut Vec::new());
                look(&calls, minute, is_new);
            }
            calls.step(now, Event::Tick, &mut Vec::new());
            look(&calls, minute, false);
        }
        let wanted = naive::asked(&ladder, usize::from(needed), &acts);
        proptest::prop_assert_eq!(asked, wanted);
    }
}
