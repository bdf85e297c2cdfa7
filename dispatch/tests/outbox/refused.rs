//! What the far side does not take: whose fault it is, who is told otherwise, and what is tried again.

use super::*;
use dispatch::outbox::Note;

fn red(areas: &[u64], until: i64) -> Intent {
    intent(warning(1), 1, Purpose::Alert, Tier::Red, areas, 0, until)
}

/// Answers everything on the wire alike, as the disk and the seconds go on; gives how many that was
/// and who was said not to be reached.
fn round(world: &mut World, outbox: &mut Outbox, outcome: Outcome) -> (usize, usize) {
    world.sync(outbox);
    let tokens: Vec<Token> = world.wire.drain(..).collect();
    let answers: Vec<Answer> = tokens
        .iter()
        .map(|token| Answer {
            token: *token,
            outcome,
        })
        .collect();
    let mut out = Effects::default();
    outbox.step(world.time(), Event::Answers(&answers), &mut out);
    let fallen = |note: &&Note| matches!(note, Note::FallBack { .. });
    let fallen = out.notes.iter().filter(fallen).count();
    world.run(outbox, out);
    world.now += 1;
    world.step(outbox, Event::Tick);
    (answers.len(), fallen)
}

const TAKEN: Outcome = Outcome::Accepted { receipt: 0 };

#[test]
fn a_centre_in_trouble_for_ten_minutes_fails_nobody() {
    let mut world = World::new(7, 2_000);
    let mut outbox = Outbox::new("sms", Limits::with_window(50));
    world.step(&mut outbox, Event::Up);
    let everybody = red(&[0, 1, 2, 3], 9000);
    world.plan(&mut outbox, everybody.clone());
    let mut tries = 0;
    for _ in 0..600 {
        tries += round(&mut world, &mut outbox, Outcome::Transient).0;
    }
    // A window of it at first, then one at a time with pauses of half a minute.
    assert!((50..200).contains(&tries), "{tries} tries in ten minutes");
    let mut seconds = 0;
    while outbox.open().next().is_some() {
        round(&mut world, &mut outbox, TAKEN);
        seconds += 1;
        assert!(seconds < 400, "it goes on soon after the centre does");
    }
    let counts = outbox.ledger().counts(everybody.id);
    assert_eq!(counts.of(State::Failed) + counts.of(State::Unknown), 0);
    assert!(counts.of(State::Accepted) > 1_900);
}

#[test]
fn one_message_alone_is_tried_until_its_time_and_said_late_once() {
    let mut world = World::new(8, 4);
    let mut outbox = Outbox::new("sms", Limits::with_window(50));
    world.step(&mut outbox, Event::Up);
    let one = red(&[0], 9000);
    world.plan(&mut outbox, one.clone());
    let (mut tries, mut fallen) = (0, 0);
    for _ in 0..3_600 {
        let (tried, late) = round(&mut world, &mut outbox, Outcome::Transient);
        (tries, fallen) = (tries + tried, fallen + late);
    }
    assert!(tries > 10, "{tries}");
    assert_eq!(fallen, 1);
    for _ in 0..301 {
        round(&mut world, &mut outbox, TAKEN);
    }
    assert_eq!(outbox.ledger().counts(one.id).of(State::Accepted), 1);
}

#[test]
fn what_is_refused_while_others_are_taken_fails_in_the_end() {
    let mut world = World::new(9, 400);
    let mut outbox = Outbox::new("sms", Limits::with_window(10));
    world.step(&mut outbox, Event::Up);
    let everybody = red(&[0, 1, 2, 3], 9000);
    world.plan(&mut outbox, everybody.clone());
    let bad = RecipientNo(3);
    let mut later = 0;
    while outbox.open().next().is_some() {
        world.sync(&mut outbox);
        let tokens: Vec<Token> = world.wire.drain(..).collect();
        let answer = |token: &Token| Answer {
            token: *token,
            outcome: if token.recipient() == bad {
                Outcome::Transient
            } else {
                TAKEN
            },
        };
        let answers: Vec<Answer> = tokens.iter().map(answer).collect();
        world.step(&mut outbox, Event::Answers(&answers));
        // Others go on being taken between its tries.
        later += 1;
        if later % 60 == 0 {
            let more = intent(warning(later), 1, Purpose::Alert, Tier::Blue, &[1], 0, 9000);
            world.plan(&mut outbox, more);
        }
        world.now += 1;
        world.step(&mut outbox, Event::Tick);
        assert!(world.now < 5_000);
        if outbox.ledger().state(everybody.id, bad) == State::Failed {
            return;
        }
    }
    panic!("it was never given up");
}
