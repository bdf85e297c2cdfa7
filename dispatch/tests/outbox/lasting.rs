//! Who is told of a fall or an end: everybody who was told, however long ago, and nobody twice.

use super::*;

pub(crate) fn until_quiet(world: &mut World, outbox: &mut Outbox) {
    for _ in 0..50_000 {
        world.now += 1;
        world.answer(outbox);
        world.sync(outbox);
        world.step(outbox, Event::Tick);
        if outbox.open().next().is_none() {
            return;
        }
    }
    assert!(outbox.open().next().is_none(), "it never ended");
}

pub(crate) fn heard(world: &World, id: IntentId) -> BTreeSet<u32> {
    let got = world.got.iter().filter(|((i, _), n)| *i == id && **n > 0);
    got.map(|((_, who), _)| *who).collect()
}

const DAY: i64 = 86_400;

/// A warning of eleven days: its first message is long over when its end goes out.
#[test]
fn the_end_of_a_long_warning_reaches_those_who_were_told() {
    let mut world = World::new(11, 400);
    let mut outbox = Outbox::new("sms", Limits::with_window(20));
    world.step(&mut outbox, Event::Up);
    let alert = intent(
        warning(1),
        1,
        Purpose::Alert,
        Tier::Orange,
        &[0, 1],
        0,
        7200,
    );
    world.plan(&mut outbox, alert.clone());
    until_quiet(&mut world, &mut outbox);
    let told = heard(&world, alert.id);
    for _ in 0..11 {
        world.now += DAY;
        world.step(&mut outbox, Event::Tick);
    }
    // What a snapshot keeps is what is needed.
    assert_eq!(outbox.intents().count(), 1);
    let end = intent(
        warning(1),
        2,
        Purpose::Ended,
        Tier::None,
        &[0, 1],
        world.now,
        21_600,
    );
    world.plan(&mut outbox, end.clone());
    until_quiet(&mut world, &mut outbox);
    assert_eq!(heard(&world, end.id), told);
    // Over, and some days later nothing is left of it.
    for _ in 0..5 {
        world.now += DAY;
        world.step(&mut outbox, Event::Tick);
    }
    assert_eq!(outbox.intents().count(), 0);
}

/// Where nobody knows who was told, the end goes to everybody there.
#[test]
fn an_end_without_a_known_beginning_goes_to_everybody() {
    let mut world = World::new(12, 400);
    let mut outbox = Outbox::new("sms", Limits::with_window(20));
    world.step(&mut outbox, Event::Up);
    // The message to area 1 is remembered, that to area 0 is not.
    let alert = intent(warning(1), 1, Purpose::Alert, Tier::Blue, &[1], 0, 7200);
    world.plan(&mut outbox, alert);
    until_quiet(&mut world, &mut outbox);
    let created = world.now;
    let end = intent(
        warning(1),
        2,
        Purpose::Ended,
        Tier::None,
        &[0, 1],
        created,
        21_600,
    );
    world.plan(&mut outbox, end.clone());
    until_quiet(&mut world, &mut outbox);
    let got = heard(&world, end.id);
    assert!((190..=200).contains(&got.len()), "{}", got.len());
}

/// At the bound a warning is forgotten whole, and that is said.
#[test]
fn what_is_remembered_is_bounded_and_the_bound_is_said() {
    let mut world = World::new(13, 400);
    let mut outbox = Outbox::new(
        "sms",
        Limits {
            standing_max: 150,
            ..Limits::with_window(20)
        },
    );
    world.step(&mut outbox, Event::Up);
    for n in 1..=2 {
        let alert = intent(
            warning(n),
            1,
            Purpose::Alert,
            Tier::Blue,
            &[n as u64],
            0,
            7200,
        );
        world.plan(&mut outbox, alert);
        until_quiet(&mut world, &mut outbox);
    }
    world.now += 4 * DAY;
    let mut out = Effects::default();
    outbox.step(world.time(), Event::Tick, &mut out);
    let said = |note: &&Note| matches!(note, Note::Forgotten(id) if *id == warning(1));
    assert_eq!(out.notes.iter().filter(said).count(), 1, "{:?}", out.notes);
    assert_eq!(outbox.stats().forgotten, 1);
    assert_eq!(outbox.intents().count(), 1);
}

/// The tier falls while the first message goes out: those who have it hear that it fell, all
/// others hear of the tier that is left, and nobody hears both or nothing.
#[test]
fn a_fall_in_mid_send_leaves_nobody_without_word() {
    for seed in 0..60 {
        let mut world = World::new(seed, 400);
        let limits = limits(&mut world.random);
        world.throttle = 12;
        world.transient = 12;
        let mut outbox = Outbox::new("sms", limits.clone());
        world.step(&mut outbox, Event::Up);
        let red = to_all(1, Purpose::Alert, Tier::Red, 0, 9000);
        world.plan(&mut outbox, red.clone());
        for _ in 0..world.random.below(30) {
            world.answer(&mut outbox);
            world.sync(&mut outbox);
        }
        let lower = if seed % 2 == 0 {
            Tier::Orange
        } else {
            Tier::Yellow
        };
        let areas = &[0, 1, 2, 3];
        let fall = intent(warning(1), 2, Purpose::Fall, lower, areas, 1, 90_000);
        let mut left = intent(warning(1), 2, Purpose::Alert, lower, areas, 1, 90_000);
        left.only_new = true;
        world.plan(&mut outbox, fall.clone());
        world.plan(&mut outbox, left.clone());
        until_quiet(&mut world, &mut outbox);
        let (red, fall, left) = (
            heard(&world, red.id),
            heard(&world, fall.id),
            heard(&world, left.id),
        );
        for who in 0..400 {
            let is_shared = who % 50 == 49 || who % 50 == 45;
            let word = red.contains(&who) || left.contains(&who);
            assert!(word || is_shared, "seed {seed}: {who} heard nothing");
            let both = red.contains(&who) && left.contains(&who);
            assert!(!both, "seed {seed}: {who} is told anew what they know");
            let told = red.contains(&who) == fall.contains(&who);
            assert!(told || is_shared, "seed {seed}: {who} and the fall");
        }
    }
}

/// A later rung of call-and-answer goes to others: the first message to the one responsible stays.
#[test]
fn asking_again_takes_nothing_out_of_the_queue() {
    let responsible = |revision, again, roles: &[&str]| {
        let mut one = intent(
            warning(1),
            revision,
            Purpose::Reminder,
            Tier::Red,
            &[0],
            0,
            7200,
        );
        one.audience.reach = Reach::Responsible;
        one.audience.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        one.again = again;
        one
    };
    let first = responsible(1, false, &[]);
    let rung = responsible(2, true, &["deputy"]);
    let asked = responsible(3, true, &[]);
    let newer = responsible(4, false, &[]);
    let stands_in = Intent {
        instead_of: Some(first.id),
        ..responsible(5, false, &[])
    };
    let fault = Intent {
        purpose: Purpose::DeviceFault,
        ..responsible(6, false, &[])
    };
    let down = Intent {
        purpose: Purpose::StandDown,
        tier: Tier::None,
        ..responsible(7, false, &[])
    };
    let open = |plans: &[&Intent]| -> Vec<u32> {
        let mut outbox = Outbox::new("sms", Limits::default());
        let mut out = Effects::default();
        for plan in plans {
            outbox.step(at(0), Event::Planned(plan), &mut out);
        }
        outbox.open().map(|intent| intent.revision).collect()
    };
    assert_eq!(open(&[&first, &rung]), [1, 2]);
    assert_eq!(open(&[&first, &asked]), [1, 3]);
    assert_eq!(open(&[&first, &stands_in]), [1, 5]);
    assert_eq!(open(&[&first, &fault]), [1, 6]);
    assert_eq!(open(&[&first, &rung, &newer]), [2, 4]);
    // Who was to be asked is not asked any more once the place is clear.
    assert_eq!(open(&[&first, &rung, &down]), [7]);
}

/// On a shared telephone the row that is to be sent again is not a duplicate of itself.
#[test]
fn an_unknown_outcome_on_a_shared_phone_is_sent_again_after_a_cut() {
    let mut outbox = Outbox::new("sms", Limits::with_window(20));
    let mut out = Effects::default();
    let red = intent(warning(1), 1, Purpose::Alert, Tier::Red, &[0, 1], 0, 7200);
    let row = Row {
        recipient: RecipientNo(7),
        variant: 0,
        shared: true,
        address: 99,
    };
    let give = |outbox: &mut Outbox, epoch: u32, out: &mut Effects| {
        for pass in 0..2 {
            let rows = Event::Rows {
                intent: red.id,
                pass,
                epoch,
                cursor: 1,
                rows: if pass == 0 { &[row] } else { &[] },
                end: true,
            };
            outbox.step(at(2), rows, out);
        }
    };
    outbox.step(at(0), Event::Up, &mut out);
    outbox.step(at(0), Event::Planned(&red), &mut out);
    give(&mut outbox, 0, &mut out);
    assert_eq!(out.sending.len(), 1);
    let token = out.sending[0].token;
    let unknown = Answer {
        token,
        outcome: Outcome::Uncertain,
    };
    outbox.step(at(2), Event::Answers(&[unknown]), &mut out);
    // Area 1 goes to a newer revision: what is left is read again from the start.
    let newer = intent(warning(1), 2, Purpose::Rise, Tier::Red, &[1], 3, 7200);
    outbox.step(at(3), Event::Planned(&newer), &mut out);
    out.clear();
    give(&mut outbox, 1, &mut out);
    assert_eq!(out.sending.iter().filter(|s| s.token == token).count(), 1);
    let state = outbox.ledger().state(red.id, RecipientNo(7));
    assert_ne!(state, State::Duplicate);
}
