//! A line that speaks: what waits for one telephone is one call, nobody is called twice at once, and
//! nothing of lower order makes anything wait.

use super::*;

/// A line of so many calls at once that says up to four things in each.
fn line(calls: usize) -> Limits {
    Limits {
        together_max: 4,
        attempts_max: 3,
        backoff: vec![Span::from_seconds(60)],
        unconfirmed_max: calls * 16,
        answer_max: Span::from_minutes(10_000),
        ..Limits::with_window(calls)
    }
}

fn opened(limits: &Limits) -> (World, Outbox) {
    let mut outbox = Outbox::new("sms", limits.clone());
    let mut world = World::new(1, 1);
    world.step(&mut outbox, Event::Up);
    (world, outbox)
}

/// The first word of a warning to everybody.
fn word(number: i64, tier: Tier) -> Intent {
    let (id, areas) = (warning(number), [0, 1, 2, 3]);
    intent(id, 1, Purpose::Reminder, tier, &areas, 0, 90_000)
}

/// Plans all of them before a row of any is there, as one turn of the courier does.
fn plan_together(world: &mut World, outbox: &mut Outbox, intents: &[Intent]) {
    let mut out = Effects::default();
    for intent in intents {
        world.intents.push(intent.clone());
        outbox.step(world.time(), Event::Planned(intent), &mut out);
    }
    world.run(outbox, out);
}

fn address(token: Token) -> u32 {
    let who = token.recipient().0;
    if who % 50 == 49 { who - 4 } else { who }
}

/// The calls that are on, by address: which warnings each says.
fn calls(world: &World) -> BTreeMap<u32, Vec<u64>> {
    let mut calls: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for token in &world.wire {
        calls
            .entry(address(*token))
            .or_default()
            .push(token.0 >> 32);
    }
    calls.values_mut().for_each(|said| said.sort_unstable());
    calls
}

/// One call ends, and everything that it said has that outcome.
fn ends(world: &mut World, outbox: &mut Outbox, of: u32, outcome: Outcome) {
    let (over, on): (Vec<Token>, Vec<Token>) =
        world.wire.iter().partition(|token| address(**token) == of);
    world.wire = on;
    let over = over.into_iter();
    let answers: Vec<Answer> = over.map(|token| Answer { token, outcome }).collect();
    world.step(outbox, Event::Answers(&answers));
}

const TAKEN: Outcome = Outcome::Accepted { receipt: 0 };

#[test]
fn what_was_planned_together_is_one_call_to_each() {
    let (mut world, mut outbox) = opened(&line(1));
    world.people = 10;
    plan_together(
        &mut world,
        &mut outbox,
        &[
            word(1, Tier::Orange),
            word(2, Tier::Red),
            word(3, Tier::Yellow),
        ],
    );
    for call in 0..10 {
        let on = calls(&world);
        assert_eq!(on.len(), 1, "call {call}");
        let (who, said) = on.first_key_value().unwrap();
        assert_eq!(said, &[0, 1, 2], "call {call}");
        ends(&mut world, &mut outbox, *who, TAKEN);
        world.sync(&mut outbox);
    }
    assert!(world.wire.is_empty() && outbox.is_idle());
    assert!(world.got.values().all(|times| *times == 1));
    assert_eq!(world.got.len(), 30);
}

#[test]
fn a_call_says_four_things_and_what_is_left_is_the_next_call() {
    let (mut world, mut outbox) = opened(&line(4));
    let six: Vec<Intent> = (0..6)
        .map(|n| word(n, if n < 3 { Tier::Orange } else { Tier::Red }))
        .collect();
    plan_together(&mut world, &mut outbox, &six);
    // The three red ones, and the first of the others.
    assert_eq!(calls(&world), BTreeMap::from([(0, vec![0, 3, 4, 5])]));
    ends(&mut world, &mut outbox, 0, TAKEN);
    assert_eq!(calls(&world), BTreeMap::from([(0, vec![1, 2])]));
    ends(&mut world, &mut outbox, 0, TAKEN);
    assert!(world.wire.is_empty());
}

#[test]
fn who_is_being_spoken_to_is_not_called_and_holds_up_nobody() {
    let (mut world, mut outbox) = opened(&line(2));
    world.people = 3;
    world.plan(&mut outbox, word(1, Tier::Red));
    let on: Vec<u32> = calls(&world).into_keys().collect();
    assert_eq!(on.len(), 2);
    world.plan(&mut outbox, word(2, Tier::Red));
    let (early, late) = (on[0], on[1]);
    ends(&mut world, &mut outbox, early, TAKEN);
    // Everybody else hears both, while one of the first two goes on listening.
    loop {
        let said = calls(&world);
        assert_eq!(said[&late], [0]);
        let Some(other) = said.into_keys().find(|who| *who != late) else {
            break;
        };
        ends(&mut world, &mut outbox, other, TAKEN);
    }
    assert_eq!(world.got.len(), 5);
    ends(&mut world, &mut outbox, late, TAKEN);
    assert_eq!(calls(&world), BTreeMap::from([(late, vec![1])]));
}

#[test]
fn who_was_busy_hears_it_in_the_next_call() {
    let (mut world, mut outbox) = opened(&line(2));
    world.plan(&mut outbox, word(1, Tier::Red));
    ends(&mut world, &mut outbox, 0, Outcome::Transient);
    assert!(world.wire.is_empty(), "it is tried again in a minute");
    world.now = 20;
    world.plan(&mut outbox, word(2, Tier::Orange));
    assert_eq!(calls(&world), BTreeMap::from([(0, vec![0, 1])]));
    // Busy again: both wait, and come again as one call.
    ends(&mut world, &mut outbox, 0, Outcome::Transient);
    world.now = 79;
    world.step(&mut outbox, Event::Tick);
    assert!(world.wire.is_empty());
    world.now = 80;
    world.step(&mut outbox, Event::Tick);
    assert_eq!(calls(&world), BTreeMap::from([(0, vec![0, 1])]));
    ends(&mut world, &mut outbox, 0, TAKEN);
    assert!(world.wire.is_empty() && outbox.is_idle());
}

#[test]
fn lower_tiers_are_one_call_once_both_are_claimed() {
    let (mut world, mut outbox) = opened(&line(2));
    let two = [word(1, Tier::Yellow), word(2, Tier::Blue)];
    plan_together(&mut world, &mut outbox, &two);
    assert!(world.wire.is_empty(), "nothing leaves unclaimed");
    world.sync(&mut outbox);
    assert_eq!(calls(&world), BTreeMap::from([(0, vec![0, 1])]));
    // A crash during the call leaves both unknown and calls nobody again.
    let limits = line(2);
    let mut outbox = world.crash(&limits);
    world.sync(&mut outbox);
    assert!(world.wire.is_empty());
    assert!(world.got.values().all(|times| *times == 1));
}

#[test]
fn a_call_gives_way_to_something_more_urgent_alone() {
    let (mut world, mut outbox) = opened(&line(2));
    world.plan(&mut outbox, word(1, Tier::Orange));
    world.plan(&mut outbox, word(2, Tier::Orange));
    assert_eq!(outbox.outranked(), [], "what is no higher waits");
    world.plan(&mut outbox, word(3, Tier::Red));
    assert_eq!(outbox.outranked(), world.wire);
    // Taken back before anybody picked up: it is said with the other, and after it.
    ends(&mut world, &mut outbox, 0, Outcome::Transient);
    assert_eq!(calls(&world), BTreeMap::from([(0, vec![0, 1, 2])]));
    assert_eq!(outbox.outranked(), []);
}

#[test]
fn a_link_that_does_not_speak_sends_each_by_itself() {
    let (mut world, mut outbox) = opened(&Limits::with_window(9));
    plan_together(
        &mut world,
        &mut outbox,
        &[word(1, Tier::Red), word(2, Tier::Red)],
    );
    assert_eq!(world.wire.len(), 2);
    assert_eq!(outbox.outranked(), []);
}

/// One step of which every message has to be to somebody who was not being spoken to.
fn one(world: &mut World, outbox: &mut Outbox, what: u64) {
    let before = calls(world);
    match what {
        0..40 if !before.is_empty() => {
            let nth = world.random.below(before.len() as u64) as usize;
            let of = *before.keys().nth(nth).unwrap();
            let outcome = match world.random.below(12) {
                0 | 1 => Outcome::Transient,
                2 => Outcome::Permanent,
                3 => Outcome::Uncertain,
                4 | 5 => Outcome::Acknowledged,
                _ => TAKEN,
            };
            ends(world, outbox, of, outcome);
            // Whoever's call ended may be called at once.
            let mut before = before;
            before.remove(&of);
            return check(world, &before);
        }
        0..70 => world.sync(outbox),
        _ => world.step(outbox, Event::Tick),
    }
    check(world, &before);
}

fn check(world: &World, before: &BTreeMap<u32, Vec<u64>>) {
    for (who, said) in calls(world) {
        assert!(said.len() <= 4, "{who} is told {said:?} in one call");
        if let Some(earlier) = before.get(&who) {
            assert_eq!(&said, earlier, "{who} was called while they listened");
        }
    }
}

#[test]
fn a_storm_of_calls_loses_nothing_and_calls_nobody_twice_at_once() {
    let tiers = [Tier::Red, Tier::Orange, Tier::Yellow, Tier::Blue];
    let (mut merged, mut placed) = (0, 0);
    for seed in 0..80 {
        let limits = line(1 + seed as usize % 7);
        let mut world = World::new(seed, 120);
        let mut outbox = Outbox::new("sms", limits.clone());
        world.step(&mut outbox, Event::Up);
        let mut left: Vec<Intent> = (0..7)
            .map(|n| word(n, tiers[world.random.below(4) as usize]))
            .collect();
        let mut crashes = 0;
        for _ in 0..60_000 {
            world.now += i64::from(world.random.one_in(3));
            if world.random.one_in(200) {
                let n = (1 + world.random.below(3) as usize).min(left.len());
                let planned: Vec<Intent> = left.drain(..n).collect();
                let before = calls(&world);
                plan_together(&mut world, &mut outbox, &planned);
                check(&world, &before);
            }
            if crashes < 3 && world.random.one_in(900) {
                crashes += 1;
                outbox = world.crash(&limits);
            }
            let what = world.random.below(100);
            one(&mut world, &mut outbox, what);
            let held = outbox.in_flight() + outbox.unsaved();
            assert!(held <= limits.unconfirmed_max, "seed {seed}");
            let on = calls(&world);
            assert!(on.len() <= limits.window, "seed {seed}: {} calls", on.len());
            placed += on.len();
            merged += on.values().filter(|said| said.len() > 1).count();
            if left.is_empty() && outbox.open().next().is_none() {
                break;
            }
        }
        assert!(
            outbox.open().next().is_none(),
            "seed {seed}: it never ended"
        );
        world.sync(&mut outbox);
        for intent in &world.intents {
            for who in 0..world.people {
                let state = outbox.ledger().state(intent.id, RecipientNo(who));
                let settled = matches!(
                    state,
                    State::Accepted
                        | State::Acknowledged
                        | State::Duplicate
                        | State::Failed
                        | State::Unknown
                );
                assert!(settled, "seed {seed}: {who} is {state:?}");
                let got = world.got.get(&(intent.id, who)).copied().unwrap_or(0);
                let is_told = matches!(state, State::Accepted | State::Acknowledged);
                assert!(!is_told || got > 0, "seed {seed}: {who} got nothing");
            }
        }
    }
    assert!(
        merged * 4 > placed,
        "{merged} of {placed} say several things"
    );
}
