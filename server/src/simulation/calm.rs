//! After the faults: everything is up, everybody has time, and nothing may be missing.

use super::audit::is_rise;
use super::city::{Resident, setting};
use super::log::Fate;
use super::node::{EMAIL, SMS};
use super::owners::WINDOW;
use super::people;
use super::world::World;
use dispatch::intent::Intent;
use dispatch::ledger::State;
use dispatch::wording::Purpose;
use model::warning::Event;
use model::{Reach, Span, Tier, Zone};

impl World {
    /// The world comes to rest: first who was to be told is told, then the water falls and who was
    /// told hears the end.
    pub(super) fn quiet(&mut self) -> Result<(), String> {
        self.log.full(false);
        for slot in 0..self.nodes.len() {
            if self.nodes.get(slot).is_some_and(Option::is_none) {
                self.start(slot)?;
            }
        }
        for node in self.nodes.iter_mut().flatten() {
            node.skew = Span::ZERO;
        }
        for writer in self.log.writers() {
            while self.log.queued(writer) > 0 {
                self.decide(writer, Fate::Stored);
            }
        }
        self.settle()?;
        self.is_calm = true;
        self.log.calm(true);
        // Who goes on without knowing that their place is another's, or that they failed, ends.
        let lost = |world: &Self| {
            world.owners.iter().position(|owner| {
                !world.log.is_owner(owner.hold) || world.broken.contains(&owner.hold)
            })
        };
        while let Some(at) = lost(self) {
            self.end(at);
        }
        self.claim()?;
        for _ in 0..22 {
            self.calm_step(Span::from_seconds(25))?;
        }
        self.everybody_told()?;
        self.posts.is_calm = true;
        for minute in 0..45 {
            if minute < 38 {
                for act in people::signatures(&self.audit) {
                    self.ask(&act);
                }
            }
            self.calm_step(Span::from_minutes(1))?;
        }
        if !self.posts.is_done() {
            return Err("something is still to be sent".to_owned());
        }
        self.audit.is_whole()?;
        self.ends_heard()
    }

    fn calm_step(&mut self, span: Span) -> Result<(), String> {
        self.pass_by(span)?;
        for at in 0..self.owners.len() {
            self.bind(at, WINDOW)?;
        }
        for _ in 0..8 {
            self.send();
        }
        self.settle()?;
        for _ in 0..2 {
            for at in 0..self.owners.len() {
                self.round(at)?;
            }
            self.answer_all()?;
            self.settle()?;
        }
        Ok(())
    }

    /// Nobody in the audience of an orange or red that stands was never told, but for named reasons.
    fn everybody_told(&self) -> Result<(), String> {
        for (at, (link, intent)) in self.audit.intents.iter().enumerate() {
            let mut later = self.audit.intents.iter().skip(at + 1);
            let is_superseded =
                later.any(|(other, newer)| other == link && newer.supersedes(intent));
            let is_meant = is_public_rise(intent) && intent.tier >= Tier::Orange;
            if is_superseded || !is_meant || self.latest >= intent.not_after {
                continue;
            }
            for resident in audience(intent) {
                if !self.was_told(intent, resident, |other| {
                    (is_public_rise(other) || other.purpose == Purpose::Fall)
                        && other.tier >= intent.tier
                }) {
                    return Err(self.words(intent, resident, "was never told"));
                }
            }
        }
        Ok(())
    }

    /// Whoever was told of a warning that is over heard that it is.
    fn ends_heard(&self) -> Result<(), String> {
        for (id, who) in &self.carrier.heard {
            let Some(first) = self
                .audit
                .intent(*id)
                .filter(|intent| is_public_rise(intent))
            else {
                continue;
            };
            let newest = self.audit.warnings.get(&first.warning);
            let newest = newest.and_then(|all| all.last());
            let is_over = newest.is_some_and(|warning| {
                matches!(warning.event, Event::Ended | Event::Cancelled) && !warning.past
            });
            let all = audience(first);
            let mut theirs = all.iter().filter(|resident| resident.recipient.0 == *who);
            // Who is reported as not reached counts as not told.
            let came = self.carrier.came.get(&(*id, *who));
            let counts = is_over && !came.is_some_and(|came| came.refused || came.by_another);
            let Some(resident) = theirs.next().filter(|_| counts) else {
                continue;
            };
            let is_end = |other: &Intent| other.is_end() && other.revision > first.revision;
            if !self.was_told(first, *resident, is_end) {
                return Err(self.words(first, *resident, "never heard its end"));
            }
        }
        Ok(())
    }

    fn words(&self, intent: &Intent, who: Resident, what: &str) -> String {
        let told = (intent.id, who.recipient.0);
        let of_warning = self.audit.intents.iter().map(|(_, other)| other);
        let of_warning =
            of_warning.filter(|o| o.warning == intent.warning && o.link == intent.link);
        let line = |other: &Intent| {
            let told = (other.id, who.recipient.0);
            format!(
                "{} r{} {} {} {:?} only_told {} only_new {} from {} to {}: {:?} {:?}",
                other.id,
                other.revision,
                other.purpose.name(),
                other.tier,
                other.audience.reach,
                other.only_told,
                other.only_new,
                other.created,
                other.not_after,
                self.audit.state(told),
                self.carrier.came.get(&told),
            )
        };
        let lines: Vec<String> = of_warning.map(line).collect();
        let trail = self.carrier.trail(told);
        let lines = lines.join("\n");
        format!("{told:?} {what}: {trail:?}; at {} of:\n{lines}", self.now)
    }

    /// Whether somebody got one of these of the same warning by the same link, or could not.
    fn was_told(&self, of: &Intent, who: Resident, is_one: impl Fn(&Intent) -> bool) -> bool {
        let same = |intent: &&Intent| {
            intent.warning == of.warning && intent.link == of.link && is_one(intent)
        };
        let intents = self.audit.intents.iter().map(|(_, intent)| intent);
        let mut theirs = intents.filter(same);
        theirs.any(|intent| {
            let told = (intent.id, who.recipient.0);
            // Below orange what was claimed at a crash is unknown and never repeated.
            let is_unknown = self.audit.state(told) == State::Unknown;
            let came = self.carrier.came.get(&told);
            let came = came.is_some_and(|c| c.arrived > 0 || c.refused || c.tries >= 6);
            came || (is_unknown && !intent.resend_when_unknown())
        })
    }
}

fn is_public_rise(intent: &Intent) -> bool {
    is_rise(intent)
        && intent.audience.reach == Reach::Public
        && [SMS, EMAIL].contains(&intent.link.as_str())
}

/// The residents an intent is for, by a look at the codes alone.
fn audience(intent: &Intent) -> Vec<Resident> {
    let setting = setting();
    let inside = |(zone, township): &(Zone, model::AreaCode)| {
        let code = township.to_string();
        let mut areas = intent.audience.areas.iter().map(ToString::to_string);
        let is_in = areas.any(|area| code.starts_with(stem(&area)));
        is_in.then_some(*zone)
    };
    let zones = setting.districts.iter().filter_map(inside);
    let residents = zones.filter_map(|zone| setting.residents.get(&zone));
    let by_mail = intent.link == EMAIL;
    residents
        .flatten()
        .filter(|resident| !by_mail || resident.has_mail)
        .filter(|_| intent.audience.roles.is_empty())
        .copied()
        .collect()
}

/// The digits of a division code that its parts share.
fn stem(code: &str) -> &str {
    let length = if code.ends_with("00000000") {
        4
    } else if code.ends_with("000000") {
        6
    } else {
        9
    };
    code.get(..length).unwrap_or(code)
}
