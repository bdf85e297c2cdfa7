//! State bulletins of other authorities on their way into the zones: polled or posted, each in place
//! of the one before.

use crate::api::Problem;
use crate::app::App;
use crate::signals::NotTaken;
use dispatch::gateway::state_bulletin::poll::Poller;
use dispatch::gateway::state_bulletin::{
    self, Bulletin, Change, Newest, Next, ReadError, Source, Way,
};
use model::{AreaCode, Mode, Span, Tier};
use reqwest::Url;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A bulletin further ahead than this would make all to come look old.
const AHEAD_MAX: Span = Span::from_minutes(24 * 60);

/// A source, and how it is followed here.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    /// How it writes, and what it means.
    pub(crate) source: Source,
    /// Our areas by its names.
    pub(crate) areas: BTreeMap<String, Vec<AreaCode>>,
    /// Where its newest bulletin is to be had.
    pub(crate) url: Option<Url>,
    /// Wait between two rounds.
    pub(crate) every: Duration,
    /// Age from which its newest bulletin is stale: what it says stands, and may be over.
    pub(crate) stale_after: Span,
}

/// Why a bulletin was not followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFollowed {
    /// It cannot be read: nothing of it counts, and what stood stands.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// A newer one is in force.
    #[error("it is of {of}, and one of {newest} is in force: an older bulletin changes nothing")]
    Older {
        /// Of when it is.
        of: String,
        /// Of when the newest is.
        newest: String,
    },
    /// It is of a day to come.
    #[error("it is of {0}, more than a day ahead: the bulletins until then would look old")]
    Ahead(String),
    /// Its signals were not taken.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

impl NotFollowed {
    /// Its name in metrics.
    const fn name(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Older { .. } => "older",
            Self::Ahead(_) => "ahead",
            Self::NotTaken(_) => "not_taken",
        }
    }
}

impl From<NotFollowed> for Problem {
    fn from(why: NotFollowed) -> Self {
        match why {
            NotFollowed::Unreadable(_) | NotFollowed::Ahead(_) => {
                Self::bad_request(why.to_string())
            }
            NotFollowed::Older { .. } => Self::conflict(why.to_string()),
            NotFollowed::NotTaken(why) => why.into(),
        }
    }
}

/// What came of a bulletin.
#[derive(Debug, Serialize)]
pub(crate) struct Followed {
    source: String,
    /// Of when it is.
    time: String,
    /// True where it is the newest one again: nothing changed.
    duplicate: bool,
    new: Vec<Moved>,
    up: Vec<Moved>,
    down: Vec<Moved>,
    ended: Vec<Moved>,
    /// Listed areas that are not known here, by the source's names: kept and shown, warned of by nobody.
    unknown: Vec<String>,
    /// Areas listed at two levels: the higher counts.
    at_two_levels: usize,
}

/// A change at one area.
#[derive(Debug, Serialize)]
pub(crate) struct Moved {
    /// By the source's name.
    area: String,
    /// The same here.
    areas: Vec<AreaCode>,
    from: Tier,
    to: Tier,
}

/// How a source stands.
#[derive(Debug, Serialize)]
pub(crate) struct SourceItem {
    source: String,
    sender_name: String,
    /// Of when its newest bulletin is; null before the first.
    newest: Option<String>,
    age_s: Option<i64>,
    stale: bool,
    /// Areas in force.
    areas: usize,
    /// Those of them that are not known here.
    unknown: Vec<String>,
}

impl App {
    /// The source of that name.
    pub(crate) fn feed_named(&self, name: &str) -> Option<&Feed> {
        self.bulletins.iter().find(|feed| feed.source.name == name)
    }

    /// Puts a bulletin in the place of the one before it. Whatever it ends has ended once it is on
    /// disk, and not before.
    pub(crate) async fn follow_bulletin(
        &self,
        feed: &Feed,
        bytes: &[u8],
    ) -> Result<Followed, NotFollowed> {
        let followed = self.step_bulletin(feed, bytes).await;
        let outcome = match &followed {
            Ok(followed) if followed.duplicate => "same",
            Ok(_) => "taken",
            Err(why) => why.name(),
        };
        let labels = [feed.source.name.as_str(), outcome];
        self.metrics.bulletins.with_label_values(&labels).inc();
        followed
    }

    async fn step_bulletin(&self, feed: &Feed, bytes: &[u8]) -> Result<Followed, NotFollowed> {
        let serves = self.mode;
        if serves != Mode::Actual {
            return Err(NotTaken::OtherMode {
                serves,
                alert: Mode::Actual,
            }
            .into());
        }
        let offset = self.installation.city.offset;
        let bulletin = state_bulletin::read(bytes, &feed.source, offset)?;
        if bulletin.time > self.clock.now() + AHEAD_MAX {
            return Err(NotFollowed::Ahead(bulletin.time.display(offset)));
        }
        let ours = |name: &str| self.ours(feed, name);
        let storing = self.storing_signal.lock().await;
        let newest = self.view.newest_bulletin(&feed.source.name);
        let next = feed
            .source
            .follow(newest.as_ref(), &bulletin, offset, &ours);
        let (signals, changes) = match next {
            Next::Same => return Ok(self.followed(feed, &bulletin, None)),
            Next::Older { newest } => {
                return Err(NotFollowed::Older {
                    of: bulletin.time.display(offset),
                    newest: newest.display(offset),
                });
            }
            Next::Follows { signals, changes } => (signals, changes),
        };
        for signal in &signals {
            self.keep_signal(signal).await?;
        }
        drop(storing);
        Ok(self.followed(feed, &bulletin, Some(&changes)))
    }

    fn followed(&self, feed: &Feed, bulletin: &Bulletin, changes: Option<&[Change]>) -> Followed {
        let of = |way: Way| -> Vec<Moved> {
            let changes = changes.unwrap_or_default().iter();
            let those = changes.filter(|change| change.way() == way);
            those
                .map(|change| Moved {
                    area: change.area.clone(),
                    areas: self.ours(feed, &change.area),
                    from: change.from,
                    to: change.to,
                })
                .collect()
        };
        Followed {
            source: feed.source.name.clone(),
            time: bulletin.time.display(self.installation.city.offset),
            duplicate: changes.is_none(),
            new: of(Way::New),
            up: of(Way::Up),
            down: of(Way::Down),
            ended: of(Way::Ended),
            unknown: self.unknown(feed, &bulletin.areas),
            at_two_levels: bulletin.at_two,
        }
    }

    /// Our areas of a name: by the source's table, else the area of that very code.
    fn ours(&self, feed: &Feed, name: &str) -> Vec<AreaCode> {
        let city = &self.installation.city;
        let is_here = |code: &AreaCode| city.area_no(*code).is_some();
        match feed.areas.get(name) {
            Some(codes) => codes.iter().copied().filter(is_here).collect(),
            None => AreaCode::parse(name)
                .ok()
                .filter(is_here)
                .into_iter()
                .collect(),
        }
    }

    fn unknown(&self, feed: &Feed, areas: &BTreeMap<String, Tier>) -> Vec<String> {
        let names = areas.keys().filter(|name| self.ours(feed, name).is_empty());
        names.cloned().collect()
    }

    /// How each source stands.
    pub(crate) fn sources(&self) -> Vec<SourceItem> {
        let offset = self.installation.city.offset;
        let item = |feed: &Feed| {
            let newest = self.view.newest_bulletin(&feed.source.name);
            let areas = newest.as_ref().map(|newest| &newest.areas);
            SourceItem {
                source: feed.source.name.clone(),
                sender_name: feed.source.sender_name.clone(),
                newest: newest.as_ref().map(|newest| newest.time.display(offset)),
                age_s: newest.as_ref().map(|newest| self.age(newest).seconds()),
                stale: self.is_old(feed, newest.as_ref()),
                areas: areas.map_or(0, BTreeMap::len),
                unknown: areas.map_or_else(Vec::new, |areas| self.unknown(feed, areas)),
            }
        };
        self.bulletins.iter().map(item).collect()
    }

    fn age(&self, newest: &Newest) -> Span {
        let age = self.clock.now().since(newest.time);
        if age < Span::ZERO { Span::ZERO } else { age }
    }

    fn is_old(&self, feed: &Feed, newest: Option<&Newest>) -> bool {
        newest.is_none_or(|newest| self.age(newest) > feed.stale_after)
    }

    /// Whether the newest bulletin of a source is stale.
    pub(crate) fn is_source_stale(&self, name: &str) -> bool {
        let newest = self.view.newest_bulletin(name);
        self.feed_named(name)
            .is_some_and(|feed| self.is_old(feed, newest.as_ref()))
    }

    /// Brings the gauges of the sources up to date.
    pub(crate) fn gauge_bulletins(&self) {
        for item in self.sources() {
            let set = |figure: &str, value: i64| {
                let labels = [item.source.as_str(), figure];
                self.metrics.bulletin.with_label_values(&labels).set(value);
            };
            if let Some(age) = item.age_s {
                set("age_s", age);
            }
            set("stale", i64::from(item.stale));
            set("areas", i64::try_from(item.areas).unwrap_or(i64::MAX));
            set(
                "unknown_areas",
                i64::try_from(item.unknown.len()).unwrap_or(i64::MAX),
            );
        }
    }
}

/// The newest bulletin of a source, asked for until the app stops. What could not be stored is asked
/// for again in the next round; what cannot be read is said once for each new answer.
pub(crate) async fn follow(app: Arc<App>, feed: Feed, mut poller: Poller) {
    let source = feed.source.name.as_str();
    let mut ticks = tokio::time::interval(feed.every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !app.stopping() {
        ticks.tick().await;
        let bytes = match poller.poll().await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!(source, %error, "bulletin not read");
                continue;
            }
        };
        match app.follow_bulletin(&feed, &bytes).await {
            Ok(followed) if followed.duplicate => {}
            Ok(followed) => {
                let [new, up, down, ended] =
                    [&followed.new, &followed.up, &followed.down, &followed.ended].map(Vec::len);
                let unknown = followed.unknown.len();
                tracing::info!(
                    source,
                    time = followed.time,
                    new,
                    up,
                    down,
                    ended,
                    unknown,
                    "bulletin followed"
                );
            }
            Err(error) => {
                if matches!(error, NotFollowed::NotTaken(_)) {
                    poller.forget();
                }
                tracing::warn!(source, %error, "bulletin not followed");
            }
        }
    }
}
