//! The run of one seed: nodes, owners, clocks, people and the far side, one step after another.

use super::audit::{Audit, signature};
use super::carrier::{Carrier, Sessions};
use super::log::{Fate, Hold, Log, Place, Writer};
use super::mirror::Mirror;
use super::node;
use super::people::{self, Act};
use super::plant::Plant;
use super::posts::{Post, Posts};
use super::random::Random;
use super::silences::{misheard, outlasting};
use super::table::Table;
use crate::app::{App, Period};
use crate::courier::{Courier, Sms};
use crate::pump::Pump;
use crate::questions::Asked;
use journal::Journal;
use model::{Order, Span, Time, Zone};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// 2023-09-07T12:00+08:00.
const NOON: Time = Time::from_minute(28_234_320);
const NODES: usize = 3;
const STEPS: usize = 700;

/// A process.
pub(super) struct Node {
    pub(super) id: u64,
    pub(super) app: Arc<App>,
    /// How far its clock is off.
    pub(super) skew: Span,
}

/// What has a place in hand; one that lost it may not know yet.
pub(super) struct Owner {
    pub(super) hold: Hold,
    pub(super) slot: usize,
    pub(super) work: Work,
}

/// Its loop, to be gone through a round at a time.
pub(super) enum Work {
    Zone(Box<Pump>, Asked),
    Sms(Box<Sms>, Sessions),
    Mail(Box<Courier>),
    Absent(Box<Courier>),
}

/// One run.
pub(super) struct World {
    pub(super) random: Random,
    pub(super) plant: Option<Plant>,
    pub(super) log: Arc<Log>,
    pub(super) runtime: Runtime,
    pub(super) audit: Audit,
    pub(super) carrier: Carrier,
    pub(super) table: Table,
    pub(super) nodes: Vec<Option<Node>>,
    pub(super) owners: Vec<Owner>,
    pub(super) now: Time,
    /// The latest time that any clock showed.
    pub(super) latest: Time,
    pub(super) posts: Posts,
    acts: Vec<JoinHandle<()>>,
    places: Vec<Place>,
    /// Chances of those who silence rules; seeds that failed before there were any go on without.
    silencing: Option<Random>,
    snapshots: Period,
    started: u64,
    /// Owners of which a commit failed: they end with it.
    pub(super) broken: BTreeSet<Hold>,
    pub(super) is_calm: bool,
    pub(super) late: Vec<(usize, super::carrier::Message)>,
}

/// What a run came to.
pub(super) struct Report {
    pub(super) table: Table,
    pub(super) digest: u64,
    pub(super) messages: usize,
    pub(super) warnings: usize,
}

/// Runs a seed to its end; an error says at which step what did not hold.
pub(super) fn run(seed: u64, plant: Option<Plant>) -> Result<Report, String> {
    let mut world =
        World::new(seed, plant).map_err(|what| format!("seed {seed}, start: {what}"))?;
    for step in 0..STEPS {
        let done = world.step().and_then(|()| world.settle());
        done.map_err(|what| format!("seed {seed}, step {step}: {what}"))?;
    }
    world
        .quiet()
        .map_err(|what| format!("seed {seed}, quiet: {what}"))?;
    Ok(Report {
        digest: world.audit.digest(),
        messages: world.carrier.heard.len(),
        warnings: world.audit.warnings.len(),
        table: std::mem::take(&mut world.table),
    })
}

impl World {
    fn new(seed: u64, plant: Option<Plant>) -> Result<Self, String> {
        let mut random = Random::new(seed);
        let runtime = Builder::new_current_thread().build().unwrap();
        let mirror = Mirror::new(&runtime, NOON);
        let places = mirror.places();
        let snapshots = Period {
            every: Span::from_minutes(20),
            inputs: 3 + random.below(30) as u64,
            at_stop: true,
        };
        let mut world = Self {
            random,
            plant,
            log: Log::new(plant),
            runtime,
            audit: Audit::new(mirror),
            carrier: Carrier::default(),
            table: Table::default(),
            nodes: Vec::new(),
            owners: Vec::new(),
            now: NOON,
            latest: NOON,
            posts: Posts::default(),
            acts: Vec::new(),
            places,
            silencing: (!super::kept().any(|kept| kept == seed)).then(|| Random::new(!seed)),
            snapshots,
            started: 0,
            broken: BTreeSet::new(),
            is_calm: false,
            late: Vec::new(),
        };
        for slot in 0..NODES {
            world.nodes.push(None);
            world.start(slot)?;
        }
        for place in world.places.clone() {
            let slot = world.random.below(NODES);
            world.open(place, slot)?;
        }
        world.settle()?;
        Ok(world)
    }

    /// One thing happens.
    fn step(&mut self) -> Result<(), String> {
        match self.random.below(1000) {
            0..60 => self.pass(),
            60..220 => self.round_of(true),
            220..400 => self.round_of(false),
            400..620 => self.commit(),
            620..780 => self.answer(),
            780..820 => self.receipt(),
            820..900 => self.act(),
            900..950 => {
                self.send();
                Ok(())
            }
            950..970 => self.shift(),
            970..978 => self.crash(),
            978..984 => self.skew(),
            984..990 => self.link_down(),
            990..996 => {
                self.log.full(self.random.one_in(3));
                Ok(())
            }
            _ => self.restart(),
        }
    }

    /// What was stored is read, who asked is answered.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        self.runtime.block_on(async {
            for _ in 0..6 {
                tokio::task::yield_now().await;
            }
        });
        let (fenced, full) = self.log.refused();
        for step in fenced {
            self.table.met("fenced", step);
        }
        for step in full {
            self.table.met("full", step);
        }
        self.audit.take(self.log.stored())?;
        for how in std::mem::take(&mut self.audit.silences.told) {
            self.table.met("told after a silence", how);
        }
        self.acts.retain(|act| !act.is_finished());
        let (runtime, audit) = (&self.runtime, &self.audit);
        self.posts
            .finish(runtime, &mut self.table, |rows| audit.holds(rows))
    }

    /// Time goes on, at each whole minute the gauges report.
    pub(super) fn pass(&mut self) -> Result<(), String> {
        let seconds = 1 + self.random.below(50) as i64;
        self.pass_by(Span::from_seconds(seconds))?;
        for (at, message) in std::mem::take(&mut self.late) {
            self.hand_over(at, message)?;
        }
        self.silence();
        Ok(())
    }

    /// Now and then somebody silences a rule, or lets one speak, through any node.
    fn silence(&mut self) {
        let Some(mut random) = self.silencing.take() else {
            return;
        };
        let live: Vec<Arc<App>> = self.live().map(|(_, node)| Arc::clone(&node.app)).collect();
        if random.one_in(4)
            && let Some(app) = random.of(&live)
            && let Some(mut act) = self.audit.silences.act(self.now, &mut random)
        {
            let twice = random.one_in(8);
            self.table
                .met(if twice { "twice" } else { act.seen }, act.name);
            match self.plant {
                Some(Plant::MuteMisheard) => act.order = misheard(&act.order),
                Some(Plant::MuteOutlasts) => act.order = outlasting(&act.order),
                Some(_) | None => {}
            }
            for _ in 0..if twice { 2 } else { 1 } {
                self.note(Arc::clone(app), vec![(act.zone, act.order.clone())]);
            }
        }
        self.silencing = Some(random);
    }

    pub(super) fn pass_by(&mut self, span: Span) -> Result<(), String> {
        let before = self.now.minute();
        self.now = self.now + span;
        for minute in before + 1..=self.now.minute() {
            let time = Time::from_minute(minute);
            self.posts.report(time, &mut self.random, &mut self.table);
        }
        for node in self.nodes.iter().flatten() {
            let shows = self.now + node.skew;
            node.app.clock.put(shows);
            self.latest = self.latest.max(shows);
        }
        Ok(())
    }

    /// A zone or a link goes through its loop once.
    fn round_of(&mut self, zone: bool) -> Result<(), String> {
        // What only refuses has less to do.
        let also_absent = self.random.one_in(4);
        let is_one = |owner: &Owner| match owner.work {
            Work::Zone(..) => zone,
            Work::Sms(..) | Work::Mail(_) => !zone,
            Work::Absent(_) => !zone && also_absent,
        };
        let all: Vec<usize> = (0..self.owners.len())
            .filter(|at| self.owners.get(*at).is_some_and(is_one))
            .collect();
        let Some(at) = self.random.of(&all).copied() else {
            return Ok(());
        };
        let fates = [Fate::Refused, Fate::Unclear, Fate::Lost, Fate::Unanswered];
        if zone && self.random.one_in(12) {
            let fate = self.random.of(&fates).copied();
            self.log.tick(fate.unwrap_or(Fate::Refused));
        }
        let owner = self.owners.get(at).map(|owner| (owner.hold, owner.slot));
        let done = self.go_through(at);
        if let (Some((hold, slot)), Some(fate)) = (owner, self.log.ticked()) {
            let is_owner = self.log.is_owner(hold);
            self.decided(Some("tick"), fate, Some(hold), is_owner);
            if matches!(fate, Fate::Lost | Fate::Unanswered) {
                self.crash_of(slot)?;
            }
        }
        self.ended(done)
    }

    /// The oldest batch of somebody is stored, or not.
    fn commit(&mut self) -> Result<(), String> {
        let writers = self.log.writers();
        let Some(writer) = self.random.of(&writers).copied() else {
            return Ok(());
        };
        let fate = match self.random.below(60) {
            0 => Fate::Refused,
            1 => Fate::Unclear,
            _ => Fate::Stored,
        };
        self.decide(writer, fate);
        Ok(())
    }

    pub(super) fn decide(&mut self, writer: Writer, fate: Fate) {
        let is_owner = writer.hold.is_none_or(|hold| self.log.is_owner(hold));
        let step = self.log.decide(writer, fate);
        self.decided(step, fate, writer.hold, is_owner);
    }

    fn decided(
        &mut self,
        step: Option<&'static str>,
        fate: Fate,
        hold: Option<Hold>,
        is_owner: bool,
    ) {
        let name = match fate {
            Fate::Stored => None,
            Fate::Refused => Some("refused"),
            Fate::Unclear => Some("outcome unclear"),
            Fate::Unanswered => Some("crash after it is stored"),
            Fate::Lost => Some("crash before it is stored"),
        };
        if let (Some(step), Some(name), true) = (step, name, is_owner) {
            self.table.met(name, step);
        }
        if (fate != Fate::Stored || !is_owner)
            && let Some(hold) = hold
        {
            self.broken.insert(hold);
        }
    }

    /// Somebody acts, through any node.
    fn act(&mut self) -> Result<(), String> {
        let Some(act) = people::act(&self.audit, &mut self.random) else {
            return Ok(());
        };
        let twice = self.random.one_in(12);
        self.table
            .met(if twice { "twice" } else { act.seen }, act.name);
        self.ask(&act);
        if twice {
            self.ask(&act);
        }
        Ok(())
    }

    pub(super) fn ask(&mut self, act: &Act) {
        let live: Vec<Arc<App>> = self.live().map(|(_, node)| Arc::clone(&node.app)).collect();
        let Some(app) = self.random.of(&live).cloned() else {
            return;
        };
        self.audit.signed.extend(signature(&act.order));
        if let Order::Issue { person, .. } = &act.order {
            self.audit.issuers.insert(person.clone());
        }
        let mut orders = vec![(act.zone, act.order.clone())];
        if let (Some(Plant::SignatureForged), Some(forged)) =
            (self.plant, people::forged(&act.order))
        {
            orders.push((act.zone, forged));
        }
        self.note(app, orders);
    }

    fn note(&mut self, app: Arc<App>, orders: Vec<(Zone, Order)>) {
        let asked = self.runtime.spawn(async move {
            // Refused or lost: whoever acts sees that nothing came of it.
            drop(app.note(orders).await);
        });
        self.acts.push(asked);
    }

    /// A sender posts what is due, to any node.
    pub(super) fn send(&mut self) {
        let live: Vec<(u64, Arc<App>)> = self
            .live()
            .map(|(_, node)| (node.id, Arc::clone(&node.app)))
            .collect();
        let due = self.posts.due(self.now, &mut self.random);
        let (Some((node, app)), Some(post)) = (self.random.of(&live).cloned(), due) else {
            return;
        };
        let Post { body, key, .. } = post.clone();
        let taken = self.runtime.spawn(async move {
            let key = key.as_deref();
            let taken = app.intake.take("test", None, key, body).await;
            taken.map_err(|error| error.to_string())
        });
        self.posts.sent(post, node, taken);
    }

    /// A clock is put forward or back.
    fn skew(&mut self) -> Result<(), String> {
        let slot = self.random.below(NODES);
        let minutes = [-12, -3, 0, 0, 2, 7, 40, 130];
        let minutes = self.random.of(&minutes).copied().unwrap_or(0);
        let states: Vec<&'static str> = self
            .owners
            .iter()
            .filter(|owner| owner.slot == slot)
            .map(|owner| self.state_of(owner))
            .collect();
        let Some(node) = self.nodes.get_mut(slot).and_then(Option::as_mut) else {
            return Ok(());
        };
        let skew = Span::from_minutes(minutes);
        let name = if skew > node.skew {
            "clock forward"
        } else {
            "clock back"
        };
        if skew != node.skew {
            for state in states {
                self.table.met(name, state);
            }
        }
        node.skew = skew;
        self.pass_by(Span::ZERO)
    }

    pub(super) fn live(&self) -> impl Iterator<Item = (usize, &Node)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(|(slot, node)| Some((slot, node.as_ref()?)))
    }

    /// What an owner is doing.
    pub(super) fn state_of(&self, owner: &Owner) -> &'static str {
        let node = self.nodes.get(owner.slot).and_then(Option::as_ref);
        let writer = Writer {
            node: node.map_or(0, |node| node.id),
            hold: Some(owner.hold),
        };
        let commits = self.log.queued(writer) > 0;
        let mut flying = self.carrier.flying.iter();
        let sends = flying.any(|message| message.hold == owner.hold);
        match owner.hold.place {
            Place::Zone(_) if commits => "zone committing",
            Place::Zone(_) => "zone at rest now",
            Place::Link(_) if sends => "link sending",
            Place::Link(_) if commits => "link committing",
            Place::Link(_) => "link at rest now",
        }
    }

    /// A process starts in a free slot.
    pub(super) fn start(&mut self, slot: usize) -> Result<(), String> {
        self.started += 1;
        let id = self.started;
        let journal: Arc<dyn Journal> = self.log.port(id);
        self.log.calm(true);
        let app = self
            .runtime
            .block_on(node::start(journal, self.now, self.snapshots));
        self.log.calm(self.is_calm);
        self.audit.take(self.log.stored())?;
        if let Some(place) = self.nodes.get_mut(slot) {
            *place = Some(Node {
                id,
                app,
                skew: Span::ZERO,
            });
        }
        Ok(())
    }

    /// Places that nobody holds.
    pub(super) fn free(&self) -> Vec<Place> {
        let is_held = |place: &Place| {
            let mut owners = self.owners.iter();
            owners.any(|owner| owner.hold.place == *place && self.log.is_owner(owner.hold))
        };
        let places = self.places.iter().copied();
        places.filter(|place| !is_held(place)).collect()
    }

    /// A node that is down starts, or somebody takes what nobody holds.
    fn restart(&mut self) -> Result<(), String> {
        if let Some(slot) = self.nodes.iter().position(Option::is_none) {
            self.start(slot)?;
        }
        self.claim()
    }

    /// Somebody takes what nobody holds.
    pub(super) fn claim(&mut self) -> Result<(), String> {
        for place in self.free() {
            let live: Vec<usize> = self.live().map(|(slot, _)| slot).collect();
            if let Some(slot) = self.random.of(&live).copied() {
                self.open(place, slot)?;
            }
        }
        Ok(())
    }
}
