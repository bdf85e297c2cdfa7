//! What leaves a link next: order, window, pace, retry, expiry, withdrawal; pure and crash-safe.
//!
//! One outbox per link (channel × account). It holds a cursor into each intent's audience and at
//! most a window of people, never the audience: rows come in chunks on demand, what became of
//! them goes out as [`Progress`], and intents plus progress give the outbox back after a crash.
//!
//! Duplicates per crash are bounded by [`Limits::unconfirmed_max`]: what is in flight plus what
//! is answered but not yet durable never exceeds it. Where a duplicate is worse than silence
//! (below orange, and area jobs) a recipient is *claimed* on disk before the wire, so that a
//! crash leaves them `unknown` and never told twice.

mod answers;
mod arrives;
mod before;
mod earlier;
mod effects;
mod fill;
mod hand_over;
mod limits;
mod pace;
mod recovery;
mod snapshot;
mod together;
mod track;

pub use effects::{Answer, Effects, Event, Note, Outcome, Resolve, Row, Send, Sending, Token};
pub use limits::{Limits, Stats};
pub use snapshot::{AtRest, SNAPSHOT_FORMAT, SnapshotError, Walk};

use crate::directory::LIVE_FROM;
use crate::intent::{Intent, IntentId, RecipientNo};
use crate::ledger::{Entry, Ledger, Progress, Spent, State};
use crate::wording::Purpose;
use before::Heard;
use model::{Span, Time, WarningId};
use pace::Pace;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use track::{Key, Track, text_of};

/// The queue of one link.
#[derive(Debug)]
pub struct Outbox {
    link: String,
    limits: Limits,
    tracks: BTreeMap<u32, Track>,
    by_warning: BTreeMap<WarningId, Vec<u32>>,
    order: BTreeSet<Key>,
    ledger: Ledger,
    flight: FxHashMap<Token, Flight>,
    /// Parts of the messages on the wire, and how many there may be at this time.
    flight_parts: usize,
    /// Messages on the wire by address, on a line that speaks.
    engaged: FxHashMap<u64, usize>,
    /// Since when such a line waits for rows.
    gathering: Option<Time>,
    window: usize,
    /// Progress written but not yet durable: sequence number and answers in it.
    unsaved: VecDeque<(u64, usize)>,
    unsaved_total: usize,
    claimed_total: usize,
    retries_total: usize,
    pace: Pace,
    /// Transient answers since the far side last took or refused a message.
    troubles: usize,
    up: bool,
    /// True while other accounts tell whom this one was to tell.
    aside: bool,
    seq: u64,
    /// Texts an address got, and until when that matters; only rows that share their address.
    seen: BTreeMap<(u64, u64), Time>,
    found: Found,
    /// Intents of which nothing leaves for now.
    paused: BTreeSet<IntentId>,
    stats: Stats,
    /// When accounts are next looked through for what may be forgotten.
    forget_at: Option<Time>,
    /// What was planned before the last start is being taken in again.
    recovering: bool,
    /// Sends left that may repeat what was in flight at the last crash.
    at_risk: usize,
    /// The message that counted against the day's limit last, until that is written.
    spent_by: Option<IntentId>,
}

/// A message on the wire.
#[derive(Clone, Copy, Debug)]
struct Flight {
    row: Row,
    pass: u8,
    attempt: u8,
    parts: u8,
    sent: Time,
    /// True where an earlier try may have gone out.
    perhaps: bool,
}

/// Where rows belong in an audience, and where the next ones begin.
#[derive(Clone, Copy, Debug)]
struct Page {
    pass: u8,
    epoch: u32,
    cursor: u64,
    end: bool,
}

/// What a step learned, gathered before it is written as progress.
#[derive(Debug, Default)]
struct Found {
    rows: Vec<Learned>,
    /// Raised where a claim is given back or taken again: what is written keeps that order.
    turn: u32,
    giving_back: bool,
    closed: Vec<(IntentId, State)>,
    retired: Vec<Entry>,
    answers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Learned {
    turn: u32,
    no: u32,
    state: State,
    /// [`NO_VARIANT`] where the step does not know it.
    variant: u8,
    recipient: u32,
    receipt: u64,
}

/// Stands for a wording that is not known.
const NO_VARIANT: u8 = u8::MAX;

impl Outbox {
    /// An empty queue for `link`; it sends nothing until [`Event::Up`].
    pub fn new(link: &str, limits: Limits) -> Self {
        Self {
            link: link.to_owned(),
            pace: Pace::new(&limits),
            window: limits.window,
            limits,
            tracks: BTreeMap::new(),
            by_warning: BTreeMap::new(),
            order: BTreeSet::new(),
            ledger: Ledger::default(),
            flight: FxHashMap::default(),
            flight_parts: 0,
            engaged: FxHashMap::default(),
            gathering: None,
            unsaved: VecDeque::new(),
            unsaved_total: 0,
            claimed_total: 0,
            retries_total: 0,
            troubles: 0,
            up: false,
            aside: false,
            seq: 0,
            seen: BTreeMap::new(),
            found: Found::default(),
            paused: BTreeSet::new(),
            stats: Stats::default(),
            forget_at: None,
            recovering: false,
            at_risk: 0,
            spent_by: None,
        }
    }

    /// Takes one event in at record time `at` and says what to do. `out` is added to.
    pub fn step(&mut self, at: Time, event: Event<'_>, out: &mut Effects) {
        self.pace.advance(at);
        match event {
            Event::Planned(intent) => self.planned(at, intent, out),
            Event::Rows {
                intent,
                pass,
                epoch,
                cursor,
                rows,
                end,
            } => {
                let page = Page {
                    pass,
                    epoch,
                    cursor,
                    end,
                };
                self.rows(at, intent, page, rows);
            }
            Event::Answers(answers) => self.answers(at, answers, out),
            Event::Durable(seq) => self.durable(seq),
            Event::Up => self.up = true,
            Event::Window(parts) => self.window = parts.min(self.limits.window),
            Event::Down => self.down(at, out),
            Event::Aside(aside) => self.aside = aside,
            Event::NotPassed(intent, variant) => self.not_passed(intent, variant),
            Event::Paused(intents) => self.paused = intents.clone(),
            Event::Arrives(hours) => self.arrives(hours),
            Event::Tick => self.tick(at, out),
        }
        self.fill(at, out);
        self.flush(out);
    }

    /// What is known of every message.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Counters since the start.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The token of a message, for receipts that name it otherwise.
    pub fn token(&self, intent: IntentId, recipient: RecipientNo) -> Option<Token> {
        let mut tracks = self.tracks.iter();
        let found = tracks.find(|(_, track)| track.intent.id == intent);
        found.map(|(no, _)| Token::new(*no, recipient))
    }

    /// The link it serves.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// Messages on the wire.
    pub fn in_flight(&self) -> usize {
        self.flight.len()
    }

    /// Answered but not yet durable.
    pub const fn unsaved(&self) -> usize {
        self.unsaved_total
    }

    /// Intents of which something may still leave.
    pub fn open(&self) -> impl Iterator<Item = &Intent> {
        self.tracks
            .values()
            .filter(|t| !t.closed)
            .map(|t| &t.intent)
    }

    /// True where nothing waits to leave and nothing is on the wire.
    pub fn is_idle(&self) -> bool {
        self.order.is_empty() && self.flight.is_empty()
    }

    /// When a tick would change something: a retry or a quiet hour's end, a pause's end, a token
    /// of pace, an expiry. `None` where only another event can.
    pub fn due(&self) -> Option<Time> {
        let ready = self.order.iter().filter_map(|key| self.tracks.get(&key.no));
        let tracks = ready.map(|track| track.due()).min();
        let pace = self.pace.ready_at();
        match (tracks, pace) {
            (Some(track), Some(pace)) => Some(track.max(pace)),
            (Some(track), None) => Some(track),
            (None, _) => None,
        }
    }

    fn planned(&mut self, at: Time, intent: &Intent, out: &mut Effects) {
        if intent.link != self.link {
            out.notes.push(Note::WrongLink(intent.id));
            return;
        }
        let no = self.ledger.number(intent.id);
        if self.tracks.contains_key(&no) {
            return;
        }
        self.supersede(intent, out);
        let known = self.ledger.account_by(no).and_then(|a| a.closed);
        let silent = intent.purpose == Purpose::Withdraw;
        if known.is_some() || silent || intent.audience.is_empty() {
            if known.is_none() {
                self.found.closed.push((intent.id, State::Complete));
                if let Some(account) = self.ledger.account_mut(no) {
                    account.closed = Some(State::Complete);
                }
            }
            // A withdrawal is kept too: what a snapshot gives back must be withdrawn again.
            let mut track = Track::new(no, intent.clone(), &self.limits);
            track.closed = true;
            self.keep(no, intent.warning, track);
            return;
        }
        if self.order.len() >= self.limits.intents_max * 2 {
            self.shed(out);
        }
        let mut track = Track::new(no, intent.clone(), &self.limits);
        let is_late = intent.instead_of.is_some() && self.give_way(&mut track);
        // What is not claimed before the wire may be on it with nothing on disk.
        track.doubtful = self.recovering && intent.resend_when_unknown();
        if intent.only_told || intent.only_new {
            track.before = self.before(intent);
        }
        for key in track.keys {
            self.order.insert(key);
        }
        let is_over = is_late && track.places() == 0;
        self.keep(no, intent.warning, track);
        if is_over {
            self.close(no, State::Withdrawn, out);
        } else if at >= intent.not_after {
            self.close(no, State::Expired, out);
        }
    }

    fn keep(&mut self, no: u32, warning: WarningId, track: Track) {
        self.tracks.insert(no, track);
        self.by_warning.entry(warning).or_default().push(no);
    }

    /// A newer revision speaks for its places: what an older one has unsent there is withdrawn.
    fn supersede(&mut self, newer: &Intent, out: &mut Effects) {
        let older = self
            .by_warning
            .get(&newer.warning)
            .cloned()
            .unwrap_or_default();
        for no in older {
            let Some(track) = self.tracks.get_mut(&no) else {
                continue;
            };
            let gives_way = newer.supersedes(&track.intent) && !track.closed;
            if !gives_way || !track.give_up_places(&newer.audience) {
                continue;
            }
            track.cut = track.doubtful;
            if track.places() == 0 {
                self.close(no, State::Withdrawn, out);
            } else {
                self.release(no);
            }
        }
    }

    /// Gives back rows that were fetched, claimed or waiting, but not sent: those still in the
    /// audience are fetched anew, the others belong to the newer intent.
    fn release(&mut self, no: u32) {
        let Some(track) = self.tracks.get_mut(&no) else {
            return;
        };
        let mut back = Vec::new();
        for (stream, key) in track.streams.iter_mut().zip(track.keys) {
            let claimed = stream.claimed + stream.claiming;
            self.claimed_total = self.claimed_total.saturating_sub(claimed);
            self.retries_total = self.retries_total.saturating_sub(stream.retry.len());
            let claimed = stream.rows.iter().take(claimed);
            back.extend(claimed.map(|row| (row.recipient, State::Unsent)));
            for retry in std::mem::take(&mut stream.retry).into_values() {
                let text = text_of(&track.texts, retry.row.variant).hash;
                self.seen.remove(&(retry.row.address, text));
                let state = if retry.perhaps {
                    State::Unknown
                } else {
                    State::Unsent
                };
                back.push((retry.row.recipient, state));
            }
            stream.restart();
            self.order.insert(key);
        }
        for (recipient, state) in back {
            self.learn(no, recipient, state, 0);
        }
    }

    /// Nothing more of an intent leaves; what is in flight is still answered. Whoever was or may have
    /// been told must be known for the end of it: what is in flight is claimed in the same record,
    /// and where an earlier process may have told more, the rest of the audience is unknown.
    fn close(&mut self, no: u32, state: State, out: &mut Effects) {
        let Some(track) = self.tracks.get_mut(&no) else {
            return;
        };
        track.closed = true;
        let id = track.intent.id;
        let is_unknown = track.doubtful && (track.cut || state != State::Complete);
        let rest = if is_unknown { State::Unknown } else { state };
        for key in track.keys {
            self.order.remove(&key);
        }
        let mut left = Vec::new();
        for stream in &mut track.streams {
            self.claimed_total = self
                .claimed_total
                .saturating_sub(stream.claimed + stream.claiming);
            self.retries_total = self.retries_total.saturating_sub(stream.retry.len());
            let claimed = stream.claimed + stream.claiming;
            left.extend(
                stream
                    .rows
                    .iter()
                    .take(claimed)
                    .map(|row| (row.recipient, state)),
            );
            left.extend(stream.retry.iter().map(|((_, recipient), retry)| {
                let state = if retry.perhaps { State::Unknown } else { state };
                (RecipientNo(*recipient), state)
            }));
            stream.retry.clear();
            stream.restart();
        }
        let flying = self.flight.keys().filter(|token| token.no() == no);
        left.extend(flying.map(|token| (token.recipient(), State::Claimed)));
        for (recipient, state) in left {
            self.learn(no, recipient, state, 0);
        }
        if let Some(account) = self.ledger.account_mut(no) {
            account.closed = Some(rest);
        }
        self.found.closed.push((id, rest));
        out.notes.push(Note::Closed {
            intent: id,
            state: rest,
        });
    }

    /// Over the bound of waiting intents: the last in order goes, and that is said aloud.
    fn shed(&mut self, out: &mut Effects) {
        if let Some(key) = self.order.last().copied() {
            self.stats.shed += 1;
            self.close(key.no, State::Failed, out);
        }
    }

    fn rows(&mut self, at: Time, intent: IntentId, page: Page, rows: &[Row]) {
        let Page {
            pass,
            epoch,
            cursor,
            end,
        } = page;
        let no = self.ledger.number(intent);
        let Some(track) = self.tracks.get(&no).filter(|track| !track.closed) else {
            return;
        };
        let resend = track.intent.resend_when_unknown();
        let states = self.ledger.account_by(no).map(|account| &account.states);
        let mut told = Vec::new();
        let open = rows.iter().filter(|row| {
            let state = states.map_or(State::Unsent, |states| states.get(row.recipient));
            let again = state == State::Unknown && resend;
            // What is sent again is not a duplicate of itself.
            if row.shared && state.may_be_told() && !again {
                told.push((row.address, track.text(row.variant)));
            }
            state.is_open() || again
        });
        let mut open: Vec<Row> = open.copied().collect();
        let stream = track.streams.get(usize::from(pass));
        if stream.is_some_and(|stream| stream.cursor >= LIVE_FROM) {
            // Who changed since the audience was begun may have been met where they were.
            let waiting = track.waiting();
            open.retain(|row| {
                let on_the_wire = self.flight.contains_key(&Token::new(no, row.recipient));
                !(on_the_wire || waiting.contains(&row.recipient))
            });
        }
        let (before, only_told, only_new) = (
            Arc::clone(&track.before.accounts),
            track.intent.only_told && track.before.is_whole,
            track.intent.only_new,
        );
        let mut flying = false;
        if only_told || only_new {
            open.retain(|row| match self.heard(&before, row.recipient) {
                // Another link may have told who moved there: it knows whom this is for.
                Heard::Yes | Heard::No if self.has_moved(row, at) => true,
                Heard::Yes => only_told,
                // The account that told them knows whether it is for them.
                Heard::Elsewhere => true,
                // Whom it is for is known once that is answered.
                Heard::Perhaps => {
                    flying = true;
                    false
                }
                Heard::No => only_new,
            });
        }
        let Some(track) = self.tracks.get_mut(&no) else {
            return;
        };
        track.reread |= flying;
        if let Some(stream) = track.streams.get_mut(usize::from(pass)) {
            stream.take(epoch, cursor, open, end);
        }
        // After a crash the addresses already told are learned again on the way.
        let until = track.intent.not_after;
        for key in told {
            if self.seen.len() < self.limits.seen_max {
                self.seen.insert(key, until);
            }
        }
    }

    /// Whether an address is another link's for a while.
    fn has_moved(&self, row: &Row, at: Time) -> bool {
        self.limits.retired_for > Span::ZERO && self.is_retired(row, at)
    }

    fn durable(&mut self, seq: u64) {
        while let Some((written, answers)) = self.unsaved.front().copied() {
            if written > seq {
                break;
            }
            self.unsaved.pop_front();
            self.unsaved_total = self.unsaved_total.saturating_sub(answers);
        }
        for track in self.tracks.values_mut().filter(|track| !track.closed) {
            for stream in &mut track.streams {
                stream.claim_durable(seq);
            }
        }
    }

    fn tick(&mut self, at: Time, out: &mut Effects) {
        self.silent(at, out);
        let over = |track: &Track| !track.closed && at >= track.intent.not_after;
        let expired = self.tracks.iter().filter(|(_, track)| over(track));
        let expired: Vec<u32> = expired.map(|(no, _)| *no).collect();
        for no in expired {
            self.close(no, State::Expired, out);
        }
        self.forget_old(at, out);
        self.seen.retain(|_, until| *until > at);
    }

    /// Notes a state in the ledger and for the next progress record.
    fn learn(&mut self, no: u32, recipient: RecipientNo, state: State, receipt: u64) {
        self.learn_in(no, (recipient, NO_VARIANT), state, receipt);
    }

    /// The same of a message whose wording is at hand.
    fn learn_of(&mut self, no: u32, row: &Row, state: State, receipt: u64) {
        self.learn_in(no, (row.recipient, row.variant), state, receipt);
    }

    fn learn_in(
        &mut self,
        no: u32,
        (recipient, variant): (RecipientNo, u8),
        state: State,
        receipt: u64,
    ) {
        let Some(account) = self.ledger.account_mut(no) else {
            return;
        };
        if account.states.set(recipient, state) {
            let giving_back = state == State::Unsent;
            self.found.turn += u32::from(giving_back != self.found.giving_back);
            self.found.giving_back = giving_back;
            self.found.rows.push(Learned {
                turn: self.found.turn,
                no,
                state,
                variant,
                recipient: recipient.0,
                receipt,
            });
        }
        if receipt != 0 {
            self.ledger.receipt(receipt, no, recipient.0);
        }
    }

    /// Writes what the step learned as one progress record.
    fn flush(&mut self, out: &mut Effects) {
        let is_nothing = self.found.rows.is_empty() && self.found.closed.is_empty();
        if is_nothing && self.spent_by.is_none() {
            return;
        }
        self.seq += 1;
        let mut entries = Vec::new();
        let mut rows = std::mem::take(&mut self.found.rows);
        rows.sort_unstable();
        let of = |row: &Learned| (row.turn, row.no, row.state, row.variant);
        let same = |a: &Learned, b: &Learned| of(a) == of(b);
        for group in rows.chunk_by(same) {
            let track = group.first().and_then(|first| self.tracks.get(&first.no));
            let (Some(first), Some(track)) = (group.first(), track) else {
                continue;
            };
            let with_receipts = group.iter().any(|row| row.receipt != 0);
            entries.push(Entry::States {
                intent: track.intent.id,
                state: first.state,
                recipients: group.iter().map(|row| row.recipient).collect(),
                receipts: if with_receipts {
                    group.iter().map(|row| row.receipt).collect()
                } else {
                    Vec::new()
                },
                variant: (first.variant != NO_VARIANT).then_some(first.variant),
            });
        }
        self.found.turn = 0;
        self.found.giving_back = false;
        rows.clear();
        self.found.rows = rows;
        let closed = self.found.closed.drain(..);
        entries.extend(closed.map(|(intent, state)| Entry::Closed { intent, state }));
        entries.append(&mut self.found.retired);
        if let Some(intent) = self.spent_by.take() {
            let Spent { day, parts } = self.ledger.spent();
            entries.push(Entry::Spent { intent, day, parts });
        }
        if self.found.answers > 0 {
            self.unsaved.push_back((self.seq, self.found.answers));
            self.unsaved_total += self.found.answers;
            self.found.answers = 0;
        }
        out.progress.push(Progress {
            seq: self.seq,
            entries,
        });
    }
}
