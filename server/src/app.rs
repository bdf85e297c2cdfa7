//! The running process: what the loops and the API share.

use crate::accounts::{Accounts, LastPhone};
use crate::answer_links::AnswerLinks;
use crate::api::Problem;
use crate::clock::Clock;
use crate::config::KeptSeries;
use crate::edge::Edge;
use crate::exercises::{Drills, Exercises};
use crate::installation::Installation;
use crate::intake::Intake;
use crate::latency::Latency;
use crate::metrics::Metrics;
use crate::outcome::Outcomes;
use crate::peers::Peers;
use crate::people::People;
use crate::questions::Unanswered;
use crate::registry::Registry;
use crate::reload::Reload;
use crate::roles::Roles;
use crate::screens::Screens;
use crate::subscriptions::Subscriptions;
use crate::view::{Lapsed, View};
use crate::zones::{Standing, Zones};
use dispatch::directory::Missed;
use dispatch::gateway::sms::Day;
use dispatch::intent::{Audience, Intent, RecipientNo};
use dispatch::ledger::Retired;
use dispatch::plan::Planner;
use dispatch::preview::{Heads, Reached, Sms, preview};
use journal::{
    Batch, Consumer, DiskJournal, Journal, JournalError, KafkaJournal, Kind, Partition, Topic,
};
use model::{
    AreaCode, Channel, Input, Mode, Order, Parameter, Reach, Span, StationNo, Tier, Warning,
    WarningId, Zone,
};
use parking_lot::{Mutex, RwLock};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::watch;

/// The consumer that steps zones.
pub(crate) const RULES: Consumer = Consumer(1);
/// The consumer that owns links.
pub(crate) const DISPATCH: Consumer = Consumer(2);

/// How far two snapshots may be apart: whichever comes first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    /// Record time.
    pub(crate) every: Span,
    /// Inputs stepped, each observation counted.
    pub(crate) inputs: u64,
    /// Whether each zone takes a last one at a clean stop.
    pub(crate) at_stop: bool,
}

/// What the loops and the API share.
pub(crate) struct App {
    /// The city and everything loaded with it at the start. The rulebook in force is that of `reload`.
    pub(crate) installation: Arc<Installation>,
    /// The event log.
    pub(crate) journal: Arc<dyn Journal>,
    /// The journal's own figures, where it is on disk.
    pub(crate) disk: Option<Arc<DiskJournal>>,
    /// The same, where it is on Kafka.
    pub(crate) kafka: Option<Arc<KafkaJournal>>,
    /// Free space below which observations are refused.
    pub(crate) reserve_bytes: u64,
    /// Where record times come from.
    pub(crate) clock: Clock,
    /// Which world this process serves.
    pub(crate) mode: Mode,
    /// Whether proposals wait for people.
    pub(crate) policy: rules::Policy,
    /// How far snapshots may be apart.
    pub(crate) snapshots: Period,
    /// What is in force, and was.
    pub(crate) registry: Registry,
    /// The rulebook in force, and how another one comes to be.
    pub(crate) reload: Reload,
    /// The recipients' directory as it stands.
    pub(crate) living: crate::living::Living,
    /// How far back the windows of a rulebook may reach.
    pub(crate) series: KeptSeries,
    /// Whether observations are taken without a token.
    pub(crate) open_intake: bool,
    /// Who may act.
    pub(crate) people: People,
    /// Where no registered station sees what the rulebook in force speaks of.
    pub(crate) unseen: crate::silence::Unseen,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// From observation to wire.
    pub(crate) latency: Arc<Latency>,
    /// What the screens show.
    pub(crate) view: View,
    /// What became of orders.
    pub(crate) outcomes: Outcomes,
    /// Observations in.
    pub(crate) intake: Intake,
    /// Held while a signal is being stored: meanwhile the same one is neither news nor known.
    pub(crate) storing_signal: tokio::sync::Mutex<()>,
    /// Held while somebody's question is looked up in the journal: one at a time.
    pub(crate) audits: Arc<tokio::sync::Semaphore>,
    /// Sources of state bulletins.
    pub(crate) bulletins: Vec<crate::bulletins::Feed>,
    /// The state of base stations, where carriers put it into a file.
    pub(crate) base_stations: crate::gaps::StationsFile,
    /// Links by name, in partition order; empty where one is no longer configured.
    pub(crate) links: Vec<String>,
    /// Targets of area jobs by link, to be asked before anything is signed.
    pub(crate) area_links: Vec<(String, Arc<crate::courier::Carrier>)>,
    /// Accounts at carriers, and what each took today.
    pub(crate) accounts: Accounts,
    /// What is open at the listener.
    pub(crate) edge: Edge,
    /// Those of them that stand in for links the configuration does not give.
    pub(crate) absent: BTreeSet<String>,
    /// Subscribed apps.
    pub(crate) push: Arc<dispatch::gateway::push::Hub>,
    /// Subscriptions of browsers, where Web Push is configured.
    pub(crate) subscriptions: Option<Subscriptions>,
    /// Push tokens that their services will never take again, by link.
    pub(crate) retired: Mutex<BTreeMap<Partition, Vec<(RecipientNo, Retired)>>>,
    /// Address others reach the CAP feed under.
    pub(crate) public_url: String,
    /// Links by which mails are answered.
    pub(crate) answer_links: AnswerLinks,
    /// What this process relays, where it is a carrier's or a platform's.
    pub(crate) relay: Option<crate::relay::Relay>,
    /// CAP documents by file name, newest last.
    pub(crate) cap: crate::capbook::CapBook,
    /// What this process does.
    pub(crate) roles: Roles,
    /// How each zone stands here.
    pub(crate) zones: Zones,
    /// Numbers of the links that are served here.
    pub(crate) serving: RwLock<BTreeSet<usize>>,
    /// How far what zones and links say is followed.
    pub(crate) screens: Screens,
    /// The other processes, where there can be any.
    pub(crate) peers: Option<Peers>,
    /// The world of exercises beside this one, where the configuration gives one.
    pub(crate) exercises: Option<Exercises>,
    /// Where this is that world: who it may tell, and the real one beside it.
    pub(crate) drills: Option<Drills>,
    /// Set once to end all loops.
    pub(crate) stop: watch::Sender<bool>,
    /// Why the process must end, once something failed.
    pub(crate) failure: Mutex<Option<String>>,
}

/// Adds an order to the input of its zone in a world.
pub(crate) fn put_order(mode: Mode, zone: Zone, order: Order, batch: &mut Batch) {
    let input = Topic::new(Kind::Input, mode);
    let entry = Input::Order(Box::new(order));
    batch.append(input, Partition(zone.0), entry.kind(), &[], &entry.encode());
}

/// Seconds until the last phone of all accounts rings; nothing where one that tells somebody has no rate,
/// or where there is none.
fn whole(accounts: &[LastPhone]) -> Option<u64> {
    let telling = accounts
        .iter()
        .filter(|of| of.heads > 0 || of.pace_per_s > 0);
    let each: Option<Vec<u64>> = telling.map(|of| of.last_phone_s).collect();
    each?.into_iter().max()
}

impl App {
    /// True once the loops should end.
    pub(crate) fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until the loops should end.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender is ours: it cannot be gone.
        drop(stop.wait_for(|stop| *stop).await);
    }

    /// Whether a link of the configuration has that name.
    pub(crate) fn is_served(&self, link: &str) -> bool {
        !self.absent.contains(link) && self.links.iter().any(|name| name == link)
    }

    /// Ends the process with a reason: the first one is kept.
    pub(crate) fn fail(&self, why: String) {
        tracing::error!(%why, "stopping");
        self.failure.lock().get_or_insert(why);
        self.stop.send_replace(true);
    }

    /// Why the process is not healthy.
    pub(crate) fn fault(&self) -> Option<String> {
        let failed = self.failure.lock().clone();
        failed.or_else(|| {
            let disk = self.disk.as_ref().and_then(|disk| disk.failure());
            let kafka = self.kafka.as_ref().and_then(|kafka| kafka.failure());
            disk.or(kafka).map(|error| error.to_string())
        })
    }

    /// Rules in force that no test case plays: those of the city directory, which is served as it is.
    /// What was put forward since has been judged.
    pub(crate) fn untested(&self) -> &[String] {
        let installation = &self.installation;
        match self.reload.rulebook().hash() == installation.rulebook.hash() {
            true => &installation.untested,
            false => &[],
        }
    }

    /// How many rules are silenced, in all and by rule.
    fn gauge_mutes(&self) {
        let mutes = self.view.mutes();
        let count = |mutes: usize| i64::try_from(mutes).unwrap_or(i64::MAX);
        self.metrics.rules_muted.set(count(mutes.len()));
        let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, mute) in &mutes {
            *by_rule.entry(&mute.rule).or_default() += 1;
        }
        let mut shown = self.metrics.rules_shown_muted.lock();
        // A rule that speaks again has no series any more.
        for rule in shown.extract_if(.., |rule| !by_rule.contains_key(rule.as_str())) {
            drop(self.metrics.rule_muted.remove_label_values(&[&rule]));
        }
        for (rule, places) in by_rule {
            let of_rule = self.metrics.rule_muted.with_label_values(&[rule]);
            of_rule.set(count(places));
            shown.insert(rule.to_owned());
        }
    }

    /// True while the disk is full: nothing is acknowledged.
    pub(crate) fn out_of_space(&self) -> bool {
        let disk = self.disk.as_ref();
        disk.is_some_and(|disk| disk.statistics().out_of_space)
    }

    /// A zone cannot be stepped by this version; the others go on.
    pub(crate) fn stuck(&self, zone: Zone, why: &str) {
        let code = self.zone_code(zone).to_string();
        tracing::error!(zone = code, why, "stopped");
        self.zones.stand(zone, Standing::Stuck);
    }

    /// Whether a link is served here.
    pub(crate) fn serves_link(&self, number: usize) -> bool {
        self.serving.read().contains(&number)
    }

    /// Inputs that the zone's machine has not stepped.
    ///
    /// # Errors
    /// A journal that does not answer.
    pub(crate) fn lag(&self, zone: usize) -> Result<u64, JournalError> {
        let input = Topic::new(Kind::Input, self.mode);
        let partition = Partition(zone as u16);
        let end = match &self.kafka {
            // As far as it is known here: nobody who looks at metrics waits for brokers.
            Some(kafka) => kafka.subscribe(input, partition).borrow().0,
            None => self.journal.end(input, partition)?.0,
        };
        let next = self.zones.stepped(Zone(zone as u16));
        Ok(end.saturating_sub(next))
    }

    /// The area code a zone stands for.
    pub(crate) fn zone_code(&self, zone: Zone) -> AreaCode {
        self.installation.city.zone_code(zone)
    }

    /// The zone a warning was made in.
    pub(crate) fn zone_of(&self, id: WarningId) -> Result<Zone, Problem> {
        let warning = self.view.original(id);
        let city = &self.installation.city;
        warning
            .and_then(|warning| city.area_no(warning.zone))
            .map(|area| city.zone_of(area))
            .ok_or_else(|| Problem::not_found(format!("no warning {id}; see /v1/warnings")))
    }

    /// The zone a station or site belongs to.
    pub(crate) fn zone_of_subject(&self, subject: &str) -> Result<Zone, Problem> {
        let city = &self.installation.city;
        let site = city
            .site_no(subject)
            .and_then(|no| city.sites.get(no.0 as usize));
        let station = city
            .station_no(subject)
            .and_then(|no| city.stations.get(no.0 as usize));
        site.map(|s| s.area)
            .or_else(|| station.map(|s| s.area))
            .map(|area| city.zone_of(area))
            .ok_or_else(|| Problem::not_found(format!("no station or site {subject}")))
    }

    /// Areas and tiers by the zone each area belongs to.
    pub(crate) fn by_zone(
        &self,
        areas: &BTreeMap<AreaCode, Tier>,
    ) -> BTreeMap<Zone, BTreeMap<AreaCode, Tier>> {
        let city = &self.installation.city;
        let mut zones: BTreeMap<Zone, BTreeMap<AreaCode, Tier>> = BTreeMap::new();
        for (code, tier) in areas {
            if let Some(area) = city.area_no(*code) {
                zones
                    .entry(city.zone_of(area))
                    .or_default()
                    .insert(*code, *tier);
            }
        }
        zones
    }

    /// Adds orders to the input of their zones.
    pub(crate) fn put_orders(&self, orders: Vec<(Zone, Order)>, batch: &mut Batch) {
        for (zone, order) in orders {
            put_order(self.mode, zone, order, batch);
        }
    }

    /// Whom a release would tell now, with which words: who was told already and hears nothing new
    /// is not counted. `told` is the zone's, by [`App::told`]; without it everybody is counted, and
    /// the answer says so.
    pub(crate) fn preview(
        &self,
        told: Option<&Planner>,
        warning: &Warning,
    ) -> (serde_json::Value, Vec<Intent>) {
        let installation = &self.installation;
        let (city, directory) = (&installation.city, self.directory());
        let public = RefCell::new((BTreeSet::new(), BTreeSet::new()));
        let count = |audience: &Audience, channel: Channel| -> Vec<Heads> {
            if audience.reach == Reach::Public {
                let (areas, channels) = &mut *public.borrow_mut();
                areas.extend(audience.areas.iter().copied());
                channels.insert(channel);
            }
            let preview = directory
                .preview_by(city, audience, &[channel], self.accounts.sorter())
                .unwrap_or_default();
            let heads = preview.heads.iter().filter_map(|head| {
                Some(Heads {
                    township: city.area(head.area)?.code,
                    language: head.language,
                    account: head.account,
                    heads: head.people,
                })
            });
            heads.collect()
        };
        let now = self.clock.now();
        let everybody = told.is_none();
        let nobody = Planner::default();
        let told = told.unwrap_or(&nobody);
        let day = Day::of(now, city.offset_at(now));
        let accounts = self.accounts.on(day);
        let sms = Sms {
            accounts: &accounts,
            day,
        };
        let preview = preview(told, now, warning, &installation.desk(), sms, count);
        let mut heads: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        let mut townships: BTreeMap<AreaCode, u64> = BTreeMap::new();
        let (mut texts, mut segments) = (BTreeMap::new(), BTreeMap::new());
        for reached in &preview.reached {
            let languages = heads.entry(reached.channel.name()).or_default();
            for (language, count) in &reached.by_language {
                *languages.entry(language.tag()).or_default() += count;
            }
            if reached.channel == Channel::Sms {
                for (township, count) in &reached.by_township {
                    *townships.entry(*township).or_default() += count;
                }
            }
            if reached.channel == Channel::Sms && reached.reach == Reach::Public {
                for message in &reached.words {
                    texts.entry(message.language.tag()).or_insert(&message.text);
                }
                for (language, parts) in &reached.parts {
                    segments.entry(language.tag()).or_insert(*parts);
                }
            }
        }
        let townships: Vec<_> = townships
            .iter()
            .map(|(code, heads)| serde_json::json!({ "code": code, "heads": heads }))
            .collect();
        let public = public.into_inner();
        let missed = self.unreachable(&public);
        let last_phones = self.last_phones(warning.tier(), &preview.reached);
        let counted = serde_json::json!({
            "heads": heads,
            "everybody": everybody,
            "townships": townships,
            "unreachable": missed.values().sum::<u64>(),
            "unreachable_by": missed,
            "texts": texts,
            "segments": segments,
            "remarks": preview.remarks,
            "unsendable": preview.unsendable,
            "objections": self.objections(warning),
            "interrupted": preview.interrupted,
            "last_phone_s": whole(&last_phones),
            "last_phones": last_phones,
        });
        (counted, preview.jobs)
    }

    /// When the last phone of each of our own accounts rings, with what is ahead of it at its link.
    fn last_phones(&self, tier: Tier, reached: &[Reached]) -> Vec<LastPhone> {
        let rows = self.view.deliveries();
        let ahead = |link: &str| {
            let rows = rows
                .iter()
                .filter(|row| row.link == link && row.tier >= tier && row.finished.is_none());
            let left = rows.map(|row| row.planned.saturating_sub(row.sent));
            left.fold(0, u64::saturating_add)
        };
        self.accounts.last_phones(reached, ahead)
    }

    /// Refuses a signature under a short message to the public that no account passes.
    ///
    /// # Errors
    /// Why it would reach nobody, by account.
    pub(crate) async fn sendable(self: &Arc<Self>, warning: WarningId) -> Result<(), Problem> {
        let known = self.view.original(warning);
        let Some(warning) = known.filter(|_| !self.accounts.is_empty()) else {
            return Ok(());
        };
        let told = self.told(&warning).await?;
        let counting = Arc::clone(self);
        let work = move || counting.preview(told.as_ref(), &warning).0;
        let preview = tokio::task::spawn_blocking(work).await;
        let preview = preview.map_err(|_| {
            Problem::unavailable("the look at its texts was interrupted; ask again")
        })?;
        let list = |value: Option<&serde_json::Value>| {
            let list = value.and_then(|value| value.as_array()).cloned();
            list.unwrap_or_default()
        };
        let languages = list(preview.get("unsendable"));
        if languages.is_empty() {
            return Ok(());
        }
        self.metrics
            .refused
            .with_label_values(&["unsendable"])
            .inc();
        let why = |tag: &serde_json::Value| {
            let remarks = preview.get("remarks");
            list(remarks.and_then(|remarks| remarks.get(tag.as_str()?)))
        };
        let why: Vec<String> = languages
            .iter()
            .flat_map(why)
            .map(|it| it.to_string())
            .collect();
        Err(Problem::refused(format!(
            "no account passes its short message, so that it would reach nobody by SMS: {}; word it \
             as the carriers registered it, or sign with \"without_sms\": true for what goes out \
             otherwise",
            why.join(", ")
        )))
    }

    /// Subscribers of areas whom none of the channels reaches, by why.
    fn unreachable(
        &self,
        (areas, channels): &(BTreeSet<AreaCode>, BTreeSet<Channel>),
    ) -> BTreeMap<Missed, u64> {
        let (city, directory) = (&self.installation.city, self.directory());
        let mut audience = Audience::of(Reach::Public, directory.version());
        audience.areas = areas.iter().copied().collect();
        audience.alone = true;
        let channels: Vec<Channel> = channels.iter().copied().collect();
        let preview = directory.preview_by(city, &audience, &channels, self.accounts.sorter());
        preview.map_or_else(|_| BTreeMap::new(), |preview| preview.missed_by)
    }

    /// What the people of a warning's zone were told about it so far; [`None`] where the zone is
    /// too busy to say.
    pub(crate) async fn told(
        self: &Arc<Self>,
        warning: &Warning,
    ) -> Result<Option<Planner>, Problem> {
        let zone = self.zone_of(warning.id)?;
        match self.told_in(zone, warning.id).await {
            Ok(told) => Ok(Some(told)),
            Err(Unanswered::Late | Unanswered::Elsewhere | Unanswered::Stranger) => Ok(None),
            Err(Unanswered::Full) => Err(self.too_many_questions()),
        }
    }

    fn too_many_questions(&self) -> Problem {
        self.metrics.refused.with_label_values(&["questions"]).inc();
        Problem::unavailable("too many questions wait for this zone; ask again")
    }

    /// The recent values of a series, from the zone that owns it.
    pub(crate) async fn series(
        self: &Arc<Self>,
        station: StationNo,
        parameter: Parameter,
        length: Span,
    ) -> Result<Vec<rules::Windowed>, Problem> {
        let home = self.installation.city.stations.get(station.0 as usize);
        let zone = home.and_then(|home| home.zones.first());
        let zone = zone.ok_or_else(|| Problem::not_found("the station is in no zone"))?;
        let series = self.readings(*zone, station, parameter, length);
        series.await.map_err(|unanswered| match unanswered {
            Unanswered::Full => self.too_many_questions(),
            Unanswered::Late => Problem::unavailable("the zone is busy; ask again"),
            Unanswered::Stranger => Problem::unavailable(
                "the zone's owner does not know this process: is directory.key_file the same?",
            ),
            Unanswered::Elsewhere => {
                Problem::unavailable("no process steps the zone at present; ask again")
            }
        })
    }

    /// A warning's validity ran out and nothing renewed it in time.
    pub(crate) fn missed(&self, lapsed: &Lapsed) {
        let labels = [lapsed.hazard];
        self.metrics
            .missed_renewals
            .with_label_values(&labels)
            .inc();
        tracing::error!(
            warning = %lapsed.warning,
            expired = lapsed.expired,
            "in force beyond its validity: whoever follows the feed has let go of it"
        );
    }

    /// Free bytes where observations are refused for want of space (semantics §30).
    pub(crate) fn nearly_full(&self) -> Option<u64> {
        let free = self.disk.as_ref()?.statistics().free_bytes;
        (free < self.reserve_bytes).then_some(free)
    }

    /// Brings the gauges up to the moment.
    pub(crate) fn gauge(&self) {
        let changes = i64::try_from(self.directory().changes()).unwrap_or(i64::MAX);
        self.metrics.directory_changes.set(changes);
        if let Some(disk) = &self.disk {
            let figures = disk.statistics();
            let set = |name: &str, value: u64| {
                let value = i64::try_from(value).unwrap_or(i64::MAX);
                self.metrics.journal.with_label_values(&[name]).set(value);
            };
            set("segments", figures.segments);
            set("segment_bytes", figures.segment_bytes);
            set("free_bytes", figures.free_bytes);
            set("out_of_space", u64::from(figures.out_of_space));
            set("reserve_bytes", self.reserve_bytes);
            let depth = i64::try_from(figures.queue_batches).unwrap_or(i64::MAX);
            self.metrics
                .queue
                .with_label_values(&["journal"])
                .set(depth);
        }
        if let Some(kafka) = &self.kafka {
            let figures = kafka.statistics();
            for (name, value) in [
                ("transactions", figures.commits),
                ("transactions_aborted", figures.aborts),
                ("records", figures.records),
                ("apart_records", figures.apart_records),
                ("apart_refused", figures.apart_refused),
                ("apart_oldest_ms", figures.apart_oldest_ms),
                ("queue_bytes", figures.queue_bytes),
            ] {
                let value = i64::try_from(value).unwrap_or(i64::MAX);
                self.metrics.journal.with_label_values(&[name]).set(value);
            }
            let depth = i64::try_from(figures.queue_batches).unwrap_or(i64::MAX);
            self.metrics
                .queue
                .with_label_values(&["journal"])
                .set(depth);
        }
        self.gauge_bulletins();
        for (what, open) in self.edge.open() {
            self.metrics.open.with_label_values(&[what]).set(open);
        }
        if let Some(subscriptions) = &self.subscriptions {
            let count = i64::try_from(subscriptions.len()).unwrap_or(i64::MAX);
            let open = &self.metrics.open;
            open.with_label_values(&["subscriptions"]).set(count);
        }
        self.metrics.lapsed.set(self.view.lapsed_count());
        self.gauge_silence();
        self.gauge_mutes();
        self.gauge_calls();
        self.gauge_gaps();
        let untested = i64::try_from(self.untested().len()).unwrap_or(i64::MAX);
        self.metrics.rules_untested.set(untested);
        let owed = self.view.owed(self.clock.now());
        for (state, count) in [
            ("due", owed.due),
            ("due_soon", owed.due_soon),
            ("missed", owed.missed),
        ] {
            let products = &self.metrics.products;
            products.with_label_values(&[state]).set(count);
        }
        let waiting = self.view.waiting();
        for (act, due) in [
            ("signature", waiting.signatures),
            ("review", waiting.reviews),
        ] {
            for (state, count) in [("open", due.open), ("overdue", due.overdue)] {
                let acts = &self.metrics.acts;
                acts.with_label_values(&[act, state]).set(count);
            }
        }
        for (standing, name) in [
            (Standing::Recovering, "recovering"),
            (Standing::Here, "stepped"),
            (Standing::Stuck, "stuck"),
        ] {
            let count = i64::try_from(self.zones.which(standing).len()).unwrap_or(i64::MAX);
            self.metrics.zones.with_label_values(&[name]).set(count);
        }
        let links = i64::try_from(self.serving.read().len()).unwrap_or(i64::MAX);
        self.metrics.links.set(links);
        for zone in 0..self.installation.city.zones.len() {
            let name = format!("zone/{}", self.zone_code(Zone(zone as u16)));
            if !self.zones.is_here(Zone(zone as u16)) {
                // Another process's to tell.
                drop(self.metrics.queue.remove_label_values(&[&name]));
                continue;
            }
            // Where the journal does not answer the gauge keeps what was true last.
            if let Ok(lag) = self.lag(zone) {
                let lag = i64::try_from(lag).unwrap_or(i64::MAX);
                self.metrics.queue.with_label_values(&[&name]).set(lag);
            }
        }
    }
}
