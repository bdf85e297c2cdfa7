//! Owners of zones and links: opened, gone through round by round, moved, crashed, followed by others.

use super::carrier::{Message, Sessions};
use super::log::{Fate, Hold, Place, Writer};
use super::node::{EMAIL, SMS};
use super::plant::Plant;
use super::world::{Owner, Work, World};
use crate::app::App;
use crate::courier::{self, Sms};
use crate::pump::Pump;
use crate::questions::questions;
use dispatch::gateway::sms::{LinkConfig, Turn};
use dispatch::outbox::{Answer, Event, Outcome, Token};
use futures_util::FutureExt;
use journal::JournalError;
use model::Zone;
use std::sync::Arc;

/// An owner that cannot go on, and why.
pub(super) type Gone = Option<(Hold, String)>;

/// Messages that the sessions of the link take at once.
pub(super) const WINDOW: usize = 6;

/// Parts of messages a second that the account lets through.
const PACE: u32 = 500;

fn config() -> LinkConfig {
    LinkConfig {
        window: Some(WINDOW),
        sessions: 1,
        ..LinkConfig::default()
    }
}

impl World {
    /// A node takes a place, as at a start: newest snapshot, then what came after it.
    pub(super) fn open(&mut self, place: Place, slot: usize) -> Result<(), String> {
        let Some(app) = self.app(slot) else {
            return Ok(());
        };
        self.audit.take(self.log.stored())?;
        let before = self.owners.iter().map(|owner| owner.hold);
        let before: Vec<Hold> = before
            .filter(|hold| hold.place == place && self.log.is_owner(*hold))
            .collect();
        let hold = self.log.take(place);
        for hold in before {
            self.forget(hold);
        }
        self.log.act(hold);
        let work = work(&app, place);
        self.log.rest();
        let work = work.map_err(|error| format!("{place:?} does not open: {error}"))?;
        self.owners.push(Owner { hold, slot, work });
        self.go_on(self.owners.len() - 1)?;
        self.settle()
    }

    /// What a hold had on the wire when it ended is of unknown outcome.
    pub(super) fn forget(&mut self, hold: Hold) {
        for channel in self.carrier.lose(&self.audit, hold) {
            self.table.met("answer lost with its owner", channel);
        }
    }

    fn app(&self, slot: usize) -> Option<Arc<App>> {
        let node = self.nodes.get(slot)?.as_ref()?;
        Some(Arc::clone(&node.app))
    }

    /// An owner goes through its loop once.
    pub(super) fn round(&mut self, at: usize) -> Result<(), String> {
        let gone = self.go_through(at);
        self.ended(gone)
    }

    /// The same; who cannot go on is told and not ended yet.
    pub(super) fn go_through(&mut self, at: usize) -> Result<Gone, String> {
        let Some(owner) = self.owners.get_mut(at) else {
            return Ok(None);
        };
        let hold = owner.hold;
        self.log.act(hold);
        let done = rest(&mut owner.work);
        self.log.rest();
        match done {
            Ok(()) => self.top(at),
            Err(why) => Ok(Some((hold, why))),
        }
    }

    /// Ends who could not go on.
    pub(super) fn ended(&mut self, gone: Result<Gone, String>) -> Result<(), String> {
        match gone? {
            Some((hold, why)) => self.failed(hold, &why),
            None => Ok(()),
        }
    }

    /// What a loop does after each event, before it waits for the next.
    pub(super) fn go_on(&mut self, at: usize) -> Result<(), String> {
        let gone = self.top(at);
        self.ended(gone)
    }

    fn top(&mut self, at: usize) -> Result<Gone, String> {
        let Some(owner) = self.owners.get_mut(at) else {
            return Ok(None);
        };
        let hold = owner.hold;
        let mut handed = Vec::new();
        self.log.act(hold);
        let done = turn(&mut owner.work, &mut self.carrier.flying, hold, &mut handed);
        self.log.rest();
        self.audit.take(self.log.stored())?;
        for message in handed {
            if self.plant == Some(Plant::LeavesLate) {
                self.late.push((at, message));
            } else {
                self.hand_over(at, message)?;
            }
        }
        match done {
            Ok(()) => self.acknowledged(at).map(|()| None),
            Err(why) => Ok(Some((hold, why))),
        }
    }

    /// One whose commit failed, or whose place is another's, ends there; nobody else may.
    pub(super) fn failed(&mut self, hold: Hold, why: &str) -> Result<(), String> {
        let at = self.owners.iter().position(|owner| owner.hold == hold);
        let Some(at) = at else { return Ok(()) };
        if self.broken.contains(&hold) || !self.log.is_owner(hold) {
            self.end(at);
            return Ok(());
        }
        Err(format!("{:?} ends by itself: {why}", hold.place))
    }

    pub(super) fn hand_over(&mut self, at: usize, message: Message) -> Result<(), String> {
        let slot = self.owners.get(at).map(|owner| owner.slot);
        let app = slot.and_then(|slot| self.app(slot));
        let Some(app) = app else { return Ok(()) };
        let is_owner = self.log.is_owner(message.hold);
        let now = app.clock.now();
        self.carrier.hand_over(&self.audit, message, now, is_owner)
    }

    fn acknowledged(&mut self, at: usize) -> Result<(), String> {
        if let Some(Owner {
            hold,
            work: Work::Sms(_, sessions),
            ..
        }) = self.owners.get(at)
        {
            let mark = sessions.acknowledged;
            self.carrier.acknowledged(&self.audit, *hold, mark)?;
        }
        Ok(())
    }

    /// An owner is gone.
    pub(super) fn end(&mut self, at: usize) {
        let owner = self.owners.remove(at);
        self.late.clear();
        if self.log.is_owner(owner.hold) {
            self.forget(owner.hold);
        }
    }

    /// A place goes from one node to another.
    pub(super) fn shift(&mut self) -> Result<(), String> {
        let holding: Vec<usize> = (0..self.owners.len())
            .filter(|at| {
                let owner = self.owners.get(*at);
                owner.is_some_and(|owner| self.log.is_owner(owner.hold))
            })
            .collect();
        let Some(at) = self.random.of(&holding).copied() else {
            return Ok(());
        };
        let Some(owner) = self.owners.get(at) else {
            return Ok(());
        };
        let (place, hold, state) = (owner.hold.place, owner.hold, self.state_of(owner));
        let live: Vec<usize> = self.live().map(|(slot, _)| slot).collect();
        let Some(to) = self.random.of(&live).copied() else {
            return Ok(());
        };
        match self.random.below(3) {
            0 => {
                self.table.met("moved, old one goes on", state);
                self.open(place, to)
            }
            1 => {
                self.table.met("stopped", state);
                self.end(at);
                self.open(place, to)
            }
            _ => {
                self.table.met("moved", state);
                self.close(at, hold)?;
                self.open(place, to)
            }
        }
    }

    /// An owner gives its place back in order: what it said is stored, and its state with it.
    fn close(&mut self, at: usize, hold: Hold) -> Result<(), String> {
        for writer in self.log.writers() {
            if writer.hold == Some(hold) {
                while self.log.queued(writer) > 0 {
                    self.decide(writer, Fate::Stored);
                }
            }
        }
        let Some(owner) = self.owners.get_mut(at) else {
            return Ok(());
        };
        self.log.act(hold);
        self.log.calm(true);
        let done = finish(&mut owner.work);
        self.log.calm(self.is_calm);
        self.log.rest();
        if let Err(why) = done
            && !self.broken.contains(&hold)
        {
            return Err(format!("{:?} does not end: {why}", hold.place));
        }
        self.audit.take(self.log.stored())?;
        self.end(at);
        Ok(())
    }

    /// A node ends in the middle of everything.
    pub(super) fn crash(&mut self) -> Result<(), String> {
        let live: Vec<(usize, u64)> = self.live().map(|(slot, node)| (slot, node.id)).collect();
        if live.len() < 2 {
            return Ok(());
        }
        match self.random.of(&live).copied() {
            Some((slot, _)) => self.crash_of(slot),
            None => Ok(()),
        }
    }

    pub(super) fn crash_of(&mut self, slot: usize) -> Result<(), String> {
        let Some(id) = self
            .nodes
            .get(slot)
            .and_then(|node| Some(node.as_ref()?.id))
        else {
            return Ok(());
        };
        let states: Vec<&'static str> = self
            .owners
            .iter()
            .filter(|owner| owner.slot == slot)
            .map(|owner| self.state_of(owner))
            .collect();
        for state in states {
            self.table.met("crash", state);
        }
        let of_node = self.log.writers().into_iter();
        let of_node: Vec<Writer> = of_node.filter(|writer| writer.node == id).collect();
        for writer in of_node {
            let stored = self.random.below(self.log.queued(writer) + 1);
            for place in 0..self.log.queued(writer) {
                let fate = if place < stored {
                    Fate::Unanswered
                } else {
                    Fate::Lost
                };
                self.decide(writer, fate);
            }
        }
        self.log.die(id);
        self.posts.lose(id);
        self.audit.take(self.log.stored())?;
        while let Some(at) = self.owners.iter().position(|owner| owner.slot == slot) {
            self.end(at);
        }
        if let Some(node) = self.nodes.get_mut(slot) {
            *node = None;
        }
        Ok(())
    }
}

fn work(app: &Arc<App>, place: Place) -> Result<Work, String> {
    match place {
        Place::Zone(zone) => {
            let (_, asked) = questions();
            let mut pump = Pump::open(Arc::clone(app), Zone(zone)).map_err(|e| e.to_string())?;
            pump.recover().map_err(|e| e.to_string())?;
            Ok(Work::Zone(Box::new(pump), asked))
        }
        Place::Link(link) => link_work(app, usize::from(link)).map_err(|e| e.to_string()),
    }
}

fn link_work(app: &Arc<App>, number: usize) -> Result<Work, JournalError> {
    let name = app.links.get(number).cloned().unwrap_or_default();
    Ok(match name.as_str() {
        SMS => {
            let mut sms = Sms::open(app, number, &config(), PACE)?;
            let sessions = Sessions {
                window: WINDOW,
                ..Sessions::default()
            };
            sms.heard(&Turn::default(), WINDOW)?;
            Work::Sms(Box::new(sms), sessions)
        }
        EMAIL => {
            let mut courier = courier::open_single(app, number)?;
            courier.step(Event::Up);
            Work::Mail(Box::new(courier))
        }
        _ => Work::Absent(Box::new(courier::open_absent(app, number)?)),
    })
}

/// One round of a loop; what it hands to the far side is put into `handed`.
fn turn(
    work: &mut Work,
    flying: &mut [Message],
    hold: Hold,
    handed: &mut Vec<Message>,
) -> Result<(), String> {
    let message = |token: Token, told, phone, channel| Message {
        hold,
        token,
        told,
        phone,
        id: 0,
        channel,
    };
    match work {
        Work::Zone(pump, asked) => {
            pump.round(asked).map_err(|error| error.to_string())?;
        }
        Work::Sms(sms, sessions) => {
            sessions.flying = flying.iter().filter(|m| m.hold == hold).count();
            sms.round(sessions).map_err(|error| error.to_string())?;
            for (token, phone) in sessions.taken.drain(..) {
                let who = token.recipient();
                let outbox = sms.courier.outbox();
                let mut intents = outbox.intents();
                let of = intents.find(|intent| outbox.token(intent.id, who) == Some(token));
                let intent = of.ok_or("a token of no intent")?;
                handed.push(message(token, (intent.id, who.0), phone, SMS));
            }
        }
        Work::Mail(courier) => {
            let departures = courier.departures().map_err(|error| error.to_string())?;
            for (token, words) in departures {
                match words {
                    Some((intent, _)) => {
                        let told = (intent.id, token.recipient().0);
                        handed.push(message(token, told, 0, EMAIL));
                    }
                    None => courier.step(Event::Answers(&[Answer {
                        token,
                        outcome: Outcome::Permanent,
                    }])),
                }
            }
        }
        Work::Absent(courier) => {
            courier.refuse().map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// The event of a round where nothing else happens: a commit is on disk, or time has passed.
fn rest(work: &mut Work) -> Result<(), String> {
    let courier = match work {
        Work::Zone(..) => return Ok(()),
        Work::Sms(sms, _) => &mut sms.courier,
        Work::Mail(courier) | Work::Absent(courier) => courier,
    };
    match courier.durable().now_or_never() {
        Some(done) => done.map_err(|error| error.to_string())?,
        None => courier.step(Event::Tick),
    }
    courier.keep().map_err(|error| error.to_string())
}

fn finish(work: &mut Work) -> Result<(), String> {
    let done = match work {
        Work::Zone(pump, _) => return pump.finish().map_err(|error| error.to_string()),
        Work::Sms(sms, _) => sms.courier.finish().now_or_never(),
        Work::Mail(courier) | Work::Absent(courier) => courier.finish().now_or_never(),
    };
    match done {
        Some(done) => done.map_err(|error| error.to_string()),
        None => Err("it waits for something that is not coming".to_owned()),
    }
}
