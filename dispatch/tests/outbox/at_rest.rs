//! Snapshots that are written while the link goes on, and what is read of them.

use super::*;
use dispatch::outbox::{SNAPSHOT_FORMAT, SnapshotError};

/// A link in the middle of its work: two warnings, one of them claimed before it is sent.
fn busy(seed: u64, people: u32) -> (World, Outbox, Limits) {
    let mut world = World::new(seed, people);
    (world.throttle, world.silence, world.transient, world.refuse) = (40, 60, 30, 8);
    let limits = limits(&mut world.random);
    let mut outbox = Outbox::new("sms", limits.clone());
    world.step(&mut outbox, Event::Up);
    for (n, tier, areas) in [(1, Tier::Yellow, [1, 3]), (2, Tier::Red, [0, 2])] {
        let alert = intent(warning(n), 1, Purpose::Alert, tier, &areas, 0, 9000);
        world.plan(&mut outbox, alert);
    }
    for _ in 0..world.random.below(20) {
        world.answer(&mut outbox);
        world.sync(&mut outbox);
    }
    (world, outbox, limits)
}

/// A snapshot with steps of the link between its parts, and how much progress was on disk when it
/// was begun.
fn written_meanwhile(world: &mut World, outbox: &mut Outbox) -> (Vec<u8>, usize) {
    let (mut bytes, since) = (Vec::new(), world.progress.len());
    let mut walk = outbox.walk();
    let mut revision = 1;
    while outbox.part(&mut walk, 1, &mut bytes) {
        world.answer(outbox);
        if world.random.one_in(2) {
            world.sync(outbox);
        }
        if world.random.one_in(4) {
            revision += 1;
            let now = world.now;
            let rise = intent(
                warning(1),
                revision,
                Purpose::Rise,
                Tier::Red,
                &[1],
                now,
                9000,
            );
            world.plan(outbox, rise);
        }
    }
    // The header comes last: what was learned before it is on disk with it.
    world.sync(outbox);
    (bytes, since)
}

/// Everybody's state, what is closed, and whose each receipt id is.
fn known(world: &World, outbox: &Outbox) -> Vec<String> {
    let ledger = outbox.ledger();
    let mut known = Vec::new();
    for intent in &world.intents {
        let closed = ledger.closed(intent.id);
        known.push(format!(
            "{} {closed:?} {:?}",
            intent.id,
            ledger.counts(intent.id)
        ));
        ledger.for_each(intent.id, |who, state| {
            known.push(format!("{} {state:?}", who.0))
        });
    }
    let entries = world.progress.iter().flat_map(|progress| &progress.entries);
    for entry in entries {
        if let Entry::States { receipts, .. } = entry {
            let found = receipts.iter().filter(|id| **id != 0);
            known.extend(found.map(|id| format!("{id} {:?}", ledger.find(*id))));
        }
    }
    known
}

#[test]
fn a_snapshot_written_meanwhile_is_as_good_as_the_whole_past() {
    let mut moments = 0;
    for seed in 0..48 {
        let people = if seed % 8 == 0 { 9_000 } else { 300 };
        let (mut world, mut outbox, limits) = busy(seed, people);
        let (bytes, since) = written_meanwhile(&mut world, &mut outbox);
        moments += world.progress.len() - since;
        for _ in 0..world.random.below(4) {
            world.answer(&mut outbox);
            world.sync(&mut outbox);
        }
        let at_rest = AtRest::read(&bytes).unwrap();
        let whole = known(&world, &world_of(&world, &limits));
        let mut outbox = world.crash_to(&limits, at_rest, since);
        // What the crash left undecided is decided alike.
        world.sync(&mut outbox);
        let order: Vec<IntentId> = outbox.intents().map(|intent| intent.id).collect();
        let planned: Vec<IntentId> = world.intents.iter().map(|intent| intent.id).collect();
        assert_eq!(order, planned, "seed {seed}");
        assert_eq!(known(&world, &outbox), whole, "seed {seed}");
        while outbox.open().next().is_some() {
            world.now += 1;
            world.step(&mut outbox, Event::Tick);
            world.answer(&mut outbox);
            world.sync(&mut outbox);
        }
        let red = world.intents[1].id;
        for who in (0..people).filter(|who| who % 4 == 0 || who % 4 == 2) {
            let state = outbox.ledger().state(red, RecipientNo(who));
            assert!(!state.is_open(), "seed {seed}: {who} is {state:?}");
        }
    }
    assert!(moments > 100, "the link stood still meanwhile: {moments}");
}

/// The outbox of everything that is on disk.
fn world_of(world: &World, limits: &Limits) -> Outbox {
    Outbox::recover(
        "sms",
        limits.clone(),
        AtRest::default(),
        world.intents.iter(),
        world.progress.iter(),
        world.time(),
        &mut Effects::default(),
    )
}

/// Somebody's message of a lower tier waits while a newer revision goes out: after a restart the
/// older one still gives way.
#[test]
fn intents_stay_in_the_order_they_were_planned() {
    let mut world = World::new(5, 40);
    let limits = Limits::with_window(100);
    let mut outbox = Outbox::new("sms", limits.clone());
    world.step(&mut outbox, Event::Up);
    let mut first = to_all(1, Purpose::Alert, Tier::Yellow, 0, 9000);
    first.not_before = Some(at(3600));
    world.plan(&mut outbox, first);
    let rise = intent(warning(1), 2, Purpose::Rise, Tier::Red, &[0], 0, 9000);
    world.plan(&mut outbox, rise);
    world.answer(&mut outbox);
    world.sync(&mut outbox);
    let planned: Vec<u32> = outbox.intents().map(|intent| intent.revision).collect();
    assert_eq!(planned, [1, 2]);
    let outbox = world.crash(&limits);
    let again: Vec<u32> = outbox.intents().map(|intent| intent.revision).collect();
    assert_eq!(again, planned);
}

#[test]
fn damaged_snapshots_are_told_and_newer_ones_apart() {
    let (world, outbox, _) = busy(3, 300);
    let mut bytes = Vec::new();
    let mut walk = outbox.walk();
    while outbox.part(&mut walk, 4096, &mut bytes) {}
    assert_eq!(AtRest::read(&bytes).unwrap().intents, world.intents);
    for length in 0..bytes.len() {
        let cut = AtRest::read(&bytes[..length]);
        assert!(
            matches!(cut, Err(SnapshotError::Damaged(_))),
            "{length}: {cut:?}"
        );
    }
    let mut long = bytes.clone();
    long.push(0);
    assert!(matches!(
        AtRest::read(&long),
        Err(SnapshotError::Damaged(_))
    ));
    bytes[4] = SNAPSHOT_FORMAT + 1;
    let newer = AtRest::read(&bytes).unwrap_err();
    assert_eq!(newer, SnapshotError::Newer(SNAPSHOT_FORMAT + 1));
    assert!(newer.to_string().contains("upgrade"), "{newer}");
}

#[test]
fn an_outbox_is_idle_once_all_is_answered() {
    let mut world = World::new(8, 40);
    let mut outbox = Outbox::new("sms", Limits::with_window(100));
    world.step(&mut outbox, Event::Up);
    assert!(outbox.is_idle());
    world.plan(&mut outbox, to_all(1, Purpose::Alert, Tier::Red, 0, 9000));
    assert!(!outbox.is_idle());
    while !world.wire.is_empty() {
        assert!(!outbox.is_idle());
        world.answer(&mut outbox);
        world.sync(&mut outbox);
    }
    assert!(outbox.is_idle());
}
