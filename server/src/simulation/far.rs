//! What the far side says, when, and to whom: answers, receipts, broken sessions.

use super::carrier::{Message, Receipt};
use super::log::{Hold, Place};
use super::node::SMS;
use super::owners::WINDOW;
use super::plant::Plant;
use super::world::{Owner, Work, World};
use dispatch::gateway::sms::smpp::Status;
use dispatch::gateway::sms::{
    Answer as WireAnswer, DeliveryReceipt, MessageKey, MessageState, Outcome as WireOutcome,
    ReasonCode, Turn,
};
use dispatch::intent::Intent;
use dispatch::ledger::State;
use dispatch::outbox::{Answer, Event, Outcome};

/// What the far side made of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Taken,
    Throttled,
    Transient,
    Refused,
    Silent,
}

impl World {
    /// The far side answers one message, or will later.
    pub(super) fn answer(&mut self) -> Result<(), String> {
        let count = self.carrier.flying.len();
        if count == 0 {
            return Ok(());
        }
        let at = self.random.below(count);
        let Some(message) = self.carrier.flying.get(at).cloned() else {
            return Ok(());
        };
        let Some(owner) = self.owner_of(message.hold) else {
            // Its session is gone: it may have gone out.
            self.carrier.flying.swap_remove(at);
            if self.random.one_in(2) {
                self.carrier.arrive(&self.audit, message.told)?;
                self.report(&message);
            }
            return Ok(());
        };
        let is_sms = message.channel == SMS;
        let (said, arrives, name) = match self.random.below(100) {
            0..58 => (Said::Taken, true, "accepted"),
            58..66 => (Said::Transient, false, "transient"),
            66..72 if is_sms => (Said::Throttled, false, "throttled"),
            72..77 => (Said::Refused, false, "permanent"),
            77..85 => (Said::Silent, true, "unknown, arrived"),
            85..91 => (Said::Silent, false, "unknown, lost"),
            _ => {
                self.table.met("late", message.channel);
                return Ok(());
            }
        };
        self.table.met(name, message.channel);
        self.carrier.flying.swap_remove(at);
        self.say(owner, &message, said, arrives)
    }

    /// Everything in flight is taken: the far side is well.
    pub(super) fn answer_all(&mut self) -> Result<(), String> {
        for _ in 0..self.carrier.flying.len() {
            // The others fly on meanwhile: whoever is told may hand over more.
            if self.carrier.flying.is_empty() {
                break;
            }
            let message = self.carrier.flying.remove(0);
            match self.owner_of(message.hold) {
                Some(owner) => self.say(owner, &message, Said::Taken, true)?,
                None => self.carrier.arrive(&self.audit, message.told)?,
            }
        }
        Ok(())
    }

    fn say(
        &mut self,
        owner: usize,
        message: &Message,
        said: Said,
        arrives: bool,
    ) -> Result<(), String> {
        let words = format!("{}: {said:?}, arrives {arrives}", message.hold.epoch);
        self.carrier.note(message.told, words);
        if arrives {
            self.carrier.arrive(&self.audit, message.told)?;
        }
        let resends = self.audit.intent(message.told.0);
        let resends = resends.is_some_and(Intent::resend_when_unknown);
        let came = self.carrier.came.entry(message.told).or_default();
        came.refused |= said == Said::Refused;
        came.unknown += u32::from(said == Said::Silent);
        if said == Said::Taken {
            self.carrier.said.push((message.hold, message.told));
            self.report(message);
        }
        let said = match (said, self.plant) {
            (Said::Silent, Some(Plant::UnknownSentAgain)) if !resends => Said::Transient,
            (Said::Refused, Some(Plant::RefusedAsTaken)) => {
                let came = self.carrier.came.entry(message.told).or_default();
                came.refused = false;
                Said::Taken
            }
            (said, _) => said,
        };
        self.tell(owner, message, said)
    }

    fn tell(&mut self, owner: usize, message: &Message, said: Said) -> Result<(), String> {
        let Some(Owner { hold, work, .. }) = self.owners.get_mut(owner) else {
            return Ok(());
        };
        let hold = *hold;
        let mut done = Ok(());
        self.log.act(hold);
        match work {
            Work::Sms(sms, sessions) => {
                let turn = Turn {
                    answers: vec![WireAnswer {
                        token: message.token.0,
                        outcome: on_wire(said, message.id),
                        late: false,
                    }],
                    mark: sessions.mark,
                    ..Turn::default()
                };
                done = sms
                    .heard(&turn, sessions.window)
                    .map_err(|error| error.to_string());
            }
            Work::Mail(courier) => courier.step(Event::Answers(&[Answer {
                token: message.token,
                outcome: by_mail(said),
            }])),
            Work::Zone(..) | Work::Absent(_) => {}
        }
        self.log.rest();
        match done {
            Ok(()) => self.go_on(owner),
            Err(why) => self.failed(hold, &why),
        }
    }

    /// A receipt will come, twice, or none.
    fn report(&mut self, message: &Message) {
        if message.channel != SMS {
            return;
        }
        let arrived = !self.random.one_in(6);
        let receipt = Receipt {
            message: message.clone(),
            arrived,
            given: None,
            is_awaited: false,
        };
        match self.random.below(10) {
            0 => self.table.met("no receipt", SMS),
            1 => {
                self.table.met("receipt twice", SMS);
                self.carrier.receipts.extend([receipt.clone(), receipt]);
            }
            _ => self.carrier.receipts.push(receipt),
        }
    }

    /// The centre brings a receipt to whoever serves the link now; what was not answered for comes
    /// again.
    pub(super) fn receipt(&mut self) -> Result<(), String> {
        let link = self
            .owners
            .iter()
            .position(|owner| matches!(owner.work, Work::Sms(..)) && self.log.is_owner(owner.hold));
        let Some(link) = link else { return Ok(()) };
        let Some(owner) = self.owners.get(link) else {
            return Ok(());
        };
        let hold = owner.hold;
        let waits = |receipt: &Receipt| receipt.given.is_none_or(|(to, _)| to != hold);
        let all: Vec<usize> = (0..self.carrier.receipts.len())
            .filter(|at| self.carrier.receipts.get(*at).is_some_and(waits))
            .collect();
        let Some(at) = self.random.of(&all).copied() else {
            return Ok(());
        };
        self.bring(link, hold, at)
    }

    fn bring(&mut self, link: usize, hold: Hold, at: usize) -> Result<(), String> {
        let Some(receipt) = self.carrier.receipts.get_mut(at) else {
            return Ok(());
        };
        let is_same = receipt.message.hold == hold;
        let told = receipt.message.told;
        let was_said = self.carrier.said.contains(&(hold, told));
        let state = self.audit.state(told);
        let is_known = state == State::Accepted && self.audit.knows(told, receipt.message.id);
        receipt.is_awaited = is_known || (is_same && was_said);
        let name = match (is_same, receipt.arrived) {
            (false, _) => "receipt to the next owner",
            (true, true) => "receipt",
            (true, false) => "receipt of failure",
        };
        self.table.met(name, SMS);
        if !receipt.arrived {
            self.carrier.came.entry(told).or_default().refused = true;
        }
        let said = DeliveryReceipt {
            token: is_same.then_some(receipt.message.token.0),
            ids: [Some(MessageKey(receipt.message.id)), None, None],
            phone: receipt.message.phone,
            state: if receipt.arrived {
                MessageState::Delivered
            } else {
                MessageState::Undeliverable
            },
            reason: ReasonCode::default(),
        };
        if let Some(Owner {
            work: Work::Sms(sms, sessions),
            ..
        }) = self.owners.get_mut(link)
        {
            sessions.mark += 1;
            receipt.given = Some((hold, sessions.mark));
            let turn = Turn {
                receipts: vec![said],
                mark: sessions.mark,
                ..Turn::default()
            };
            self.log.act(hold);
            let done = sms.heard(&turn, sessions.window);
            self.log.rest();
            return match done {
                Ok(()) => self.go_on(link),
                Err(error) => self.failed(hold, &error.to_string()),
            };
        }
        Ok(())
    }

    /// The sessions break: what is on them is of unknown outcome. Or they are bound again.
    pub(super) fn link_down(&mut self) -> Result<(), String> {
        let at = self
            .owners
            .iter()
            .position(|owner| matches!(owner.work, Work::Sms(..)));
        let Some(at) = at else { return Ok(()) };
        let is_up = match self.owners.get(at).map(|owner| &owner.work) {
            Some(Work::Sms(_, sessions)) => sessions.window > 0,
            _ => return Ok(()),
        };
        if is_up {
            self.table.met("link down", SMS);
        }
        self.bind(at, if is_up { 0 } else { WINDOW })
    }

    /// So many messages are taken at once from now on.
    pub(super) fn bind(&mut self, at: usize, window: usize) -> Result<(), String> {
        let Some(Owner {
            hold,
            work: Work::Sms(sms, sessions),
            ..
        }) = self.owners.get_mut(at)
        else {
            return Ok(());
        };
        let hold = *hold;
        sessions.window = window;
        let turn = Turn {
            mark: sessions.mark,
            ..Turn::default()
        };
        self.log.act(hold);
        let done = sms.heard(&turn, window);
        self.log.rest();
        if window == 0 {
            let nobody = Hold {
                place: Place::Link(u16::MAX),
                epoch: 0,
            };
            for message in &mut self.carrier.flying {
                if message.hold == hold {
                    message.hold = nobody;
                    let came = self.carrier.came.entry(message.told).or_default();
                    came.unknown += 1;
                }
            }
        }
        match done {
            Ok(()) => self.go_on(at),
            Err(error) => self.failed(hold, &error.to_string()),
        }
    }

    fn owner_of(&self, hold: Hold) -> Option<usize> {
        self.owners.iter().position(|owner| owner.hold == hold)
    }
}

fn on_wire(said: Said, id: u64) -> WireOutcome {
    match said {
        Said::Taken => WireOutcome::Accepted {
            id: Some(MessageKey(id)),
        },
        Said::Throttled => WireOutcome::Throttled {
            status: Status::THROTTLED.into(),
            pause_ms: 100,
        },
        Said::Transient => WireOutcome::Transient(Status::SYSTEM_ERROR.into()),
        Said::Refused => WireOutcome::Permanent(Status::INVALID_DESTINATION.into()),
        Said::Silent => WireOutcome::Silent,
    }
}

fn by_mail(said: Said) -> Outcome {
    match said {
        Said::Taken => Outcome::Accepted { receipt: 0 },
        Said::Throttled => Outcome::Throttled,
        Said::Transient => Outcome::Transient,
        Said::Refused => Outcome::Permanent,
        Said::Silent => Outcome::Uncertain,
    }
}
