//! Call-and-answer (叫应): whoever must act is asked until somebody answers.
//!
//! One call per warning and place (a township or a site). Its rungs come from the city's
//! `[[ladder]]`; silence climbs by record time, one answer stops every rung of that place, a
//! higher tier asks anew. The first rung at `0m` is what [`crate::plan`] has already sent; the
//! ladder counts it and sends the ones after it. Past the top the last rung is asked again
//! until the place is answered for or no longer warned, at the ladder's own interval.
//!
//! A device that was commanded and did not confirm is a place of its own: its site's people are
//! called, from the first rung on, whatever they answered to the warning before.

use model::order::Answer;
use model::release::{Ask, Ladder, LadderStep};
use model::{AreaCode, Channel, Span, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};

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
            } => self.warned(at, warning, place, tier, ladder, out),
            Event::Answered {
                warning,
                places,
                answer,
            } => self.answered(warning, places, &answer, out),
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
        self.lines.iter().filter_map(|call| call.next).min()
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
        tier: Tier,
        ladder: Option<&Ladder>,
        out: &mut Vec<Effect>,
    ) {
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
            if tier < line.tier {
                // Less danger: whoever was asked is still to answer, at the pace begun.
                line.tier = tier;
                out.push(board);
            }
            return;
        }
        self.lines.retain(|call| !is_this(call));
        if let Some(ladder) = ladder.filter(|l| tier != Tier::None && !l.steps.is_empty()) {
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
            // The latest word stands: "received" may be followed by "moved" or "needs help".
            call.answered = Some(answer.clone());
            call.next = None;
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

impl Call {
    fn ask(&mut self, at: Time, due: Time, out: &mut Vec<Effect>) {
        let turn = self.asked.len();
        let last = self.rungs.len().saturating_sub(1);
        let number = turn.min(last);
        let Some(rung) = self.rungs.get(number).cloned() else {
            self.next = None;
            return;
        };
        self.asked
            .push((u8::try_from(number).unwrap_or(u8::MAX), at));
        self.next = Some(match self.rungs.get(turn + 1) {
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
mod tests {
    use super::*;
    use model::{Hazard, Mode};

    fn at(seconds: i64) -> Time {
        Time::from_seconds(1_700_000_000 + seconds)
    }

    fn id() -> WarningId {
        let city = AreaCode::parse("440100000000").unwrap();
        WarningId::derive(city, Mode::Actual, Hazard::Rainstorm, city, at(0))
    }

    const REPEAT: Span = Span::from_minutes(15);

    fn ladder() -> Ladder {
        let step = |minutes, ask, phone| LadderStep {
            after: Span::from_minutes(minutes),
            ask,
            roles: Vec::new(),
            channels: vec![Channel::Sms],
            phone,
        };
        Ladder {
            tiers: vec![Tier::Red],
            repeat: REPEAT,
            steps: vec![
                step(0, Ask::Primary, false),
                step(5, Ask::Primary, true),
                step(10, Ask::Deputy, false),
                step(15, Ask::District, true),
            ],
        }
    }

    fn site(n: u32) -> Place {
        Place::Site(format!("C{n:04}"))
    }

    fn warned(place: Place, tier: Tier, ladder: &Ladder) -> Event<'_> {
        Event::Warned {
            warning: id(),
            place,
            tier,
            ladder: Some(ladder),
        }
    }

    fn told(out: &[Effect]) -> Vec<(Place, Ask)> {
        out.iter()
            .filter_map(|effect| match effect {
                Effect::Tell { place, rung, .. } => Some((place.clone(), rung.ask)),
                Effect::Phone { .. } | Effect::Help { .. } | Effect::Board { .. } => None,
            })
            .collect()
    }

    fn said(answer: Answer) -> Said {
        Said {
            contact: "P00381".into(),
            answer,
            note: String::new(),
            channel: Some(Channel::Sms),
            noted_by: String::new(),
            said: at(400),
        }
    }

    #[test]
    fn silence_climbs_and_one_answer_stops_that_place_alone() {
        let (ladder, mut calls, mut out) = (ladder(), Calls::default(), Vec::new());
        calls.step(at(0), warned(site(1), Tier::Orange, &ladder), &mut out);
        calls.step(at(0), warned(site(2), Tier::Orange, &ladder), &mut out);
        assert_eq!(told(&out), []);
        assert_eq!(calls.due(), Some(at(300)));
        out.clear();
        calls.step(at(300), Event::Tick, &mut out);
        assert_eq!(
            told(&out),
            [(site(1), Ask::Primary), (site(2), Ask::Primary)]
        );
        let phones = out
            .iter()
            .filter(|e| matches!(e, Effect::Phone { .. }))
            .count();
        assert_eq!(phones, 2);
        out.clear();
        let answer = Event::Answered {
            warning: id(),
            places: &[site(1)],
            answer: said(Answer::Received),
        };
        calls.step(at(400), answer, &mut out);
        calls.step(at(600), Event::Tick, &mut out);
        assert_eq!(told(&out), [(site(2), Ask::Deputy)]);
        assert!(!calls.is_handled(id()));
        assert_eq!(calls.unanswered().count(), 1);
        out.clear();
        calls.step(at(900), Event::Tick, &mut out);
        calls.step(at(900 + 15 * 60), Event::Tick, &mut out);
        assert_eq!(
            told(&out),
            [(site(2), Ask::District), (site(2), Ask::District)]
        );
    }

    #[test]
    fn a_higher_tier_asks_anew_and_a_lower_one_does_not() {
        let (ladder, mut calls, mut out) = (ladder(), Calls::default(), Vec::new());
        calls.step(at(0), warned(site(1), Tier::Orange, &ladder), &mut out);
        let answer = Event::Answered {
            warning: id(),
            places: &[site(1)],
            answer: said(Answer::NeedsHelp),
        };
        calls.step(at(100), answer, &mut out);
        assert!(
            out.iter()
                .any(|e| matches!(e, Effect::Help { contact, .. } if contact == "P00381"))
        );
        calls.step(at(200), warned(site(1), Tier::Yellow, &ladder), &mut out);
        assert!(calls.is_handled(id()));
        calls.step(at(300), warned(site(1), Tier::Red, &ladder), &mut out);
        assert!(!calls.is_handled(id()));
        assert_eq!(calls.due(), Some(at(600)));
        calls.step(at(400), warned(site(1), Tier::None, &ladder), &mut out);
        assert!(calls.board().is_empty());
    }

    #[test]
    fn a_device_that_did_not_confirm_calls_its_people_anew() {
        let (ladder, mut calls, mut out) = (ladder(), Calls::default(), Vec::new());
        let device = Place::Device {
            site: "C0001".into(),
            device: "barrier-C0001".into(),
        };
        calls.step(at(0), warned(site(1), Tier::Red, &ladder), &mut out);
        fn answer(place: &Place) -> Event<'_> {
            Event::Answered {
                warning: id(),
                places: std::slice::from_ref(place),
                answer: said(Answer::Received),
            }
        }
        calls.step(at(10), answer(&site(1)), &mut out);
        assert!(calls.is_handled(id()));
        out.clear();
        calls.step(at(20), warned(device.clone(), Tier::Red, &ladder), &mut out);
        assert_eq!(told(&out), [(device.clone(), Ask::Primary)]);
        assert!(!calls.is_handled(id()));
        // Said again, it is the same call.
        out.clear();
        calls.step(at(30), warned(device.clone(), Tier::Red, &ladder), &mut out);
        assert_eq!(told(&out), []);
        calls.step(at(40), answer(&device), &mut out);
        assert!(calls.is_handled(id()));
        calls.step(at(50), warned(site(1), Tier::None, &ladder), &mut out);
        assert!(calls.board().is_empty());
    }

    #[test]
    fn a_gap_in_time_asks_each_rung_once_and_a_snapshot_goes_on() {
        let (ladder, mut calls, mut out) = (ladder(), Calls::default(), Vec::new());
        calls.step(at(0), warned(site(1), Tier::Red, &ladder), &mut out);
        let text = serde_json::to_string(&calls).unwrap();
        let mut calls: Calls = serde_json::from_str(&text).unwrap();
        out.clear();
        calls.step(at(3600), Event::Tick, &mut out);
        let asked: Vec<Ask> = told(&out).into_iter().map(|(_, ask)| ask).collect();
        assert_eq!(asked, [Ask::Primary, Ask::Deputy, Ask::District]);
        assert_eq!(calls.due(), Some(at(3600) + REPEAT));
        calls.step(at(3700), Event::Over(id()), &mut out);
        assert!(calls.board().is_empty() && calls.due().is_none());
    }
}
