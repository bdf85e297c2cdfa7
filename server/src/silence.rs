//! Subjects whose data fell silent: a tier there rests on what may no longer be so.

use crate::app::App;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks, on the wall clock.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
        let read = rule.parameters().iter();
        let mut measured = read.filter(|p| station.parameters.contains(p));
        !measured.any(|parameter| {
            let allowed = city.policy.stale_after(&station.kind, *parameter);
            let newest = self.view.newest_time(number, *parameter);
            newest.is_some_and(|newest| now.since(newest) <= allowed)
        })
    }
}

/// Tells the screens where a subject fell silent or reports again, until it is dropped.
pub(crate) async fn watch(app: Arc<App>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        app.view
            .restale(|rule, subject| app.is_stale(rule, subject));
    }
}
