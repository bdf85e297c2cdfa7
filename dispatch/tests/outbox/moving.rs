//! Who moves while an audience is gone through is met a second time, where they are now.

use super::*;

#[test]
fn whoever_is_met_twice_hears_once() {
    for seed in 0..60 {
        let mut world = World::new(seed, 300);
        world.moves = true;
        (world.throttle, world.transient) = (7, 9);
        let limits = limits(&mut world.random);
        let mut outbox = Outbox::new("sms", limits);
        world.step(&mut outbox, Event::Up);
        let tier = [Tier::Yellow, Tier::Red][seed as usize % 2];
        let alert = to_all(1, Purpose::Alert, tier, 0, 9000);
        world.plan(&mut outbox, alert.clone());
        for second in 0..5000 {
            world.now = second;
            world.answer(&mut outbox);
            world.sync(&mut outbox);
            world.step(&mut outbox, Event::Tick);
            if outbox.open().next().is_none() {
                break;
            }
        }
        assert!(
            outbox.open().next().is_none(),
            "seed {seed}: it came to its end"
        );
        for who in 0..300 {
            let times = world.got.get(&(alert.id, who)).copied();
            // One of two who share a phone hears it.
            let is_twin = who % 50 == 49 || who % 50 == 45;
            let once = times == Some(1) || (is_twin && times.unwrap_or(0) == 0);
            assert!(once, "seed {seed}: {who} heard it {times:?} times");
        }
    }
}
