//! What a process had on the wire when it ended, or when a message was withdrawn, and clocks that are
//! put back. Found by the simulation of the service.

use super::lasting::{heard, until_quiet};
use super::*;

fn cancel(created: i64) -> Intent {
    to_all(2, Purpose::Cancelled, Tier::Orange, created, 21_600)
}

/// Orange goes out without a claim: at a crash nothing on disk says who has it.
#[test]
fn an_end_after_a_crash_reaches_those_who_were_told_without_a_word_on_disk() {
    for restarts in 1..4 {
        let mut world = World::new(21, 400);
        let limits = Limits::with_window(20);
        let mut outbox = Outbox::new("sms", limits.clone());
        world.step(&mut outbox, Event::Up);
        let alert = to_all(1, Purpose::Alert, Tier::Orange, 0, 7200);
        world.plan(&mut outbox, alert.clone());
        let told = heard(&world, alert.id);
        assert_eq!(told.len(), 20, "they have it and nobody answered");
        world.intents.push(cancel(1));
        for _ in 0..restarts {
            outbox = world.crash(&limits);
            world.sync(&mut outbox);
        }
        until_quiet(&mut world, &mut outbox);
        let over = heard(&world, cancel(1).id);
        assert!(told.is_subset(&over), "after {restarts} restarts");
    }
}

/// The same where the withdrawal is on disk and the answers are not.
#[test]
fn who_is_on_the_wire_at_a_withdrawal_hears_the_end_after_a_crash() {
    let mut world = World::new(22, 400);
    let limits = Limits::with_window(20);
    let mut outbox = Outbox::new("sms", limits.clone());
    world.step(&mut outbox, Event::Up);
    let alert = to_all(1, Purpose::Alert, Tier::Orange, 0, 7200);
    world.plan(&mut outbox, alert.clone());
    let told = heard(&world, alert.id);
    world.plan(&mut outbox, cancel(1));
    world.sync(&mut outbox);
    outbox = world.crash(&limits);
    until_quiet(&mut world, &mut outbox);
    let over = heard(&world, cancel(1).id);
    assert!(told.is_subset(&over));
    assert_eq!(over, told, "and nobody else: that much was on disk");
}

/// A pace, a pause and a further try wait by the clock: put back, it holds up nobody.
#[test]
fn a_clock_put_back_holds_up_nothing() {
    for pace_per_s in [0, 50] {
        let mut world = World::new(23, 400);
        let limits = Limits {
            pace_per_s,
            ..Limits::with_window(20)
        };
        let mut outbox = Outbox::new("sms", limits);
        world.now = 3600;
        world.step(&mut outbox, Event::Up);
        let alert = to_all(1, Purpose::Alert, Tier::Orange, 0, 7200);
        world.plan(&mut outbox, alert);
        let answers = world.answers(Outcome::Throttled);
        world.got.clear();
        world.step(&mut outbox, Event::Answers(&answers));
        world.now += 60;
        world.step(&mut outbox, Event::Tick);
        let answers = world.answers(Outcome::Transient);
        assert!(!answers.is_empty());
        world.got.clear();
        world.step(&mut outbox, Event::Answers(&answers));
        world.now = 0;
        for _ in 0..700 {
            world.now += 1;
            world.answer(&mut outbox);
            world.sync(&mut outbox);
            world.step(&mut outbox, Event::Tick);
        }
        assert!(outbox.open().next().is_none(), "pace {pace_per_s}");
        nobody_lost(23, &world, &outbox);
    }
}

/// What is planned after a start was on no wire before it; what was open at it may have been, up to
/// the bound.
#[test]
fn only_what_a_start_found_open_counts_as_repeated() {
    let mut world = World::new(24, 400);
    let limits = Limits::with_window(20);
    let mut outbox = world.crash(&limits);
    let alert = to_all(1, Purpose::Alert, Tier::Orange, 0, 7200);
    world.step(&mut outbox, Event::Up);
    world.plan(&mut outbox, alert.clone());
    assert_eq!(heard(&world, alert.id).len(), 20);
    assert_eq!(outbox.stats().perhaps_repeated, 0, "nothing came before");
    outbox = world.crash(&limits);
    world.step(&mut outbox, Event::Up);
    assert_eq!(
        outbox.stats().perhaps_repeated,
        20,
        "a window of them again"
    );
    until_quiet(&mut world, &mut outbox);
    let bound = limits.unconfirmed_max as u64;
    assert_eq!(outbox.stats().perhaps_repeated, bound);
}
