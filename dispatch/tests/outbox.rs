//! Seeded worlds with throttles, silence, refusals, link loss and crashes at any step.
//!
//! After every run: nobody is lost, duplicates stay within `unconfirmed_max` a crash and never
//! happen where a claim forbids them, higher tiers leave first, nothing leaves at or after its
//! not-after time, and what is withdrawn never leaves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use dispatch::directory::LIVE_FROM;
use dispatch::intent::{Audience, Intent, IntentId, RecipientNo};
use dispatch::ledger::{Entry, Progress, State};
use dispatch::outbox::{
    Answer, AtRest, Effects, Event, Limits, Note, Outbox, Outcome, Resolve, Row, Token,
};
use dispatch::wording::{Message, Purpose};
use model::{AreaCode, Channel, Hazard, Language, Mode, Reach, Span, Tier, Time, WarningId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A small generator of its own, so that a seed means the same for ever (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        n != 0 && self.below(n) == 0
    }
}

fn area(n: u64) -> AreaCode {
    AreaCode::parse(&format!("4401060{n:02}000")).unwrap()
}

fn warning(n: i64) -> WarningId {
    let city = area(0);
    WarningId::derive(
        city,
        Mode::Actual,
        Hazard::Rainstorm,
        city,
        Time::from_seconds(n),
    )
}

fn at(seconds: i64) -> Time {
    Time::from_seconds(1_700_000_000 + seconds)
}

fn intent(
    id: WarningId,
    revision: u32,
    purpose: Purpose,
    tier: Tier,
    areas: &[u64],
    created: i64,
    valid: i64,
) -> Intent {
    let place: String = areas.iter().map(|a| format!("{a},")).collect();
    let mut audience = Audience::of(Reach::Public, "v1");
    audience.areas = areas.iter().map(|a| area(*a)).collect();
    Intent {
        id: IntentId::derive(id, revision, "sms", purpose, Reach::Public, &place),
        warning: id,
        revision,
        purpose,
        link: "sms".into(),
        channel: Channel::Sms,
        mode: Mode::Actual,
        audience,
        only_told: matches!(purpose, Purpose::Cancelled | Purpose::Ended | Purpose::Fall),
        only_new: false,
        again: false,
        by_area: false,
        spare: Vec::new(),
        instead_of: None,
        tried: Vec::new(),
        moved_from: Vec::new(),
        words: vec![Message {
            language: Language::Zh,
            channel: Channel::Sms,
            text: format!("{id} {revision}"),
            subject: String::new(),
            instruction: String::new(),
            variant_no: 0,
        }],
        tier,
        onset: at(0),
        exposure: 2,
        not_before: None,
        not_after: at(created + valid),
        created: at(created),
    }
}

/// A revision of the first warning to everybody.
fn to_all(revision: u32, purpose: Purpose, tier: Tier, created: i64, valid: i64) -> Intent {
    let areas = [0, 1, 2, 3];
    intent(warning(1), revision, purpose, tier, &areas, created, valid)
}

/// A directory: recipient n lives in area n % 4; some have no other channel, some share a phone.
fn resolve(
    people: u32,
    pass: u8,
    cursor: u64,
    max: u32,
    audience: &Audience,
) -> (Vec<Row>, u64, bool) {
    let mut rows = Vec::new();
    let mut at = cursor;
    while at < u64::from(people) && rows.len() < max as usize {
        // Not in the order of numbers, as a directory sorted by place is not.
        let who = (at * 7919 + 13) % u64::from(people);
        let alone = who.is_multiple_of(3);
        let here = audience.areas.contains(&area(who % 4));
        if here && alone == (pass == 0) {
            let twin = who % 50 == 49;
            rows.push(Row {
                recipient: RecipientNo(who as u32),
                variant: 0,
                shared: twin || who % 50 == 45,
                address: if twin { who - 4 } else { who },
            });
        }
        at += 1;
    }
    (rows, at, at >= u64::from(people))
}

struct World {
    random: Random,
    people: u32,
    now: i64,
    millis: i64,
    /// Intents and progress on disk; progress waits in `writing` until synced.
    intents: Vec<Intent>,
    progress: Vec<Progress>,
    writing: VecDeque<Progress>,
    wire: Vec<Token>,
    /// What the phones saw: (intent, recipient) → times.
    got: BTreeMap<(IntentId, u32), u32>,
    crashes: u32,
    /// Outcomes that were, or became, unknown without a crash.
    unknowns: u64,
    max_window: usize,
    throttle: u64,
    silence: u64,
    transient: u64,
    refuse: u64,
    /// Everybody is met once more behind the last row, as if they had moved meanwhile.
    moves: bool,
}

impl World {
    /// The same answer to all that is on the wire.
    fn answers(&mut self, outcome: Outcome) -> Vec<Answer> {
        let all = self.wire.drain(..);
        all.map(|token| Answer { token, outcome }).collect()
    }

    fn new(seed: u64, people: u32) -> Self {
        Self {
            random: Random(seed),
            people,
            now: 0,
            millis: 0,
            intents: Vec::new(),
            progress: Vec::new(),
            writing: VecDeque::new(),
            wire: Vec::new(),
            got: BTreeMap::new(),
            crashes: 0,
            unknowns: 0,
            max_window: 0,
            throttle: 0,
            silence: 0,
            transient: 0,
            refuse: 0,
            moves: false,
        }
    }

    fn time(&self) -> Time {
        at(self.now) + Span::from_millis(self.millis)
    }

    fn plan(&mut self, outbox: &mut Outbox, intent: Intent) {
        self.intents.push(intent.clone());
        self.step(outbox, Event::Planned(&intent));
    }

    /// One step with everything it asks for, except that the disk and the wire are slow.
    fn step(&mut self, outbox: &mut Outbox, event: Event<'_>) {
        let mut out = Effects::default();
        outbox.step(self.time(), event, &mut out);
        self.run(outbox, out);
    }

    fn run(&mut self, outbox: &mut Outbox, mut out: Effects) {
        loop {
            self.writing.extend(out.progress.drain(..));
            for send in &out.sends {
                let intent = self.intents.iter().find(|i| i.id == send.intent).unwrap();
                assert!(self.time() < intent.not_after, "sent after its time");
                for one in out.batch(send) {
                    *self
                        .got
                        .entry((send.intent, one.token.recipient().0))
                        .or_default() += 1;
                    self.wire.push(one.token);
                }
            }
            let held = outbox.in_flight() + outbox.unsaved();
            self.max_window = self.max_window.max(held);
            let asked = std::mem::take(&mut out.resolve);
            if asked.is_empty() {
                return;
            }
            out.clear();
            for ask in asked {
                let (rows, cursor, end) = self.rows(&ask);
                outbox.step(
                    self.time(),
                    Event::Rows {
                        intent: ask.intent,
                        pass: ask.pass,
                        epoch: ask.epoch,
                        cursor,
                        rows: &rows,
                        end,
                    },
                    &mut out,
                );
            }
        }
    }

    fn rows(&self, ask: &Resolve) -> (Vec<Row>, u64, bool) {
        let from = ask.cursor.checked_sub(LIVE_FROM);
        let at = from.unwrap_or(ask.cursor);
        let (rows, cursor, end) = resolve(self.people, ask.pass, at, ask.rows_max, &ask.audience);
        match from {
            Some(_) => (rows, LIVE_FROM + cursor, end),
            None if end && self.moves => (rows, LIVE_FROM, false),
            None => (rows, cursor, end),
        }
    }

    fn sync(&mut self, outbox: &mut Outbox) {
        let Some(last) = self.writing.back().map(|p| p.seq) else {
            return;
        };
        self.progress.extend(self.writing.drain(..));
        self.step(outbox, Event::Durable(last));
    }

    fn answer(&mut self, outbox: &mut Outbox) {
        let n = self.random.below(self.wire.len() as u64 + 1) as usize;
        let mut answers = Vec::new();
        for token in self.wire.drain(..n).collect::<Vec<_>>() {
            let key = self.key(outbox, token);
            let outcome = if self.random.one_in(self.throttle) {
                self.untake(key);
                Outcome::Throttled
            } else if self.random.one_in(self.transient) {
                self.untake(key);
                Outcome::Transient
            } else if self.random.one_in(self.refuse) {
                Outcome::Permanent
            } else if self.random.one_in(self.silence) {
                self.unknowns += 1;
                Outcome::Uncertain
            } else {
                Outcome::Accepted {
                    receipt: 1_000 + self.random.below(1 << 40),
                }
            };
            answers.push(Answer { token, outcome });
        }
        self.step(outbox, Event::Answers(&answers));
    }

    /// A message that was not taken never reached a phone.
    fn untake(&mut self, key: Option<(IntentId, u32)>) {
        if let Some(count) = key.and_then(|key| self.got.get_mut(&key)) {
            *count -= 1;
        }
    }

    fn key(&self, outbox: &Outbox, token: Token) -> Option<(IntentId, u32)> {
        let recipient = token.recipient().0;
        // Tokens name intents by number in the order of planning.
        let no = (token.0 >> 32) as usize;
        let _ = outbox;
        self.intents.get(no).map(|intent| (intent.id, recipient))
    }

    /// The process dies: what was not synced is gone, what was on the wire stays there.
    fn crash(&mut self, limits: &Limits) -> Outbox {
        self.crash_to(limits, AtRest::default(), 0)
    }

    /// The same, with a snapshot that was begun when so much progress was on disk.
    fn crash_to(&mut self, limits: &Limits, at_rest: AtRest, since: usize) -> Outbox {
        self.crashes += 1;
        self.writing.clear();
        self.wire.clear();
        let mut out = Effects::default();
        let mut outbox = Outbox::recover(
            "sms",
            limits.clone(),
            at_rest,
            self.intents.iter(),
            self.progress.iter().skip(since),
            self.time(),
            &mut out,
        );
        self.run(&mut outbox, out);
        self.step(&mut outbox, Event::Up);
        outbox
    }
}

fn limits(random: &mut Random) -> Limits {
    let window = 5 + random.below(40) as usize;
    Limits {
        chunk_rows: 16 + random.below(60) as u32,
        attempts_max: 20,
        backoff: vec![Span::from_seconds(1), Span::from_seconds(3)],
        ..Limits::with_window(window)
    }
}

fn run(seed: u64, tier: Tier, crashes: bool) -> (World, Outbox, Limits) {
    let mut world = World::new(seed, 400);
    let limits = limits(&mut world.random);
    world.throttle = 40;
    world.silence = 60;
    world.transient = 30;
    world.refuse = 80;
    let mut outbox = Outbox::new("sms", limits.clone());
    world.step(&mut outbox, Event::Up);
    let alert = intent(
        warning(1),
        1,
        Purpose::Alert,
        tier,
        &[0, 1, 2, 3],
        0,
        100_000,
    );
    world.plan(&mut outbox, alert);
    for _ in 0..20_000 {
        world.now += i64::from(world.random.one_in(3));
        match world.random.below(if crashes { 200 } else { 190 }) {
            0..80 => world.answer(&mut outbox),
            80..150 => world.sync(&mut outbox),
            150..188 => world.step(&mut outbox, Event::Tick),
            188..190 => {
                world.unknowns += world.wire.len() as u64;
                world.wire.clear();
                world.step(&mut outbox, Event::Down);
                world.step(&mut outbox, Event::Up);
            }
            _ => outbox = world.crash(&limits),
        }
        if outbox.open().next().is_none() {
            break;
        }
    }
    assert!(
        outbox.open().next().is_none(),
        "seed {seed}: it never ended"
    );
    world.sync(&mut outbox);
    (world, outbox, limits)
}

/// Everybody whose address is their own, or the first of a shared one, has the message or a
/// named reason not to.
fn nobody_lost(seed: u64, world: &World, outbox: &Outbox) {
    let id = world.intents[0].id;
    for who in 0..world.people {
        let state = outbox.ledger().state(id, RecipientNo(who));
        let times = world.got.get(&(id, who)).copied().unwrap_or(0);
        let settled = matches!(
            state,
            State::Accepted | State::Duplicate | State::Failed | State::Unknown
        );
        assert!(settled, "seed {seed}: recipient {who} is {state:?}");
        if state == State::Accepted {
            assert!(times >= 1, "seed {seed}: {who} is accepted but got nothing");
        }
        if state == State::Duplicate {
            let twin = if who % 50 == 49 { who - 4 } else { who + 4 };
            let other = outbox.ledger().state(id, RecipientNo(twin));
            assert_ne!(
                other,
                State::Duplicate,
                "seed {seed}: both rows of one address dropped"
            );
        }
    }
}

#[test]
fn a_storm_of_faults_loses_nobody_and_repeats_within_the_bound() {
    let mut crashes = 0;
    let mut repeats = 0;
    for seed in 0..120 {
        let (world, outbox, limits) = run(seed, Tier::Red, true);
        nobody_lost(seed, &world, &outbox);
        assert!(world.max_window <= limits.unconfirmed_max, "seed {seed}");
        let extra: u64 = world
            .got
            .values()
            .map(|n| u64::from(n.saturating_sub(1)))
            .sum();
        // Each crash repeats at most what was unconfirmed; besides, each silence and each lost
        // link may have gone out and is sent again.
        let bound = u64::from(world.crashes) * limits.unconfirmed_max as u64;
        assert!(
            extra <= bound + world.unknowns,
            "seed {seed}: {extra} repeats"
        );
        crashes += world.crashes;
        repeats += extra;
    }
    assert!(crashes > 100, "the faults must be met: {crashes} crashes");
    assert!(repeats > 100, "crashes must repeat something: {repeats}");
}

#[test]
fn duplicates_per_crash_never_pass_the_bound() {
    for seed in 0..120 {
        let mut world = World::new(seed, 600);
        let limits = limits(&mut world.random);
        let mut outbox = Outbox::new("sms", limits.clone());
        world.step(&mut outbox, Event::Up);
        let alert = to_all(1, Purpose::Alert, Tier::Red, 0, 100_000);
        world.plan(&mut outbox, alert);
        // No silence and no lost link: every repeat comes from a crash.
        let mut crashed = 0;
        while outbox.open().next().is_some() {
            world.now += 1;
            match world.random.below(20) {
                0..9 => world.answer(&mut outbox),
                9..18 => world.sync(&mut outbox),
                18 if crashed < 6 => {
                    crashed += 1;
                    outbox = world.crash(&limits);
                }
                _ => world.step(&mut outbox, Event::Tick),
            }
        }
        let extra: u64 = world
            .got
            .values()
            .map(|n| u64::from(n.saturating_sub(1)))
            .sum();
        assert!(
            extra <= crashed * limits.unconfirmed_max as u64,
            "seed {seed}: {extra}"
        );
        nobody_lost(seed, &world, &outbox);
    }
}

#[test]
fn below_orange_a_crash_repeats_nothing_and_counts_the_unknown() {
    let mut unknown = 0;
    for seed in 0..120 {
        let (world, outbox, limits) = run(seed, Tier::Yellow, true);
        nobody_lost(seed, &world, &outbox);
        let id = world.intents[0].id;
        for ((_, who), times) in &world.got {
            assert!(*times <= 1, "seed {seed}: {who} got it {times} times");
        }
        let counts = outbox.ledger().counts(id);
        let unknowns = counts.of(State::Unknown);
        let bound = u64::from(world.crashes) * limits.unconfirmed_max as u64 + 400;
        assert!(unknowns <= bound, "seed {seed}: {unknowns}");
        unknown += unknowns;
        let never = (0..world.people)
            .filter(|who| {
                let state = outbox.ledger().state(id, RecipientNo(*who));
                state == State::Accepted && !world.got.contains_key(&(id, *who))
            })
            .count();
        assert_eq!(never, 0, "seed {seed}");
    }
    assert!(unknown > 0, "crashes must leave something unknown");
}

#[path = "outbox/at_rest.rs"]
mod at_rest;
#[path = "outbox/bytes.rs"]
mod bytes;
#[path = "outbox/daily.rs"]
mod daily;
#[path = "outbox/doubt.rs"]
mod doubt;
#[path = "outbox/handed.rs"]
mod handed;
#[path = "outbox/lasting.rs"]
mod lasting;
#[path = "outbox/leaving.rs"]
mod leaving;
#[path = "outbox/moving.rs"]
mod moving;
#[path = "outbox/parts.rs"]
mod parts;
#[path = "outbox/refused.rs"]
mod refused;
#[cfg(test)]
#[path = "outbox/retired.rs"]
mod retired;
#[path = "outbox/strobes.rs"]
mod strobes;
#[path = "outbox/together.rs"]
mod together;
