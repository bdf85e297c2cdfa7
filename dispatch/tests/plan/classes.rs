//! A tier that is told to some classes of the public alone.

use super::*;

fn revision(number: u32, event: Event, tier: Tier) -> Warning {
    let areas = [(A, tier, tier)];
    warning(
        Hazard::Waterlogging,
        number,
        event,
        &areas,
        i64::from(number),
    )
}

/// Of each public intent of a channel: what for, and the classes meant.
fn told(out: &[Intent], channel: Channel) -> Vec<(Purpose, bool, Vec<String>)> {
    out.iter()
        .filter(|i| i.channel == channel && i.audience.reach == Reach::Public)
        .map(|i| (i.purpose, i.only_told, i.audience.roles.clone()))
        .collect()
}

#[test]
fn blue_rings_with_those_who_act_on_it_and_orange_with_everybody() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let of_blue: Vec<String> = ["school", "construction", "outdoor", "basement", "transport"]
        .map(str::to_owned)
        .to_vec();
    let all = Vec::new;
    let blue = revision(1, Event::Issued, Tier::Blue);
    let first = step(&mut planner, &fixture, 1, &blue);
    assert_eq!(
        told(&first, Channel::Sms),
        [(Purpose::Alert, false, of_blue.clone())]
    );
    // The flow below opens the other channels, for all their readers.
    for channel in [Channel::Push, Channel::Email, Channel::Cap] {
        assert_eq!(told(&first, channel), [(Purpose::Alert, false, all())]);
    }
    // Most of those who hear of orange never heard of blue: it is not raised for them.
    let orange = revision(2, Event::Updated, Tier::Orange);
    let raised = step(&mut planner, &fixture, 2, &orange);
    assert_eq!(
        told(&raised, Channel::Sms),
        [(Purpose::Alert, false, all())]
    );
    assert_eq!(
        told(&raised, Channel::Email),
        [(Purpose::Rise, false, all())]
    );
    let sms = |out: &[Intent]| {
        let public = |i: &&Intent| i.channel == Channel::Sms && i.audience.reach == Reach::Public;
        out.iter().find(public).unwrap().clone()
    };
    assert!(sms(&raised).supersedes(&sms(&first)));
    assert!(!sms(&first).supersedes(&Intent {
        revision: 0,
        ..sms(&raised)
    }));
    // Who was told of orange is told of its fall, of whatever class; blue is news to its own alone.
    let lower = revision(3, Event::Updated, Tier::Blue);
    let fallen = step(&mut planner, &fixture, 3, &lower);
    assert_eq!(
        told(&fallen, Channel::Sms),
        [
            (Purpose::Fall, true, all()),
            (Purpose::Alert, false, of_blue)
        ]
    );
    let over = revision(4, Event::Ended, Tier::None);
    let ended = step(&mut planner, &fixture, 4, &over);
    assert_eq!(told(&ended, Channel::Sms), [(Purpose::Ended, true, all())]);
}
