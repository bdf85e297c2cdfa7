//! What carriers meter and windows count are the parts of a message, and what a link has not got is not
//! on the wire.

use super::*;

/// Three parts in the default alphabet.
fn long(tier: Tier) -> Intent {
    let mut intent = intent(warning(1), 1, Purpose::Alert, tier, &[0, 1, 2, 3], 0, 9000);
    intent.words[0].text = "a".repeat(400);
    intent
}

#[test]
fn window_and_pace_are_of_parts() {
    let mut world = World::new(11, 2_000);
    let limits = Limits {
        pace_per_s: 30,
        ..Limits::with_window(60)
    };
    let mut outbox = Outbox::new("sms", limits);
    world.step(&mut outbox, Event::Up);
    world.plan(&mut outbox, long(Tier::Red));
    let mut sent = 0;
    for _ in 0..1_000 {
        assert!(outbox.in_flight() <= 20, "{}", outbox.in_flight());
        let answers: Vec<Answer> = world.answers(Outcome::Accepted { receipt: 0 });
        sent += answers.len();
        world.step(&mut outbox, Event::Answers(&answers));
        world.sync(&mut outbox);
        world.millis += 100;
        world.step(&mut outbox, Event::Tick);
    }
    // A hundred seconds of thirty parts, three a message.
    assert!((950..=1_010).contains(&sent), "{sent} messages");

    let mut outbox = Outbox::new("sms", Limits::with_window(60));
    let mut world = World::new(11, 2_000);
    world.step(&mut outbox, Event::Window(30));
    world.step(&mut outbox, Event::Up);
    world.plan(&mut outbox, long(Tier::Red));
    assert_eq!(world.wire.len(), 10, "of the sessions that are bound");
}

#[test]
fn what_the_link_never_got_is_not_in_doubt_when_it_goes_down() {
    for tier in [Tier::Blue, Tier::Red] {
        let mut world = World::new(12, 100);
        let mut outbox = Outbox::new("sms", Limits::with_window(10));
        world.step(&mut outbox, Event::Up);
        let everybody = long(tier);
        world.plan(&mut outbox, everybody.clone());
        world.sync(&mut outbox);
        let waiting: Vec<Answer> = world.answers(Outcome::Transient);
        assert!(!waiting.is_empty());
        world.step(&mut outbox, Event::Window(0));
        world.step(&mut outbox, Event::Answers(&waiting));
        assert!(
            world.wire.is_empty(),
            "nothing is handed out to a link that goes"
        );
        world.step(&mut outbox, Event::Down);
        assert_eq!(outbox.stats().uncertain, 0);
        world.now += 10;
        world.step(&mut outbox, Event::Window(30));
        world.step(&mut outbox, Event::Up);
        while outbox.open().next().is_some() {
            let answers: Vec<Answer> = world.answers(Outcome::Accepted { receipt: 0 });
            world.step(&mut outbox, Event::Answers(&answers));
            world.sync(&mut outbox);
            world.now += 1;
            world.step(&mut outbox, Event::Tick);
            assert!(world.now < 1_000);
        }
        let counts = outbox.ledger().counts(everybody.id);
        let told = counts.of(State::Accepted) + counts.of(State::Duplicate);
        assert_eq!((told, counts.of(State::Unknown)), (100, 0), "{tier}");
    }
}
