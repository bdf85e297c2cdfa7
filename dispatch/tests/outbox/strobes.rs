//! A light goes by the newest word: one that could not be said at once does not come after it.

use super::*;

const STROBE: RecipientNo = RecipientNo(7);

fn switched(purpose: Purpose, strobe: &str, created: i64) -> Intent {
    let mut one = intent(warning(1), 1, purpose, Tier::Yellow, &[], created, 7200);
    one.audience = Audience::of(Reach::Device, "v1");
    one.audience.strobes = vec![strobe.to_owned()];
    let place = format!("{strobe}/{created}");
    one.id = IntentId::derive(warning(1), 1, "device", purpose, Reach::Device, &place);
    one.link = "device".into();
    one.channel = Channel::Device;
    one.only_told = false;
    one.words[0].text.clear();
    one
}

/// Gives the rows of an intent, as the directory has them: one strobe, whose address nobody shares.
fn give(outbox: &mut Outbox, second: i64, of: &Intent, out: &mut Effects) {
    let row = Row {
        recipient: STROBE,
        variant: 0,
        shared: false,
        address: 99,
    };
    for pass in 0..2 {
        let rows = Event::Rows {
            intent: of.id,
            pass,
            epoch: 0,
            cursor: 1,
            rows: if pass == 0 { &[row] } else { &[] },
            end: true,
        };
        outbox.step(at(second), rows, out);
    }
}

/// Intents that are still to leave once these were planned.
fn open(plans: &[&Intent]) -> Vec<&'static str> {
    let mut outbox = Outbox::new("device", Limits::default());
    let mut out = Effects::default();
    for plan in plans {
        outbox.step(at(0), Event::Planned(plan), &mut out);
    }
    outbox.open().map(|intent| intent.purpose.name()).collect()
}

#[test]
fn the_newest_word_to_a_strobe_takes_the_others_out() {
    let on = switched(Purpose::Strobe, "strobe-1", 0);
    let off = switched(Purpose::StrobeOver, "strobe-1", 10);
    let again = switched(Purpose::Strobe, "strobe-1", 20);
    let other = switched(Purpose::Strobe, "strobe-2", 5);
    let mut of_another_warning = switched(Purpose::StrobeOver, "strobe-1", 10);
    of_another_warning.warning = warning(2);
    assert_eq!(open(&[&on, &off]), ["strobe_over"]);
    assert_eq!(open(&[&on, &off, &again]), ["strobe"]);
    assert_eq!(open(&[&on, &other]), ["strobe", "strobe"]);
    assert_eq!(open(&[&on, &of_another_warning]), ["strobe", "strobe_over"]);
    // Neither takes out what people and signs are told, nor the other way round.
    let alarm = intent(warning(1), 1, Purpose::Alert, Tier::Red, &[0], 0, 7200);
    let alarm = Intent {
        link: "device".into(),
        ..alarm
    };
    let newer = Intent {
        revision: 2,
        id: IntentId::from_bytes([2; 16]),
        ..alarm.clone()
    };
    assert_eq!(open(&[&alarm, &off]), ["alert", "strobe_over"]);
    assert_eq!(open(&[&on, &newer]), ["strobe", "alert"]);
}

/// A tier at which people are not told twice: a light is asked again until it says what it does, and is
/// said not to be reached once; after the word that puts it out it is not lit any more.
#[test]
fn a_light_of_unknown_outcome_is_tried_again_until_it_is_put_out() {
    let mut outbox = Outbox::new("device", Limits::default());
    let mut out = Effects::default();
    let on = switched(Purpose::Strobe, "strobe-1", 0);
    let off = switched(Purpose::StrobeOver, "strobe-1", 100);
    outbox.step(at(0), Event::Up, &mut out);
    outbox.step(at(0), Event::Planned(&on), &mut out);
    give(&mut outbox, 0, &on, &mut out);
    let first = outbox.token(on.id, STROBE).unwrap();
    let unknown = Answer {
        token: first,
        outcome: Outcome::Uncertain,
    };
    outbox.step(at(5), Event::Answers(&[unknown]), &mut out);
    let seq = out.progress.last().map_or(0, |progress| progress.seq);
    outbox.step(at(5), Event::Durable(seq), &mut out);
    outbox.step(at(60), Event::Tick, &mut out);
    let sent = |out: &Effects, token: Token| {
        let all = out.sending.iter();
        all.filter(|sending| sending.token == token).count()
    };
    assert_eq!(sent(&out, first), 2);
    let fallen = |note: &&Note| matches!(note, Note::FallBack { .. });
    assert_eq!(out.notes.iter().filter(fallen).count(), 1);
    outbox.step(at(61), Event::Answers(&[unknown]), &mut out);

    outbox.step(at(100), Event::Planned(&off), &mut out);
    give(&mut outbox, 100, &off, &mut out);
    outbox.step(at(1000), Event::Tick, &mut out);
    let dark = outbox.token(off.id, STROBE).unwrap();
    assert_eq!((sent(&out, first), sent(&out, dark)), (2, 1));
    let done = Answer {
        token: dark,
        outcome: Outcome::Acknowledged,
    };
    outbox.step(at(1001), Event::Answers(&[done]), &mut out);
    let state = |of: &Intent| outbox.ledger().state(of.id, STROBE);
    assert_eq!(
        (state(&on), state(&off)),
        (State::Unknown, State::Acknowledged)
    );
}
