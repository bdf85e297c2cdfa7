//! Sensors that fell silent: subjects whose tier rests on what may no longer be so, what nobody sees,
//! and how both are told. Whether a sensor is silent is the zone's to say (`rules`); the screens add
//! what no zone says while nobody steps it.

use crate::app::App;
use model::silence::{Blind, Cluster};
use model::{AreaCode, AreaNo, Hazard, Language, Silence, StationNo, Tier, When};
use parking_lot::Mutex;
use rules::Rulebook;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Between two looks, on the wall clock.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Townships without a station, by hazard.
type Places = BTreeMap<Hazard, BTreeSet<AreaNo>>;

/// Where no registered station sees a hazard of the rulebook in force: found once for each rulebook.
#[derive(Default)]
pub(crate) struct Unseen(Mutex<Option<(String, Arc<Places>)>>);

impl Unseen {
    /// The places under a rulebook. Lays every zone out: not for who answers requests.
    pub(crate) fn of(&self, rulebook: &Rulebook, city: &model::City) -> Arc<Places> {
        let mut known = self.0.lock();
        if let Some((hash, places)) = &*known
            && hash == rulebook.hash()
        {
            return Arc::clone(places);
        }
        let places = Arc::new(rulebook.unseen(city));
        *known = Some((rulebook.hash().to_owned(), Arc::clone(&places)));
        places
    }
}

impl App {
    /// True where none of what the rule reads at the subject's station is as new as the city asks
    /// of its kind.
    pub(crate) fn is_stale(&self, rule: &str, subject: &str) -> bool {
        let city = &self.installation.city;
        let site = city.site_no(subject).and_then(|no| city.site(no));
        let number = match site {
            Some(site) => site.station,
            None => city.station_no(subject),
        };
        let station = number.and_then(|no| Some((no, city.station(no)?)));
        let rulebook = self.reload.rulebook();
        let rule = rulebook.rule(rule);
        let (Some((number, station)), Some((_, rule))) = (station, rule) else {
            return false;
        };
        let now = self.view.now();
        let home = station.zones.first().map(|zone| city.zone_code(*zone));
        let read = rule.parameters().iter();
        let mut measured = read.filter(|p| station.parameters.contains(p));
        !measured.any(|parameter| {
            let Some((newest, cadence)) = self.view.heard(number, *parameter) else {
                return false;
            };
            // Whether it rains there only the zone knows; who reported since then is heard.
            let found = home.and_then(|zone| self.view.silent_since(zone, number, *parameter));
            let today = When::on(now, city.offset_at(now));
            let policy = &city.policy;
            let allowed = policy.silent_after(station, *parameter, today, &cadence);
            found.is_none_or(|found| newest > found) && now.since(newest) <= allowed
        })
    }

    /// Says aloud that an area went blind in a storm, or that stations went together.
    pub(crate) fn alarm(&self, silence: &Silence) {
        for blind in silence.blind.iter().filter(|blind| blind.is_alarm()) {
            tracing::error!(
                area = %blind.area,
                hazard = blind.hazard.code(),
                in_force = blind.storm.name(),
                stations = blind.count,
                "no live sensor sees a hazard that is in force"
            );
        }
        for cluster in &silence.clusters {
            if !cluster.stations.is_empty() {
                let stations = cluster.stations.len();
                tracing::warn!(area = %cluster.area, stations, "stations were lost together");
            }
        }
    }

    /// Brings the gauges of silence up to the moment.
    pub(crate) fn gauge_silence(&self) {
        let mut counts: BTreeMap<(Hazard, bool), i64> = BTreeMap::new();
        let rulebook = self.reload.rulebook();
        for rule in &rulebook.rules {
            for in_force in [true, false] {
                counts.insert((rule.hazard, in_force), 0);
            }
        }
        let silent = self.view.silences(|zones| {
            for blind in zones.values().flat_map(|zone| zone.blind()) {
                *counts.entry((blind.hazard, blind.is_alarm())).or_default() += 1;
            }
            zones.values().map(|zone| zone.silent().count()).sum()
        });
        for ((hazard, in_force), count) in counts {
            let in_force = if in_force { "true" } else { "false" };
            let gauge = &self.metrics.blind;
            gauge
                .with_label_values(&[hazard.code(), in_force])
                .set(count);
        }
        let silent: usize = silent;
        let clusters = self.view.silences(|zones| {
            let each = zones.values().map(|zone| zone.clusters().count());
            each.sum::<usize>()
        });
        let clusters = i64::try_from(clusters).unwrap_or(i64::MAX);
        self.metrics.clusters.set(clusters);
        let raised = self.view.raised_by_silence();
        for hazard in rulebook.rules.iter().map(|rule| rule.hazard) {
            let gauge = &self.metrics.raised_by_silence;
            let count = raised.get(&hazard).copied().unwrap_or(0);
            gauge.with_label_values(&[hazard.code()]).set(count);
        }
        let silent = i64::try_from(silent).unwrap_or(i64::MAX);
        self.metrics.silent.set(silent);
    }

    fn station_ids(&self, stations: &[StationNo]) -> Vec<&str> {
        let city = &self.installation.city;
        let known = stations.iter().filter_map(|no| city.station(*no));
        known.map(|station| station.id.as_str()).collect()
    }

    fn area_name(&self, code: AreaCode) -> (String, String) {
        let city = &self.installation.city;
        let area = city.area_no(code).and_then(|no| city.area(no));
        area.map_or_else(Default::default, |area| {
            (area.name.zh.clone(), area.name.get(Language::En).to_owned())
        })
    }

    /// An area that nobody sees, as screens and readers have it.
    pub(crate) fn blind_item(&self, blind: &Blind) -> Value {
        let (zh, en) = self.area_name(blind.area);
        let (hazard, tier) = (blind.hazard, blind.storm);
        let text = match (blind.since.is_some(), tier > Tier::None) {
            (true, true) => json!({
                "zh": format!("{zh}：{}{}生效，当地{}个监测站全部失联，无实时监测", hazard.zh(), tier.zh(), blind.count),
                "en": format!("{en}: {} {} in force and all {} stations silent, nobody sees it", hazard.en(), tier.name(), blind.count),
            }),
            (true, false) => json!({
                "zh": format!("{zh}：{}监测站全部失联（{}个）", hazard.zh(), blind.count),
                "en": format!("{en}: all {} stations for {} silent", blind.count, hazard.en()),
            }),
            (false, _) => json!({
                "zh": format!("{zh}：{}监测恢复", hazard.zh()),
                "en": format!("{en}: {} is seen again", hazard.en()),
            }),
        };
        json!({
            "hazard": hazard.code(),
            "area": blind.area,
            "name": zh,
            "name_en": en,
            "why": "silent",
            "since": blind.since.map(|since| self.view.text(since)),
            "in_force": tier,
            "alarm": blind.is_alarm(),
            "count": blind.count,
            "stations": self.station_ids(&blind.stations),
            "text": text,
        })
    }

    /// Stations lost together, in words.
    pub(crate) fn cluster_item(&self, cluster: &Cluster) -> Value {
        let (zh, en) = self.area_name(cluster.area);
        let count = cluster.stations.len();
        let text = match count {
            0 => json!({
                "zh": format!("{zh}：成片失联解除"),
                "en": format!("{en}: the stations lost together report again"),
            }),
            count => json!({
                "zh": format!("{zh}：{count}个站几乎同时失联，可能断电或断网，请核实"),
                "en": format!("{en}: {count} stations lost at about the same time, power or network may be down: check"),
            }),
        };
        json!({
            "area": cluster.area,
            "name": zh,
            "name_en": en,
            "since": self.view.text(cluster.since),
            "over": count == 0,
            "count": count,
            "stations": self.station_ids(&cluster.stations),
            "text": text,
        })
    }
}

/// What a minute changed, as the stream tells it: counts, and in words what somebody should look at.
pub(crate) fn item(app: &App, silence: &Silence) -> Value {
    let (zh, en) = app.area_name(silence.zone);
    let blind: Vec<Value> = silence.blind.iter().map(|b| app.blind_item(b)).collect();
    let clusters = silence.clusters.iter();
    let clusters: Vec<Value> = clusters.map(|c| app.cluster_item(c)).collect();
    json!({
        "time": app.view.text(silence.at),
        "zone": silence.zone,
        "name": zh,
        "name_en": en,
        "fell": silence.fell.len(),
        "back": silence.back.len(),
        "alarm": silence.is_alarm(),
        "blind": blind,
        "clusters": clusters,
    })
}

/// Tells the screens where a subject fell silent or reports again, until it is dropped.
pub(crate) async fn watch(app: Arc<App>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        app.view
            .restale(|rule, subject| app.is_stale(rule, subject));
    }
}
