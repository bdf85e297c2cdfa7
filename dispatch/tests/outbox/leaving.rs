//! What leaves before what, what is withdrawn, and what leaves no more.

use super::*;

#[test]
fn red_passes_blue_at_once() {
    let mut world = World::new(5, 400);
    let limits = Limits::with_window(10);
    let mut outbox = Outbox::new("sms", limits);
    world.step(&mut outbox, Event::Up);
    world.plan(&mut outbox, to_all(1, Purpose::Alert, Tier::Blue, 0, 9000));
    world.sync(&mut outbox);
    world.answer(&mut outbox);
    let red = intent(warning(2), 1, Purpose::Alert, Tier::Red, &[0, 1], 0, 9000);
    world.plan(&mut outbox, red.clone());
    let blue_before = world.got.keys().filter(|(id, _)| *id != red.id).count();
    let mut red_left = 200;
    while red_left > 0 {
        world.answer(&mut outbox);
        world.sync(&mut outbox);
        let red_got = world.got.keys().filter(|(id, _)| *id == red.id).count();
        let blue_got = world.got.keys().filter(|(id, _)| *id != red.id).count();
        if red_got < 192 {
            assert_eq!(
                blue_got, blue_before,
                "blue left while red waited ({red_got} red out)"
            );
        } else {
            red_left = 0;
        }
    }
}

#[test]
fn whom_it_reaches_first_is_told_first_and_that_moves_with_the_hour() {
    for hours in [None, Some(60)] {
        let mut world = World::new(5, 400);
        let mut outbox = Outbox::new("sms", Limits::with_window(10));
        let of = |n: i64, onset: i64| Intent {
            onset: at(onset),
            ..intent(
                warning(n),
                1,
                Purpose::Alert,
                Tier::Red,
                &[n as u64],
                0,
                9000,
            )
        };
        let (near, far) = (of(1, 600), of(2, 1200));
        world.plan(&mut outbox, near.clone());
        world.plan(&mut outbox, far.clone());
        if let Some(onset) = hours {
            let moved = BTreeMap::from([(far.id, at(onset))]);
            world.step(&mut outbox, Event::Arrives(&moved));
        }
        world.step(&mut outbox, Event::Up);
        let first = if hours.is_some() { far.id } else { near.id };
        for _ in 0..9 {
            world.answer(&mut outbox);
            world.sync(&mut outbox);
        }
        let told: BTreeSet<IntentId> = world.got.keys().map(|(id, _)| *id).collect();
        assert_eq!(told, BTreeSet::from([first]), "{hours:?}");
    }
}

#[test]
fn those_without_another_channel_come_first_then_numbers() {
    let mut world = World::new(6, 300);
    let mut outbox = Outbox::new(
        "sms",
        Limits {
            chunk_rows: 1000,
            ..Limits::with_window(10)
        },
    );
    world.step(&mut outbox, Event::Up);
    world.plan(&mut outbox, to_all(1, Purpose::Alert, Tier::Red, 0, 9000));
    let mut sent: Vec<u32> = Vec::new();
    while outbox.open().next().is_some() {
        sent.extend(world.wire.iter().map(|t| t.recipient().0));
        let all: Vec<Answer> = world.answers(Outcome::Accepted { receipt: 0 });
        world.step(&mut outbox, Event::Answers(&all));
        world.sync(&mut outbox);
    }
    let switch = sent.iter().position(|who| who % 3 != 0).unwrap();
    assert!(sent[switch..].iter().all(|who| who % 3 != 0));
    assert!(sent[..switch].is_sorted() && sent[switch..].is_sorted());
}

#[test]
fn a_cancel_withdraws_the_unsent_and_reaches_those_who_got_it() {
    for seed in 0..60 {
        let mut world = World::new(seed, 400);
        let limits = limits(&mut world.random);
        let mut outbox = Outbox::new("sms", limits.clone());
        world.step(&mut outbox, Event::Up);
        let alert = to_all(1, Purpose::Alert, Tier::Red, 0, 9000);
        world.plan(&mut outbox, alert.clone());
        for _ in 0..world.random.below(30) {
            world.answer(&mut outbox);
            world.sync(&mut outbox);
        }
        let before: BTreeSet<u32> = world.got.keys().map(|(_, who)| *who).collect();
        let cancel = to_all(2, Purpose::Cancelled, Tier::Red, 1, 9000);
        world.plan(&mut outbox, cancel.clone());
        if world.random.one_in(2) {
            world.sync(&mut outbox);
            outbox = world.crash(&limits);
        }
        for _ in 0..5000 {
            world.answer(&mut outbox);
            world.sync(&mut outbox);
            if outbox.open().next().is_none() {
                break;
            }
        }
        let of = |id: IntentId| -> BTreeSet<u32> {
            world
                .got
                .keys()
                .filter(|(i, _)| *i == id)
                .map(|(_, who)| *who)
                .collect()
        };
        assert_eq!(
            of(alert.id),
            before,
            "seed {seed}: the alert left after the cancel"
        );
        let cancelled = of(cancel.id);
        let accepted: BTreeSet<u32> = (0..400)
            .filter(|who| {
                outbox
                    .ledger()
                    .state(alert.id, RecipientNo(*who))
                    .may_be_told()
            })
            .collect();
        assert!(
            cancelled.is_superset(&accepted),
            "seed {seed}: somebody told is not told of the cancel"
        );
        assert!(
            cancelled.is_subset(&before),
            "seed {seed}: a cancel to people who knew nothing"
        );
    }
}

#[test]
fn a_cancel_while_the_alert_is_tried_again_ends_the_trying_and_reaches_who_got_it() {
    let mut waited = 0;
    for seed in 0..60 {
        let mut world = World::new(seed, 400);
        (world.transient, world.throttle) = (2, 9);
        let limits = limits(&mut world.random);
        let mut outbox = Outbox::new("sms", limits);
        world.step(&mut outbox, Event::Up);
        let tier = [Tier::Yellow, Tier::Red][world.random.below(2) as usize];
        let alert = to_all(1, Purpose::Alert, tier, 0, 9000);
        world.plan(&mut outbox, alert.clone());
        for _ in 0..20 {
            world.answer(&mut outbox);
            world.sync(&mut outbox);
        }
        let told = |world: &World, id: IntentId| -> BTreeSet<u32> {
            let got = world.got.iter();
            let got = got.filter(|((of, _), count)| *of == id && **count > 0);
            got.map(|((_, who), _)| *who).collect()
        };
        let before = told(&world, alert.id);
        waited += world.got.len() - before.len();
        let cancel = to_all(2, Purpose::Cancelled, tier, 1, 9000);
        world.plan(&mut outbox, cancel.clone());
        while outbox.open().next().is_some() {
            world.now += 1;
            world.step(&mut outbox, Event::Tick);
            world.answer(&mut outbox);
            world.sync(&mut outbox);
        }
        let after = told(&world, alert.id);
        assert!(
            after.is_subset(&before),
            "seed {seed}: tried after the cancel"
        );
        assert_eq!(told(&world, cancel.id), after, "seed {seed}");
    }
    assert!(waited > 200, "{waited} waited for another try");
}

#[test]
fn a_newer_revision_takes_its_areas_and_leaves_the_others() {
    for seed in 0..60 {
        let mut world = World::new(seed, 400);
        let limits = limits(&mut world.random);
        let mut outbox = Outbox::new("sms", limits);
        world.throttle = 20;
        world.transient = 10;
        world.step(&mut outbox, Event::Up);
        let yellow = to_all(1, Purpose::Alert, Tier::Yellow, 0, 90_000);
        world.plan(&mut outbox, yellow.clone());
        for _ in 0..world.random.below(12) {
            world.answer(&mut outbox);
            world.sync(&mut outbox);
        }
        let before: BTreeSet<u32> = world
            .got
            .iter()
            .filter(|(_, n)| **n > 0)
            .map(|((_, w), _)| *w)
            .collect();
        let flying: BTreeSet<u32> = world.wire.iter().map(|t| t.recipient().0).collect();
        let orange = intent(warning(1), 2, Purpose::Rise, Tier::Orange, &[1], 1, 90_000);
        world.plan(&mut outbox, orange.clone());
        for _ in 0..50_000 {
            world.now += 1;
            world.answer(&mut outbox);
            world.sync(&mut outbox);
            world.step(&mut outbox, Event::Tick);
            if outbox.open().next().is_none() {
                break;
            }
        }
        assert!(outbox.open().next().is_none(), "seed {seed}");
        for who in 0..400u32 {
            let got = |id| world.got.get(&(id, who)).copied().unwrap_or(0);
            let duplicate = |id| outbox.ledger().state(id, RecipientNo(who)) == State::Duplicate;
            if who % 4 == 1 {
                assert!(
                    got(orange.id) == 1 || duplicate(orange.id),
                    "seed {seed}: {who}"
                );
                let earlier = before.contains(&who) || flying.contains(&who);
                assert!(
                    got(yellow.id) == 0 || earlier,
                    "seed {seed}: yellow after orange to {who}"
                );
            } else {
                assert_eq!(got(orange.id), 0);
                assert!(
                    got(yellow.id) == 1 || duplicate(yellow.id),
                    "seed {seed}: {who} lost"
                );
            }
        }
    }
}

#[test]
fn nothing_leaves_after_its_time_and_the_rest_is_expired() {
    let mut world = World::new(9, 400);
    let mut outbox = Outbox::new(
        "sms",
        Limits {
            pace_per_s: 10,
            ..Limits::with_window(50)
        },
    );
    world.step(&mut outbox, Event::Up);
    let alert = to_all(1, Purpose::Alert, Tier::Red, 0, 20);
    world.plan(&mut outbox, alert.clone());
    for _ in 0..600 {
        world.millis += 50;
        world.answer(&mut outbox);
        world.sync(&mut outbox);
        world.step(&mut outbox, Event::Tick);
    }
    assert_eq!(outbox.ledger().closed(alert.id), Some(State::Expired));
    let got = world.got.len();
    assert!(
        (180..=201).contains(&got),
        "ten a second for twenty seconds: {got}"
    );
}
