//! Call-and-answer (叫应): whoever must act is asked until somebody answers.
//!
//! One call per warning and place (a township or a site). Its rungs come from the city's
//! `[[ladder]]`; silence climbs by record time, one answer stops every rung of that place, a
//! higher tier asks anew. The first rung at `0m` is what [`crate::plan`] has already sent; the
//! ladder counts it and sends the ones after it. Past the top the last rung is asked again
//! until the place is answered for or no longer warned, at the ladder's own interval.
//!
//! Where the ladder has a quota, so many different people must answer before a place is answered for.
//! Where it is asked to, it asks everybody anew some time before the hazard arrives, except where
//! somebody has said that they are at their post, have moved people or need help. That moves with the
//! hour at which the hazard is expected, and comes once in a call.
//!
//! A device that was commanded and did not confirm is a place of its own: its site's people are
//! called, from the first rung on, whatever they answered to the warning before.

use model::order::Answer;
use model::release::{Ask, Ladder, LadderStep};
use model::{AreaCode, Channel, Span, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What must be answered for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A warned area, usually a township.
    Area(AreaCode),
    /// A site, by id.
    Site(String),
    /// A device that did not confirm a command.
    Device {
        /// The site it stands at, by id.
        site: String,
        /// Its own id.
        device: String,
    },
}

impl Place {
    /// The site it is or stands at.
    pub fn site(&self) -> Option<&str> {
        match self {
            Self::Area(_) => None,
            Self::Site(site) | Self::Device { site, .. } => Some(site),
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A place reached a tier, or left it ([`Tier::None`]).
    Warned {
        /// By which warning.
        warning: WarningId,
        /// Where.
        place: Place,
        /// The tier there.
        tier: Tier,
        /// The city's ladder for that tier; `None` where nobody is called.
        ladder: Option<&'a Ladder>,
        /// How many different people must answer.
        needed: u8,
        /// When the hazard arrives there.
        onset: Option<Time>,
    },
    /// Somebody answered, by reply, click, or to the duty officer's call.
    Answered {
        /// Of which warning.
        warning: WarningId,
        /// Every place they answer for.
        places: &'a [Place],
        /// What they said.
        answer: Said,
    },
    /// Somebody answered for a place, called or not, whom no call asked.
    AnsweredFor {
        /// Of which warning.
        warning: WarningId,
        /// For which place.
        place: Place,
        /// The tier there.
        tier: Tier,
        /// What they said; the contact is who, in words.
        answer: Said,
    },
    /// A strobe confirmed that it flashes for somebody who is asked, or did not. It says nothing for
    /// them: the call goes on as it was.
    Strobe {
        /// For which warning.
        warning: WarningId,
        /// The places they are asked about.
        places: &'a [Place],
        /// The strobe, by id.
        strobe: &'a str,
        /// True where it flashes.
        flashes: bool,
    },
    /// The warning is over everywhere.
    Over(WarningId),
    /// Time passed.
    Tick,
}

/// An answer as it stands on the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Contact id of who answered.
    pub contact: String,
    /// What.
    pub answer: Answer,
    /// Their words, or the officer's note.
    pub note: String,
    /// The way it came; nothing where the duty officer noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The duty officer who noted a phone call; empty for their own reply.
    pub noted_by: String,
    /// When it was said.
    pub said: Time,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell those of a rung.
    Tell {
        /// Which warning.
        warning: WarningId,
        /// Which place.
        place: Place,
        /// Tier there.
        tier: Tier,
        /// Number of the telling within the call: part of the intent's identity.
        turn: u32,
        /// Who is asked.
        rung: Rung,
    },
    /// The duty officer must phone: a task on the board.
    Phone {
        /// Which warning.
        warning: WarningId,
        /// Which place.
        place: Place,
        /// Whom.
        rung: Rung,
    },
    /// Somebody answered that they need help: a person must know at once.
    Help {
        /// Which warning.
        warning: WarningId,
        /// Which place.
        place: Place,
        /// Who.
        contact: String,
    },
    /// The board's line changed.
    Board {
        /// Which warning.
        warning: WarningId,
        /// Which place.
        place: Place,
    },
}

/// One rung: whom, how, when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// After the call began.
    pub after: Span,
    /// Whom.
    pub ask: Ask,
    /// Roles; empty means every role there.
    pub roles: Vec<String>,
    /// Ways.
    pub channels: Vec<Channel>,
    /// True where the duty officer phones.
    pub phone: bool,
}

/// One line of the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Which warning.
    pub warning: WarningId,
    /// Which place.
    pub place: Place,
    /// Tier there.
    pub tier: Tier,
    /// When the call began.
    pub since: Time,
    /// The rungs, in order.
    pub rungs: Vec<Rung>,
    /// How often the last one is asked again.
    pub repeat: Span,
    /// Which rung was asked when.
    pub asked: Vec<(u8, Time)>,
    /// When the next rung is asked; `None` once answered.
    pub next: Option<Time>,
    /// The answer that stopped it.
    pub answered: Option<Said>,
    /// How many different people must answer.
    #[serde(default = "one")]
    pub needed: u8,
    /// The latest word of each who answered since the call began, in the order of their first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Said>,
    /// When everybody is asked anew, shortly before it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<Time>,
    /// How many rungs were asked before it was asked anew.
    #[serde(default)]
    pub turns_before: u32,
    /// Strobes of those who are asked that did not confirm that they flash, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlit: Vec<String>,
}

/// People whose word is kept of one call.
const ANSWERS_MAX: usize = 64;

const fn one() -> u8 {
    1
}

/// All calls of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Calls {
    lines: Vec<Call>,
}

impl Calls {
    /// Takes one event in at record time `at`; effects come in the order of the calls.
    pub fn step(&mut self, at: Time, event: Event<'_>, out: &mut Vec<Effect>) {
        match event {
            Event::Warned {
                warning,
                place,
                tier,
                ladder,
                needed,
                onset,
            } => {
                let wanted = Wanted {
                    tier,
                    ladder,
                    needed,
                    onset,
                };
                self.warned(at, warning, place, &wanted, out);
            }
            Event::Answered {
                warning,
                places,
                answer,
            } => self.answered(warning, places, &answer, out),
            Event::AnsweredFor {
                warning,
                place,
                tier,
                answer,
            } => self.answered_for(at, (warning, place, tier), answer, out),
            Event::Strobe {
                warning,
                places,
                strobe,
                flashes,
            } => self.strobe(warning, places, (strobe, flashes), out),
            Event::Over(warning) => self.over(warning, out),
            Event::Tick => {}
        }
        self.climb(at, out);
    }

    /// The board: every call, in the order they began.
    pub fn board(&self) -> &[Call] {
        &self.lines
    }

    /// Calls nobody has answered.
    pub fn unanswered(&self) -> impl Iterator<Item = &Call> {
        self.lines.iter().filter(|call| call.answered.is_none())
    }

    /// True where a warning has no place without an answer: only then is a red one handled.
    pub fn is_handled(&self, warning: WarningId) -> bool {
        self.unanswered().all(|call| call.warning != warning)
    }

    /// When the next rung is due.
    pub fn due(&self) -> Option<Time> {
        let due = |call: &Call| [call.next, call.recall].into_iter().flatten().min();
        self.lines.iter().filter_map(due).min()
    }

    /// One line.
    pub fn call(&self, warning: WarningId, place: &Place) -> Option<&Call> {
        self.lines
            .iter()
            .find(|call| call.warning == warning && call.place == *place)
    }

    fn warned(
        &mut self,
        at: Time,
        warning: WarningId,
        place: Place,
        wanted: &Wanted<'_>,
        out: &mut Vec<Effect>,
    ) {
        let tier = wanted.tier;
        if let (Place::Site(site), Tier::None) = (&place, tier) {
            self.devices_over(warning, site, out);
        }
        let is_this = |call: &Call| call.warning == warning && call.place == place;
        let known = self.lines.iter().position(is_this);
        let board = Effect::Board {
            warning,
            place: place.clone(),
        };
        if let Some(line) = known.and_then(|at| self.lines.get_mut(at))
            && tier != Tier::None
            && tier <= line.tier
        {
            let before = line.recall;
            line.recall = match line.recall {
                Some(_) if tier == line.tier => wanted.recall_now(at).or(line.recall),
                Some(_) => wanted.recall(at).or(line.recall),
                // Who was asked anew once is not asked so again.
                None => wanted.recall(at).filter(|_| line.turns_before == 0),
            };
            if tier < line.tier || line.recall != before {
                // Less danger: whoever was asked is still to answer, at the pace begun.
                line.tier = tier;
                out.push(board);
            }
            return;
        }
        self.lines.retain(|call| !is_this(call));
        if let Some(ladder) = wanted
            .ladder
            .filter(|l| tier != Tier::None && !l.steps.is_empty())
        {
            self.lines.push(Call {
                warning,
                place,
                tier,
                since: at,
                rungs: ladder.steps.iter().map(Rung::from).collect(),
                asked: Vec::new(),
                repeat: ladder.repeat,
                next: ladder.steps.first().map(|step| at + step.after),
                answered: None,
                needed: wanted.needed.max(1),
                answers: Vec::new(),
                recall: wanted.recall(at),
                turns_before: 0,
                unlit: Vec::new(),
            });
        }
        if known.is_some() || tier != Tier::None {
            out.push(board);
        }
    }

    /// A site that is no longer warned asks for nothing of its devices.
    fn devices_over(&mut self, warning: WarningId, site: &str, out: &mut Vec<Effect>) {
        let is_there = |call: &Call| {
            let device = matches!(call.place, Place::Device { .. });
            call.warning == warning && device && call.place.site() == Some(site)
        };
        let gone = self.lines.iter().filter(|call| is_there(call));
        out.extend(gone.map(|call| Effect::Board {
            warning,
            place: call.place.clone(),
        }));
        self.lines.retain(|call| !is_there(call));
    }

    fn answered(
        &mut self,
        warning: WarningId,
        places: &[Place],
        answer: &Said,
        out: &mut Vec<Effect>,
    ) {
        for call in &mut self.lines {
            if call.warning != warning || !places.contains(&call.place) {
                continue;
            }
            if answer.answer == Answer::NeedsHelp {
                out.push(Effect::Help {
                    warning,
                    place: call.place.clone(),
                    contact: answer.contact.clone(),
                });
            }
            call.hear(answer);
            out.push(Effect::Board {
                warning,
                place: call.place.clone(),
            });
        }
    }

    /// A place that is not called has a line from here on, so that everybody sees who answers for it.
    fn answered_for(
        &mut self,
        at: Time,
        (warning, place, tier): (WarningId, Place, Tier),
        answer: Said,
        out: &mut Vec<Effect>,
    ) {
        let is_this = |call: &Call| call.warning == warning && call.place == place;
        if !self.lines.iter().any(is_this) {
            self.lines.push(Call {
                warning,
                place: place.clone(),
                tier,
                since: at,
                rungs: Vec::new(),
                asked: Vec::new(),
                repeat: Span::ZERO,
                next: None,
                answered: None,
                needed: 1,
                answers: Vec::new(),
                recall: None,
                turns_before: 0,
                unlit: Vec::new(),
            });
        }
        if let Some(call) = self.lines.iter_mut().find(|call| is_this(call)) {
            // One word for all: whoever gives it speaks for the place.
            call.needed = 1;
            call.tier = call.tier.max(tier);
        }
        self.answered(warning, &[place], &answer, out);
    }

    fn strobe(
        &mut self,
        warning: WarningId,
        places: &[Place],
        (strobe, flashes): (&str, bool),
        out: &mut Vec<Effect>,
    ) {
        for call in &mut self.lines {
            if call.warning != warning || !places.contains(&call.place) {
                continue;
            }
            call.unlit.retain(|known| known != strobe);
            if !flashes {
                call.unlit.push(strobe.to_owned());
            }
            out.push(Effect::Board {
                warning,
                place: call.place.clone(),
            });
        }
    }

    fn over(&mut self, warning: WarningId, out: &mut Vec<Effect>) {
        let gone = self.lines.iter().filter(|call| call.warning == warning);
        out.extend(gone.map(|call| Effect::Board {
            warning,
            place: call.place.clone(),
        }));
        self.lines.retain(|call| call.warning != warning);
    }

    fn climb(&mut self, at: Time, out: &mut Vec<Effect>) {
        for call in &mut self.lines {
            if call.recall.is_some_and(|recall| recall <= at) {
                call.ask_anew(at);
            }
            // A long gap between records asks every rung it passed, once each.
            for _ in 0..=call.rungs.len() {
                let Some(due) = call.next.filter(|next| *next <= at) else {
                    break;
                };
                call.ask(at, due, out);
            }
        }
    }
}

/// What a place is to be called by.
struct Wanted<'a> {
    tier: Tier,
    ladder: Option<&'a Ladder>,
    needed: u8,
    onset: Option<Time>,
}

impl Wanted<'_> {
    /// When everybody is asked anew; never where that would be at once.
    fn recall(&self, at: Time) -> Option<Time> {
        let before = self.ladder?.before_impact?;
        let recall = self.onset? - before;
        (recall > at).then_some(recall)
    }

    /// The same where they wait for it: at once where the hazard has come nearer than that.
    fn recall_now(&self, at: Time) -> Option<Time> {
        let before = self.ladder?.before_impact?;
        Some((self.onset? - before).max(at))
    }
}

impl Call {
    /// The latest word of each stands: "received" may be followed by "moved" or "needs help".
    fn hear(&mut self, said: &Said) {
        let is_theirs = |of: &Said| of.contact == said.contact;
        let known = self.answers.iter().position(is_theirs);
        match known.and_then(|at| self.answers.get_mut(at)) {
            Some(earlier) => earlier.clone_from(said),
            None => {
                self.answers.push(said.clone());
                self.answers.truncate(ANSWERS_MAX);
            }
        }
        if self.answers.len() >= usize::from(self.needed) {
            self.answered = Some(said.clone());
            self.next = None;
        }
    }

    /// It is about to come: from the first rung on again, unless somebody acts.
    fn ask_anew(&mut self, at: Time) {
        self.recall = None;
        let acts = |said: &Said| match said.answer {
            Answer::Received => false,
            Answer::AtPost | Answer::Moved | Answer::NeedsHelp => true,
        };
        if self.answered.is_some() && self.answers.iter().any(acts) {
            return;
        }
        self.turns_before = u32::try_from(self.asked.len()).unwrap_or(u32::MAX);
        self.since = at;
        self.answered = None;
        self.answers.clear();
        self.next = self.rungs.first().map(|rung| at + rung.after);
    }

    /// Rungs asked since it began, or was last asked anew.
    pub fn climbed(&self) -> usize {
        let before = usize::try_from(self.turns_before).unwrap_or(usize::MAX);
        self.asked.len().saturating_sub(before)
    }

    /// The rungs that were asked since it began, or was last asked anew, each with when it was asked last.
    pub fn asked_since(&self) -> impl Iterator<Item = (&Rung, Time)> {
        let before = self.asked.len() - self.climbed();
        let asked: BTreeMap<u8, Time> = self.asked.iter().skip(before).copied().collect();
        asked
            .into_iter()
            .filter_map(move |(number, at)| Some((self.rungs.get(usize::from(number))?, at)))
    }

    /// True where it waits for the word of that contact: nobody answered it, and they did not either.
    pub fn waits_for(&self, contact: &str) -> bool {
        self.answered.is_none() && self.answers.iter().all(|said| said.contact != contact)
    }

    /// The rung that is asked next, by number, and past the top the last one.
    pub fn next_rung(&self) -> usize {
        self.climbed().min(self.rungs.len().saturating_sub(1))
    }

    fn ask(&mut self, at: Time, due: Time, out: &mut Vec<Effect>) {
        let turn = self.asked.len();
        let climbed = self.climbed();
        let last = self.rungs.len().saturating_sub(1);
        let number = climbed.min(last);
        let Some(rung) = self.rungs.get(number).cloned() else {
            self.next = None;
            return;
        };
        self.asked
            .push((u8::try_from(number).unwrap_or(u8::MAX), at));
        self.next = Some(match self.rungs.get(climbed + 1) {
            Some(next) => self.since + next.after,
            // Counted from now, so that a gap is not followed by a burst.
            None => at.max(due) + self.repeat,
        });
        let is_device = matches!(self.place, Place::Device { .. });
        let sent_by_plan = turn == 0 && rung.after == Span::ZERO && !is_device;
        if rung.phone {
            out.push(Effect::Phone {
                warning: self.warning,
                place: self.place.clone(),
                rung: rung.clone(),
            });
        }
        if !sent_by_plan {
            out.push(Effect::Tell {
                warning: self.warning,
                place: self.place.clone(),
                tier: self.tier,
                turn: u32::try_from(turn).unwrap_or(u32::MAX),
                rung,
            });
        }
        out.push(Effect::Board {
            warning: self.warning,
            place: self.place.clone(),
        });
    }
}

impl From<&LadderStep> for Rung {
    fn from(step: &LadderStep) -> Self {
        Self {
            after: step.after,
            ask: step.ask,
            roles: step.roles.clone(),
            channels: step.channels.clone(),
            phone: step.phone,
        }
    }
}

#[cfg(test)]
mod tests;
