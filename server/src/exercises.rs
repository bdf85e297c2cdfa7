//! Exercises (演练): a plan that plays in a world of its own, beside the real one, in the same process.
//!
//! The world is an [`App`] of the mode `exercise`: machines, topics, links and screens of its own, over
//! the same journal, city and people. It has no link to the public: [`crate::process::DrillLink`] knows
//! none. Its API and console are those of the real one under `/exercise`. An exercise tells the contacts
//! of one white list and nobody else, ends by its time, and gives way to anything real where it plays.

mod kept;

pub(crate) use kept::{Kept, State};

use crate::api::Problem;
use crate::app::App;
use crate::registry;
use crate::replies::Reply;
use dispatch::directory::{Contact, Recipient};
use dispatch::exercise::Gate;
use journal::{Batch, JournalError, Kind, Priority, Topic};
use model::order::Answer;
use model::{
    AreaCode, Channel, Drill, DrillEnd, Hazard, Mode, Order, Span, Tier, Time, Warning, Zone,
};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// Between two looks at what begins, what ends and what gives way, on the wall clock.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Longest exercise.
const LONGEST: Span = Span::from_minutes(24 * 60);
/// Exercises kept; the oldest that are over go first.
const KEPT_MAX: usize = 64;
/// Exercises that may be planned or under way at once.
const OPEN_MAX: usize = 16;
/// Longest name, characters.
const NAME_MAX: usize = 60;

/// A white list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// What plans name it by.
    pub(crate) id: String,
    /// What it is called.
    pub(crate) name: String,
    /// Ids of contacts.
    pub(crate) people: Vec<String>,
}

/// The world of exercises as the real one sees it.
pub(crate) struct Exercises {
    /// That world.
    pub(crate) world: Arc<App>,
    groups: Vec<Group>,
    devices: Vec<String>,
    kept: Mutex<Vec<Kept>>,
    /// One act at a time.
    acting: tokio::sync::Mutex<()>,
}

/// What the world of exercises knows of who it may tell, and of the real one.
pub(crate) struct Drills {
    people: BTreeSet<String>,
    devices: BTreeSet<String>,
    real: OnceLock<Weak<App>>,
}

/// A plan as a person gives it.
pub(crate) struct Plan {
    /// What it is called.
    pub(crate) name: String,
    /// The hazard played.
    pub(crate) hazard: Hazard,
    /// Where, and at which tier.
    pub(crate) areas: BTreeMap<AreaCode, Tier>,
    /// The white list.
    pub(crate) group: String,
    /// When it begins; at once where it is not later than now.
    pub(crate) starts: Time,
    /// When it ends.
    pub(crate) ends: Time,
    /// The answer asked for, where another one is wrong.
    pub(crate) expect: Option<Answer>,
}

impl Drills {
    /// With everybody who is on any white list, and the devices.
    pub(crate) fn new(groups: &[Group], devices: &[String]) -> Self {
        Self {
            people: groups.iter().flat_map(|g| g.people.clone()).collect(),
            devices: devices.iter().cloned().collect(),
            real: OnceLock::new(),
        }
    }

    /// Whether somebody is on any white list of the configuration in force: the gate at the gateway,
    /// whatever the record of an exercise says.
    pub(crate) fn may_hear(&self, recipient: &Recipient<'_>) -> bool {
        match recipient {
            Recipient::Contact(contact) => self.people.contains(&contact.id),
            Recipient::Device(device) => self.devices.contains(&device.id),
            Recipient::Subscriber(_) => false,
        }
    }
}

impl Exercises {
    /// The world with the exercises that were kept.
    pub(crate) fn open(
        world: Arc<App>,
        groups: Vec<Group>,
        devices: Vec<String>,
    ) -> Result<Self, JournalError> {
        let mut kept = Vec::new();
        for slot in 0..KEPT_MAX {
            let key = slot_key(slot);
            let record = world.journal.latest(topic(), registry::PARTITION, &key)?;
            let Some(record) = record.filter(|record| !record.payload().is_empty()) else {
                continue;
            };
            match Kept::decode(record.payload(), slot) {
                Some(found) => kept.push(found),
                None => tracing::error!(slot, "an exercise cannot be read: passed over"),
            }
        }
        kept.sort_by_key(|of| of.made);
        Ok(Self {
            world,
            groups,
            devices,
            kept: Mutex::new(kept),
            acting: tokio::sync::Mutex::default(),
        })
    }

    /// Lets the other world find the real one.
    pub(crate) fn join(&self, real: &Arc<App>) {
        if let Some(drills) = &self.world.drills {
            // Joined once, at the start.
            drop(drills.real.set(Arc::downgrade(real)));
        }
    }

    /// The white lists.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Vec<Kept> {
        self.kept.lock().clone()
    }

    /// One of them.
    pub(crate) fn one(&self, id: &str) -> Result<Kept, Problem> {
        let found = self.kept.lock().iter().find(|of| of.id == id).cloned();
        found.ok_or_else(|| Problem::not_found(format!("no exercise {id}; see /v1/exercises")))
    }

    /// Takes a plan; it begins by its time.
    pub(crate) async fn plan(&self, real: &App, plan: Plan, person: &str) -> Result<Kept, Problem> {
        let _acting = self.acting.lock().await;
        let now = real.clock.now();
        let group = self.check(real, &plan, now)?;
        let zones = self.zones_of(plan.areas.keys());
        let open = self.open_ones();
        if open.len() >= OPEN_MAX {
            return Err(Problem::conflict(format!(
                "{OPEN_MAX} exercises are planned or under way, which is the most; end one"
            )));
        }
        let meets = |of: &&Kept| {
            let theirs = self.zones_of(of.areas.keys());
            of.starts < plan.ends && plan.starts < of.ends && !theirs.is_disjoint(&zones)
        };
        if let Some(other) = open.iter().find(meets) {
            return Err(Problem::conflict(format!(
                "exercise {} ({}) plays in the same district at that time: end it, or choose another time",
                other.id, other.name
            )));
        }
        let kept = Kept {
            id: id_of(&plan, person, now),
            name: plan.name,
            hazard: plan.hazard,
            areas: plan.areas,
            group: group.id.clone(),
            people: group.people.clone(),
            devices: self.devices.clone(),
            starts: plan.starts.max(now),
            ends: plan.ends,
            person: person.to_owned(),
            made: now,
            begun: None,
            over: None,
            failed: None,
            expect: plan.expect,
            slot: 0,
        };
        if let Some(warning) = kept.gives_way_to(&real.view.standing(), &real.installation.city) {
            return Err(Problem::conflict(format!(
                "warning {} is in force or put forward there: an exercise waits until it is over",
                warning.id
            )));
        }
        let slot = self.room().ok_or_else(|| {
            Problem::conflict(format!("{KEPT_MAX} exercises are kept; end one first"))
        })?;
        let kept = Kept { slot, ..kept };
        self.store(&kept).await?;
        Ok(kept)
    }

    /// What is wrong with a plan; gives its white list.
    fn check(&self, real: &App, plan: &Plan, now: Time) -> Result<&Group, Problem> {
        let name = plan.name.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX {
            let why = format!("name: what it is called, 1 to {NAME_MAX} characters");
            return Err(Problem::bad_request(why));
        }
        if plan.areas.is_empty() || plan.areas.values().any(|tier| *tier == Tier::None) {
            return Err(Problem::bad_request(
                "areas: name at least one area, each with its tier",
            ));
        }
        if plan.ends <= now || plan.ends <= plan.starts {
            return Err(Problem::bad_request(
                "ends: later than now and than its start",
            ));
        }
        if plan.ends.since(plan.starts.max(now)) > LONGEST {
            let hours = LONGEST.millis() / 3_600_000;
            let why = format!("ends: an exercise lasts {hours} hours at most");
            return Err(Problem::bad_request(why));
        }
        let group = self.groups.iter().find(|group| group.id == plan.group);
        let group = group.ok_or_else(|| {
            let known: Vec<&str> = self.groups.iter().map(|g| g.id.as_str()).collect();
            Problem::bad_request(format!(
                "group: no white list {:?}; there are {}",
                plan.group,
                known.join(", ")
            ))
        })?;
        let directory = &real.installation.directory;
        let strangers = group
            .people
            .iter()
            .filter(|id| directory.contact(id).is_none());
        let strangers: Vec<&str> = strangers.map(String::as_str).collect();
        if strangers.len() == group.people.len() {
            return Err(Problem::conflict(format!(
                "nobody of the white list {} is in contacts.csv: {}",
                group.id,
                strangers.join(", ")
            )));
        }
        Ok(group)
    }

    /// Ends one before its time.
    pub(crate) async fn end(&self, id: &str, person: &str) -> Result<(), Problem> {
        let _acting = self.acting.lock().await;
        let kept = self.one(id)?;
        if kept.state() == State::Over {
            return Err(Problem::conflict(format!("exercise {id} is over")));
        }
        self.finish(kept, DrillEnd::Person, person).await
    }

    /// Begins what is due, ends what is over, gives way to what is real: until the app stops.
    pub(crate) async fn watch(real: Arc<App>) {
        while !real.stopping() {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(exercises) = &real.exercises else {
                return;
            };
            if let Err(problem) = exercises.look(&real).await {
                tracing::warn!(%problem, "an exercise did not go on; trying again");
            }
        }
    }

    async fn look(&self, real: &App) -> Result<(), Problem> {
        if self.open_ones().is_empty() {
            return Ok(());
        }
        let _acting = self.acting.lock().await;
        let now = real.clock.now();
        let standing = real.view.standing();
        for kept in self.open_ones() {
            let way = kept.gives_way_to(&standing, &real.installation.city);
            if let Some(warning) = way {
                tracing::warn!(exercise = kept.id, warning = %warning.id, "an exercise gives way");
                let person = kept.person.clone();
                self.finish(kept, DrillEnd::Interrupted, &person).await?;
            } else if kept.ends <= now {
                // Its zones end it by themselves.
                self.store(&kept.over_at(kept.ends, DrillEnd::Time)).await?;
            } else if kept.state() == State::Planned && kept.starts <= now {
                self.begin(kept, now).await?;
            }
        }
        Ok(())
    }

    async fn begin(&self, kept: Kept, now: Time) -> Result<(), Problem> {
        let by_zone = self.world.by_zone(&kept.areas);
        let mut kept = kept;
        let drill = |areas| Drill {
            exercise: kept.id.clone(),
            name: kept.name.clone(),
            hazard: kept.hazard,
            areas,
            people: kept.people.clone(),
            devices: kept.devices.clone(),
            until: kept.ends,
            person: kept.person.clone(),
        };
        let orders = by_zone.into_iter();
        let orders = orders.map(|(zone, areas)| (zone, Order::Drill(Box::new(drill(areas)))));
        let acted = self.world.orders(orders.collect()).await?;
        kept.begun = Some(now);
        if let Some(why) = acted.refused_everywhere() {
            tracing::error!(exercise = kept.id, why, "an exercise was not begun");
            kept.failed = Some(why);
            kept.over = Some((now, DrillEnd::Time));
        }
        self.store(&kept).await
    }

    /// Ends one: its zones take back what it opened and tell whoever was told.
    async fn finish(&self, kept: Kept, end: DrillEnd, person: &str) -> Result<(), Problem> {
        if kept.begun.is_some() {
            let over = |zone: Zone| {
                let order = Order::DrillOver {
                    exercise: kept.id.clone(),
                    end,
                    person: person.to_owned(),
                };
                (zone, order)
            };
            let zones = self.zones_of(kept.areas.keys()).into_iter();
            // A zone where it is over already refuses: that is what was wanted.
            drop(self.world.orders(zones.map(over).collect()).await?);
        }
        let now = self.world.clock.now();
        self.store(&kept.over_at(now, end)).await
    }

    async fn store(&self, kept: &Kept) -> Result<(), Problem> {
        let now = self.world.clock.now();
        let mut batch = Batch::new(now.millis(), Priority::Vital);
        batch.append(
            topic(),
            registry::PARTITION,
            registry::EXERCISE,
            &slot_key(kept.slot),
            &kept.encode(),
        );
        self.world.journal.submit(batch)?.await?;
        let mut all = self.kept.lock();
        all.retain(|of| of.slot != kept.slot);
        all.push(kept.clone());
        all.sort_by_key(|of| of.made);
        Ok(())
    }

    /// A place for one more: a free one, else that of the oldest that is over.
    fn room(&self) -> Option<usize> {
        let all = self.kept.lock();
        let free = (0..KEPT_MAX).find(|slot| all.iter().all(|of| of.slot != *slot));
        let over = || all.iter().find(|of| of.state() == State::Over);
        free.or_else(|| over().map(|of| of.slot))
    }

    fn open_ones(&self) -> Vec<Kept> {
        let all = self.kept.lock();
        let open = all.iter().filter(|of| of.state() != State::Over);
        open.cloned().collect()
    }

    /// The zones of some areas.
    pub(crate) fn zones_of<'a>(&self, areas: impl Iterator<Item = &'a AreaCode>) -> BTreeSet<Zone> {
        let city = &self.world.installation.city;
        areas
            .filter_map(|code| Some(city.zone_of(city.area_no(*code)?)))
            .collect()
    }
}

impl Kept {
    /// The real warning, in force or put forward, that ends it: any in its own areas, orange and red in
    /// their whole district (semantics §9).
    fn gives_way_to<'a>(
        &self,
        standing: &'a [Arc<Warning>],
        city: &model::City,
    ) -> Option<&'a Arc<Warning>> {
        let own: Vec<_> = self.areas.keys().filter_map(|c| city.area_no(*c)).collect();
        let ends = |warning: &&Arc<Warning>| {
            let areas = warning.areas.iter();
            let mut areas = areas.map(|(code, of)| (city.area_no(*code), of.tier.max(of.reached)));
            areas.any(|(area, tier)| {
                let Some(area) = area.filter(|_| tier > Tier::None) else {
                    return false;
                };
                own.iter().any(|own| {
                    let is_there = city.is_within(area, *own) || city.is_within(*own, area);
                    let is_near = city.zone_of(area) == city.zone_of(*own);
                    is_there || (is_near && tier >= Tier::Orange)
                })
            })
        };
        standing.iter().find(ends)
    }
}

impl App {
    /// Counts what a gate of exercises kept back.
    pub(crate) fn withheld(&self, gate: Gate, channel: Channel, count: u64) {
        if count > 0 {
            let labels = [gate.name(), channel.name()];
            let metric = self.metrics.withheld.with_label_values(&labels);
            metric.inc_by(count);
        }
    }

    /// The other world: of exercises beside the real one, and the other way round.
    fn other(&self) -> Option<Arc<Self>> {
        let world = self.exercises.as_ref().map(|of| Arc::clone(&of.world));
        let real = || self.drills.as_ref()?.real.get()?.upgrade();
        world.or_else(real)
    }

    /// What somebody wrote back to a number that both worlds use. It is an exercise's as long as one of
    /// its calls waits for that person: no real ladder stops by a word that may have been meant for an
    /// exercise; whoever is asked by both is asked again by the real one. A call for help is heard in
    /// both.
    pub(crate) fn answers_over_worlds(
        &self,
        is_them: impl Fn(&&Contact) -> bool,
        reply: &Reply<'_>,
    ) -> Vec<(Mode, Vec<(Zone, Order)>)> {
        let own = (self.mode, self.answers(&is_them, reply));
        let Some(other) = self.other() else {
            return keep_asked(vec![own]);
        };
        let others = (other.mode, other.answers(&is_them, reply));
        let (mut drill, mut real) = if self.mode == Mode::Exercise {
            (own, others)
        } else {
            (others, own)
        };
        let waits = |(_, order): &(Zone, Order)| {
            let Order::Answer {
                warning, contact, ..
            } = order
            else {
                return false;
            };
            self.exercise_waits_for(*warning, contact)
        };
        drill.1.retain(waits);
        if !drill.1.is_empty() && reply.answer != Answer::NeedsHelp {
            real.1.clear();
        }
        keep_asked(vec![drill, real])
    }

    /// Whether a call of an exercise has no word of that person yet.
    fn exercise_waits_for(&self, warning: model::WarningId, contact: &str) -> bool {
        let waits = |app: &Self| {
            let is_open = |call: &dispatch::ladder::Call| {
                call.warning == warning && call.answers.iter().all(|said| said.contact != contact)
            };
            !app.view.calls_where(is_open).is_empty()
        };
        match &self.exercises {
            Some(exercises) => waits(&exercises.world),
            None => waits(self),
        }
    }
}

fn keep_asked(worlds: Vec<(Mode, Vec<(Zone, Order)>)>) -> Vec<(Mode, Vec<(Zone, Order)>)> {
    let asked = worlds.into_iter().filter(|(_, orders)| !orders.is_empty());
    asked.collect()
}

fn topic() -> Topic {
    Topic::new(Kind::Registry, Mode::Exercise)
}

fn slot_key(slot: usize) -> Vec<u8> {
    format!("exercise/{slot}").into_bytes()
}

/// An id that a replay would give too.
fn id_of(plan: &Plan, person: &str, now: Time) -> String {
    let text = format!(
        "sanfang/exercise/1\n{}\n{person}\n{}",
        plan.name,
        now.millis()
    );
    let mut id = hex::encode(Sha256::digest(text.as_bytes()));
    id.truncate(12);
    id
}
