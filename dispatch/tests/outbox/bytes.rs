//! What a message takes on disk from its claim to its receipt, with the worst identifiers that a message
//! centre can give: 24 bytes at most (semantics §38). And each says in which words it went.

use super::*;

const PEOPLE: u32 = 20_000;
/// Key, length, checksum and time of one record of the journal, at most.
const RECORD_BYTES: usize = 32;

/// The wording of somebody, by number: four languages.
fn variant(who: u32) -> u8 {
    (who % 7 % 4) as u8
}

/// Everything a link writes until each of its messages is delivered.
fn written(tier: Tier) -> Vec<Progress> {
    let mut random = Random(7);
    let limits = Limits::with_window(200);
    let mut outbox = Outbox::new("sms", limits);
    let alert = intent(warning(1), 1, Purpose::Alert, tier, &[0], 0, 9000);
    let mut out = Effects::default();
    outbox.step(at(0), Event::Up, &mut out);
    outbox.step(at(0), Event::Planned(&alert), &mut out);
    let (mut progress, mut receipts, mut is_over) = (Vec::new(), Vec::new(), false);
    for _ in 0..100_000 {
        let seq = out.progress.last().map(|progress| progress.seq);
        progress.append(&mut out.progress);
        let sent: Vec<Token> = out.sending.drain(..).map(|one| one.token).collect();
        out.sends.clear();
        let asked = std::mem::take(&mut out.resolve);
        if seq.is_none() && sent.is_empty() && asked.is_empty() && receipts.is_empty() {
            is_over = true;
            break;
        }
        for ask in asked {
            let from = ask.cursor as u32;
            let to = (from + ask.rows_max).min(PEOPLE);
            let row = |who: u32| Row {
                // Not in the order of numbers: a directory is sorted by place.
                recipient: RecipientNo(who.wrapping_mul(7919) % PEOPLE),
                variant: variant(who.wrapping_mul(7919) % PEOPLE),
                shared: false,
                address: u64::from(who),
            };
            let rows: Vec<Row> = if ask.pass == 0 {
                (from..to).map(row).collect()
            } else {
                Vec::new()
            };
            let event = Event::Rows {
                intent: ask.intent,
                pass: ask.pass,
                epoch: ask.epoch,
                cursor: u64::from(to),
                rows: &rows,
                end: ask.pass == 1 || to == PEOPLE,
            };
            outbox.step(at(0), event, &mut out);
        }
        // A receipt each, a window later, under identifiers without any order.
        let late = std::mem::take(&mut receipts);
        let of = |token: &Token, outcome| Answer {
            token: *token,
            outcome,
        };
        let late: Vec<Answer> = late
            .iter()
            .map(|token| of(token, Outcome::Delivered))
            .collect();
        outbox.step(at(1), Event::Answers(&late), &mut out);
        let mut taken = |token: &Token| {
            of(
                token,
                Outcome::Accepted {
                    receipt: random.next() | 1,
                },
            )
        };
        let answers: Vec<Answer> = sent.iter().map(&mut taken).collect();
        outbox.step(at(1), Event::Answers(&answers), &mut out);
        receipts = sent;
        if let Some(seq) = seq {
            outbox.step(at(1), Event::Durable(seq), &mut out);
        }
    }
    assert!(is_over, "it never ends");
    progress
}

#[test]
fn a_message_takes_at_most_24_bytes_on_disk() {
    for tier in [Tier::Blue, Tier::Red] {
        let progress = written(tier);
        let bytes: usize = progress
            .iter()
            .map(|one| one.encode().len() + RECORD_BYTES)
            .sum();
        let each = bytes as f64 / f64::from(PEOPLE);
        assert!(each <= 24.0, "{tier}: {each:.1} bytes a message");
        let mut told: BTreeMap<u32, (u8, BTreeSet<State>)> = BTreeMap::new();
        for entry in progress.iter().flat_map(|one| &one.entries) {
            let Entry::States {
                state,
                recipients,
                variant,
                ..
            } = entry
            else {
                continue;
            };
            for who in recipients {
                let of = told.entry(*who).or_insert((u8::MAX, BTreeSet::new()));
                of.0 = variant.unwrap_or(of.0);
                of.1.insert(*state);
            }
        }
        assert_eq!(told.len() as u32, PEOPLE);
        for (who, (said, states)) in told {
            assert_eq!(said, variant(who), "the wording of {who}");
            assert!(states.contains(&State::Delivered), "{who}: {states:?}");
        }
    }
}
