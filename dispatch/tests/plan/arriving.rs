//! Who is reached first by a job, and how often people are rung up.

use super::*;

/// The demo city with its public told by area jobs too.
fn by_jobs() -> Fixture {
    let mut fixture = Fixture::new();
    for flow in &mut fixture.city.policy.flows {
        if flow.reach == Reach::Public {
            flow.channels.push(Channel::Area);
        }
    }
    fixture
}

/// Areas and onset, in minutes, of each job.
fn jobs(intents: &[Intent]) -> Vec<(Vec<AreaCode>, i64)> {
    let jobs = intents.iter().filter(|i| i.channel == Channel::Area);
    let minute = |onset: Time| (onset.millis() - at(0).millis()) / 60_000;
    jobs.map(|i| (i.audience.areas.clone(), minute(i.onset)))
        .collect()
}

/// Red in both townships; the second is reached `later` minutes after the first.
fn storm(revision: u32, later: i64) -> Warning {
    let both = [(A, Tier::Red, Tier::Red), (B, Tier::Red, Tier::Red)];
    let mut storm = warning(Hazard::Waterlogging, revision, Event::Issued, &both, 0);
    storm.areas.get_mut(&code(B)).unwrap().onset = at(later);
    storm
}

#[test]
fn a_job_is_split_by_the_hour_at_which_the_hazard_arrives() {
    let fixture = by_jobs();
    let told = step(&mut Planner::default(), &fixture, 0, &storm(1, 40));
    assert_eq!(jobs(&told), [(vec![code(A)], 0), (vec![code(B)], 40)]);
    let texts: BTreeSet<&str> = told
        .iter()
        .filter(|i| i.channel == Channel::Area)
        .flat_map(|i| i.words.iter().filter(|w| w.language == Language::Zh))
        .map(|w| w.text.as_str())
        .collect();
    assert_eq!(
        texts.len(),
        2,
        "each names its own place and hour: {texts:?}"
    );
    // Minutes apart are one arrival.
    let told = step(&mut Planner::default(), &fixture, 0, &storm(1, 9));
    let mut both = vec![code(A), code(B)];
    both.sort_unstable();
    assert_eq!(jobs(&told), [(both, 0)]);
}

#[test]
fn a_job_has_four_parts_at_most_and_every_area_is_in_one() {
    let fixture = by_jobs();
    let district = fixture.city.area_no(code("440106000000")).unwrap();
    let inside = fixture.city.areas.iter().filter(|area| {
        let no = fixture.city.area_no(area.code).unwrap();
        no != district && fixture.city.is_within(no, district)
    });
    let codes: Vec<AreaCode> = inside.map(|area| area.code).take(9).collect();
    let names: Vec<String> = codes.iter().map(ToString::to_string).collect();
    let areas: Vec<_> = names
        .iter()
        .map(|code| (code.as_str(), Tier::Red, Tier::Red))
        .collect();
    let mut storm = warning(Hazard::Waterlogging, 1, Event::Issued, &areas, 0);
    for (place, code) in codes.iter().enumerate() {
        storm.areas.get_mut(code).unwrap().onset = at(place as i64 * 30);
    }
    let told = jobs(&step(&mut Planner::default(), &fixture, 0, &storm));
    assert_eq!(
        told.iter().map(|(_, onset)| *onset).collect::<Vec<_>>(),
        [0, 30, 60, 90]
    );
    let mut all: Vec<AreaCode> = told.into_iter().flat_map(|(areas, _)| areas).collect();
    all.sort_unstable();
    let mut want = codes;
    want.sort_unstable();
    assert_eq!(all, want, "each once");
}

#[test]
fn a_signer_sees_how_often_people_were_rung_up_in_a_day() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let tiers = [Tier::Yellow, Tier::Orange, Tier::Red];
    for (hour, tier) in (1..).zip(tiers) {
        let event = if hour == 1 {
            Event::Issued
        } else {
            Event::Updated
        };
        let areas = [(A, tier, tier)];
        let minute = i64::from(hour) * 60;
        let rise = warning(Hazard::Waterlogging, 2 * hour, event, &areas, minute);
        step(&mut planner, &fixture, minute, &rise);
        // A renewal rings nobody.
        let renewal = warning(
            Hazard::Waterlogging,
            2 * hour + 1,
            Event::Updated,
            &areas,
            minute + 5,
        );
        step(&mut planner, &fixture, minute + 5, &renewal);
    }
    let of = |minute: i64| planner.interrupted(at(minute)).get(&code(A)).copied();
    assert_eq!(of(181), Some(3));
    assert_eq!(planner.interrupted(at(181)).get(&code(B)), None);
    // A day after the first it is no longer counted, a day after the last none is.
    assert_eq!(of(60 + 24 * 60), Some(2));
    assert_eq!(of(180 + 24 * 60), None);
    // A restart forgets nothing.
    let stored = serde_json::to_string(&planner).unwrap();
    let again: Planner = serde_json::from_str(&stored).unwrap();
    assert_eq!(again.interrupted(at(181)), planner.interrupted(at(181)));
    let next = warning(
        Hazard::Waterlogging,
        8,
        Event::Cancelled,
        &[(A, Tier::None, Tier::None)],
        200,
    );
    let seen = preview(
        &planner,
        at(200),
        &next,
        &fixture.desk(),
        shown::NO_ACCOUNTS,
        |_, _| Vec::new(),
    );
    assert_eq!(seen.interrupted, BTreeMap::from([(code(A), 3)]));
}
