//! What the process counts about itself, in Prometheus' text format.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::{
    CounterVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

/// All metrics of the process, made once.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Observations by transport and what became of them.
    pub(crate) observations: IntCounterVec,
    /// Records refused at the intake, by reason.
    pub(crate) dead_letters: IntCounterVec,
    /// Observations that came late, again, or corrected.
    pub(crate) arrivals: IntCounterVec,
    /// What quality control found, by cause.
    pub(crate) findings: IntCounterVec,
    /// Seconds from acceptance of an observation to each stage of what it caused.
    pub(crate) latency: HistogramVec,
    /// Subscribers who came, moved, left, were forgotten or refused, or whose records open under no key.
    pub(crate) subscribers: IntCounterVec,
    /// People beside the directory's version.
    pub(crate) directory_changes: IntGauge,
    /// Deliveries by channel, link and state.
    pub(crate) deliveries: IntCounterVec,
    /// Entries waiting in each bounded queue.
    pub(crate) queue: IntGaugeVec,
    /// Warning revisions by hazard and event.
    pub(crate) warnings: IntCounterVec,
    /// Zones of this process by how they stand.
    pub(crate) zones: IntGaugeVec,
    /// Zones of other processes of which nothing new is heard.
    pub(crate) unheard: IntGauge,
    /// Links that this process serves.
    pub(crate) links: IntGauge,
    /// Calls that ring or are read out now.
    pub(crate) calls_open: IntGauge,
    /// Calls placed, by how many things they had to say.
    pub(crate) calls_placed: IntCounterVec,
    /// Places that must answer, by how far they are.
    pub(crate) calls: IntGaugeVec,
    /// Gaps by kind.
    pub(crate) gaps: IntGaugeVec,
    /// Rows of the base stations' file that cannot be read.
    pub(crate) base_station_faults: IntGauge,
    /// Minutes to the answer of half of the places called, by township; and shares within some.
    pub(crate) answering: IntGaugeVec,
    /// Series of a zone and the bytes of their windows, taken each minute.
    pub(crate) windows: IntGaugeVec,
    /// Evaluations of each rule at a subject, by rule.
    pub(crate) rule_evaluations: IntCounterVec,
    /// What these cost, by the time of a few, by rule.
    pub(crate) rule_seconds: CounterVec,
    /// Record time less that of the newest reading a rule has, by zone and rule.
    pub(crate) rule_lag: IntGaugeVec,
    /// Inputs that could not be stepped, by zone.
    pub(crate) poisoned: IntCounterVec,
    /// Snapshots of machines that are whole on disk, by zone.
    pub(crate) snapshots: IntCounterVec,
    /// Area jobs that wait for a person, by link and why.
    pub(crate) area_jobs: IntGaugeVec,
    /// Whether the centre that a relay fetches calls from answers, by centre and state.
    pub(crate) fetching: IntGaugeVec,
    /// Sends repeated because their outcome was unknown, by link.
    pub(crate) repeated: IntGaugeVec,
    /// People told by another channel because one failed, by both.
    pub(crate) fallen_back: IntCounterVec,
    /// Short messages that an account does not pass, by link and why.
    pub(crate) not_passed: IntCounterVec,
    /// What was agreed about an account and what of it is left, by link and figure.
    pub(crate) account: IntGaugeVec,
    /// Messages handed to another account since the number moved, by both links.
    pub(crate) moved: IntCounterVec,
    /// Messages handed to another account since this one could not tell, by both links.
    pub(crate) handed: IntCounterVec,
    /// Telephones of an audience to which no short message goes, by link and by what they are.
    pub(crate) left_out: IntCounterVec,
    /// What an exercise kept to itself, by gate and channel.
    pub(crate) withheld: IntCounterVec,
    /// Intents that no link carries, by channel.
    pub(crate) unserved: IntCounterVec,
    /// Alerts of feeds that were passed over, by reason.
    pub(crate) alerts_refused: IntCounterVec,
    /// State bulletins by source and what became of them.
    pub(crate) bulletins: IntCounterVec,
    /// The newest state bulletin of each source, by figure.
    pub(crate) bulletin: IntGaugeVec,
    /// What each link of broadcasts says, by figure.
    pub(crate) broadcasts: IntGaugeVec,
    /// Areas that a link of broadcasts could not reach, by link.
    pub(crate) untold: IntCounterVec,
    /// What phones wrote back: understood, not understood, or from nobody who was asked.
    pub(crate) replies: IntCounterVec,
    /// Connections and streams that are open.
    pub(crate) open: IntGaugeVec,
    /// Requests and connections refused, by reason.
    pub(crate) refused: IntCounterVec,
    /// Acts of people that are waited for: signatures and reviews, in time and overdue.
    pub(crate) acts: IntGaugeVec,
    /// Silenced rules, each once for every zone or area named.
    pub(crate) rules_muted: IntGauge,
    /// The same by rule.
    pub(crate) rule_muted: IntGaugeVec,
    /// The rules that have such a series, so that no scrape meets it half made.
    pub(crate) rules_shown_muted: Arc<Mutex<BTreeSet<String>>>,
    /// Rules in force that no test case plays.
    pub(crate) rules_untested: IntGauge,
    /// Products by lead time that are to be done, soon too late, or missed.
    pub(crate) products: IntGaugeVec,
    /// Products that nobody filed in time, by slot.
    pub(crate) products_missed: IntCounterVec,
    /// Warnings in force whose validity ran out without a renewal, by hazard.
    pub(crate) missed_renewals: IntCounterVec,
    /// Warnings that stand beyond their validity now.
    pub(crate) lapsed: IntGauge,
    /// Areas in which no live sensor sees a hazard, by hazard and whether it is in force there.
    pub(crate) blind: IntGaugeVec,
    /// Series that are silent.
    pub(crate) silent: IntGauge,
    /// Townships whose stations went together.
    pub(crate) clusters: IntGauge,
    /// Subjects that stand higher by their silence.
    pub(crate) raised_by_silence: IntGaugeVec,
    /// Journal figures by name.
    pub(crate) journal: IntGaugeVec,
    /// Streams dropped because their reader was too slow.
    pub(crate) slow_streams: IntCounter,
}

/// The latency stages, in the order of the pipeline.
pub(crate) mod stage {
    /// Acceptance to durable.
    pub(crate) const DURABLE: &str = "durable";
    /// Acceptance to the warning's commit being handed to the journal.
    pub(crate) const DECIDED: &str = "decided";
    /// Acceptance to the first message of an intent on the wire.
    pub(crate) const FIRST_ON_WIRE: &str = "first_on_wire";
}

impl Metrics {
    /// Registers every metric. Fails only on a programming error (a name used twice).
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| -> Result<_, prometheus::Error> {
            let vec = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| -> Result<_, prometheus::Error> {
            let vec = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let counter = |name: &str, help: &str| -> Result<_, prometheus::Error> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let buckets = vec![
            0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.03, 0.05, 0.1,
            0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
        ];
        let latency = HistogramVec::new(
            HistogramOpts::new(
                "sanfang_warning_latency_seconds",
                "Seconds from acceptance of an observation to each stage of what it caused",
            )
            .buckets(buckets),
            &["stage"],
        )?;
        registry.register(Box::new(latency.clone()))?;
        let rule_seconds = CounterVec::new(
            Opts::new(
                "sanfang_rule_seconds_total",
                "Seconds that evaluations of a rule's conditions took, by the time of a few each minute",
            ),
            &["rule"],
        )?;
        registry.register(Box::new(rule_seconds.clone()))?;
        Ok(Self {
            observations: counters(
                "sanfang_observations_total",
                "Observations by transport and outcome",
                &["transport", "outcome"],
            )?,
            dead_letters: counters(
                "sanfang_dead_letters_total",
                "Records refused at the intake and kept, by reason",
                &["reason"],
            )?,
            arrivals: counters(
                "sanfang_arrivals_total",
                "Observations that did not come in time and once: late, duplicate, correction",
                &["arrival"],
            )?,
            findings: counters(
                "sanfang_quality_findings_total",
                "What quality control found that a person should look at, by cause",
                &["cause"],
            )?,
            latency,
            subscribers: counters(
                "sanfang_subscribers_total",
                "Subscribers one by one: came, moved, left, forgotten, refused, and unread where their record opens under no key",
                &["outcome"],
            )?,
            directory_changes: {
                let help = "People who stand beside the directory's version, at most 65536: a start makes the next one";
                let gauge = IntGauge::new("sanfang_directory_changes", help)?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            deliveries: counters(
                "sanfang_deliveries_total",
                "Deliveries by channel, carrier and state",
                &["channel", "carrier", "state"],
            )?,
            queue: gauges(
                "sanfang_queue_depth",
                "Entries waiting in a bounded queue",
                &["queue"],
            )?,
            warnings: counters(
                "sanfang_warnings_total",
                "Warning revisions by hazard and event",
                &["hazard", "event"],
            )?,
            zones: gauges(
                "sanfang_zones",
                "Zones of this process: recovering, stepped, or stuck since a later version wrote to them",
                &["standing"],
            )?,
            unheard: {
                let gauge = IntGauge::new(
                    "sanfang_zones_unheard",
                    "Zones of other processes whose newest values no owner answers for",
                )?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            calls_open: {
                let help = "Calls that ring or are read out now";
                let gauge = IntGauge::new("sanfang_calls_open", help)?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            calls_placed: counters(
                "sanfang_calls_placed_total",
                "Calls placed, by how many things each had to say: several wait for one telephone",
                &["sayings"],
            )?,
            calls: gauges(
                "sanfang_calls",
                "Places that must answer for a warning in force: waiting, escalated, answered, needs_help",
                &["state"],
            )?,
            gaps: gauges(
                "sanfang_gaps",
                "Warned places that nobody has spoken for: site, no_channel, no_answer",
                &["what"],
            )?,
            base_station_faults: {
                let help =
                    "Rows of the base stations' file that cannot be read, or the file itself";
                let gauge = IntGauge::new("sanfang_base_station_faults", help)?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            answering: gauges(
                "sanfang_answering",
                "Of the warnings in force, by township: called, answered, within_5m, within_10m, within_30m, and median_s of all called",
                &["area", "figure"],
            )?,
            links: {
                let gauge = IntGauge::new("sanfang_links", "Links that this process serves")?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            windows: gauges(
                "sanfang_windows",
                "Series of a zone that hold readings, and the bytes of their windows",
                &["zone", "figure"],
            )?,
            rule_evaluations: counters(
                "sanfang_rule_evaluations_total",
                "Evaluations of a rule at a subject; subjects at rest are not evaluated",
                &["rule"],
            )?,
            rule_seconds,
            rule_lag: gauges(
                "sanfang_rule_lag_seconds",
                "Record time less that of the newest reading, of the parameter a rule waits for the longest",
                &["zone", "rule"],
            )?,
            poisoned: counters(
                "sanfang_input_unreadable_total",
                "Records of a zone's input that could not be read and were set aside",
                &["zone"],
            )?,
            snapshots: counters(
                "sanfang_snapshots_total",
                "Snapshots of a zone's state that are whole on disk",
                &["zone"],
            )?,
            area_jobs: gauges(
                "sanfang_area_jobs_waiting",
                "Area jobs of which nothing leaves: held by their reading, refused, or with a far side out of reach (unreachable)",
                &["link", "why"],
            )?,
            fetching: gauges(
                "sanfang_relay_fetching",
                "1 for how the centre that calls are fetched from is: here, or away",
                &["centre", "state"],
            )?,
            repeated: gauges(
                "sanfang_deliveries_repeated",
                "Messages sent again because their outcome was unknown",
                &["carrier"],
            )?,
            fallen_back: counters(
                "sanfang_deliveries_fallen_back_total",
                "Responsible persons told by another channel because one did not reach them",
                &["from", "to"],
            )?,
            not_passed: counters(
                "sanfang_sms_not_passed_total",
                "Short messages that were not sent since the account does not pass them: expired, signature, template, daily_max; an alarm",
                &["link", "why"],
            )?,
            account: gauges(
                "sanfang_sms_account",
                "What was agreed about an account: daily_max, used_today in parts of messages, days_left until it expires, an alarm below 30; aside, 1 while other accounts tell its phones",
                &["link", "figure"],
            )?,
            moved: counters(
                "sanfang_sms_moved_total",
                "Short messages handed to another account since the carrier of the first does not have the number any more",
                &["from", "to"],
            )?,
            handed: counters(
                "sanfang_sms_handed_total",
                "Short messages handed to another account since the first is down, over, used up, or does not pass the text",
                &["from", "to"],
            )?,
            left_out: counters(
                "sanfang_sms_left_out_total",
                "Telephones left out of an audience since no short message goes to them, by link and what they are: landline, foreign, data_only, no_carrier",
                &["link", "phone"],
            )?,
            withheld: counters(
                "sanfang_exercise_withheld_total",
                "Messages that a gate of exercises kept back, by gate (plan, gateway) and channel; in earnest an alarm",
                &["gate", "channel"],
            )?,
            unserved: counters(
                "sanfang_intents_unserved_total",
                "Things to say by a channel that the configuration gives no link; an alarm",
                &["channel"],
            )?,
            alerts_refused: counters(
                "sanfang_alerts_refused_total",
                "CAP alerts of polled feeds that were passed over: no_alert, not_fetched, unreadable, unsigned, not_believed",
                &["reason"],
            )?,
            bulletins: counters(
                "sanfang_bulletins_total",
                "State bulletins of other authorities by source and outcome: taken, same, older, ahead, unreadable, not_taken",
                &["source", "outcome"],
            )?,
            bulletin: gauges(
                "sanfang_bulletin",
                "The newest state bulletin of a source: age_s, stale, areas, unknown_areas",
                &["source", "figure"],
            )?,
            broadcasts: gauges(
                "sanfang_broadcast",
                "What a link of broadcasts says at this moment: on_air messages, whether its platform is connected, and posts_lost",
                &["carrier", "figure"],
            )?,
            untold: counters(
                "sanfang_broadcast_untold_total",
                "Areas that a message could not be sent to because the far side's table lacks them, and messages that a platform failed to broadcast; an alarm",
                &["carrier"],
            )?,
            replies: counters(
                "sanfang_replies_total",
                "Messages from phones: understood, not_understood, or of nobody_asked",
                &["outcome"],
            )?,
            open: gauges(
                "sanfang_http_open",
                "Connections and event streams that are open",
                &["what"],
            )?,
            refused: counters(
                "sanfang_requests_refused_total",
                "Requests and connections refused, by reason",
                &["reason"],
            )?,
            acts: gauges(
                "sanfang_acts_waiting",
                "Signatures and reviews that are waited for; an overdue one is an alarm",
                &["act", "state"],
            )?,
            rules_muted: {
                let help = "Rules that people silenced, each once for every zone or area named";
                let gauge = IntGauge::new("sanfang_rules_muted", help)?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            rule_muted: gauges(
                "sanfang_rule_muted",
                "Zones and areas in which people silenced a rule, by rule; none where it speaks everywhere",
                &["rule"],
            )?,
            rules_shown_muted: Arc::default(),
            rules_untested: {
                let help = "Rules in force that no test case of their rulebook plays";
                let gauge = IntGauge::new("sanfang_rules_untested", help)?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            products: gauges(
                "sanfang_products_waiting",
                "Products by lead time that are to be done: due, due_soon, missed; a missed one is an alarm",
                &["state"],
            )?,
            products_missed: counters(
                "sanfang_products_missed_total",
                "Products by lead time that nobody filed in time, by slot; an alarm",
                &["slot"],
            )?,
            missed_renewals: counters(
                "sanfang_renewals_missed_total",
                "Warnings in force whose validity ran out without a renewal; an alarm",
                &["hazard"],
            )?,
            lapsed: {
                let help = "Warnings that stand beyond their validity; an alarm";
                let gauge = IntGauge::new("sanfang_warnings_lapsed", help)?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            blind: gauges(
                "sanfang_blind_areas",
                "Areas in which no live sensor sees a hazard; an alarm where the hazard is in force",
                &["hazard", "in_force"],
            )?,
            silent: {
                let help = "Series of stations that are silent for longer than the city allows";
                let gauge = IntGauge::new("sanfang_silent_series", help)?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            clusters: {
                let help =
                    "Townships in which stations were lost together: power or network may be down";
                let gauge = IntGauge::new("sanfang_lost_clusters", help)?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            raised_by_silence: gauges(
                "sanfang_raised_by_silence",
                "Subjects that count one tier higher because their sensors were lost: put forward, measured by nobody",
                &["hazard"],
            )?,
            journal: gauges("sanfang_journal", "Figures of the journal", &["figure"])?,
            slow_streams: counter(
                "sanfang_streams_dropped_total",
                "Event streams dropped because their reader was too slow",
            )?,
            registry,
        })
    }

    /// Sets a figure of a link of broadcasts.
    pub(crate) fn broadcast(&self, link: &str, figure: &str, value: usize) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.broadcasts
            .with_label_values(&[link, figure])
            .set(value);
    }

    /// The text exposition.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if TextEncoder::new()
            .encode_utf8(&self.registry.gather(), &mut text)
            .is_err()
        {
            text.clear();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposition_names_the_contract() {
        let metrics = Metrics::new().unwrap();
        metrics
            .observations
            .with_label_values(&["http", "accepted"])
            .inc_by(3);
        metrics
            .latency
            .with_label_values(&[stage::DURABLE])
            .observe(0.001);
        let text = metrics.text();
        assert!(
            text.contains(r#"sanfang_observations_total{outcome="accepted",transport="http"} 3"#),
            "{text}"
        );
        assert!(text.contains("sanfang_warning_latency_seconds_bucket"));
    }
}
