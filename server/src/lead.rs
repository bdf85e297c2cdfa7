//! Which of several processes over one Kafka acts: one does, the others stand by.
//!
//! The claim is on the one partition of `registry`. Who has it takes over every zone and link, which
//! ends what the process before left open and fences it; who loses it ends.

use crate::app::App;
use journal::{Claim, Claims, Journal, JournalError, KafkaJournal, Kind, Layout, Partition, Topic};
use model::Mode;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

const REGISTRY: Partition = Partition(0);
/// Between two words about waiting.
const SAID_EVERY: Duration = Duration::from_secs(10);
/// Between two looks at a claim that is held.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The claim to be the one that acts. Dropped, it goes to the next at once.
pub(crate) struct Lead(Claims);

impl Lead {
    /// Waits until no other process acts, then takes everything over.
    pub(crate) fn wait(
        kafka: &KafkaJournal,
        layout: &Layout,
        mode: Mode,
    ) -> Result<Self, JournalError> {
        let claims = kafka.claims(Topic::new(Kind::Registry, mode), &[REGISTRY])?;
        loop {
            match claims.next(SAID_EVERY) {
                Some(Claim::Granted(..)) => break,
                Some(Claim::Revoked(..)) => {}
                None => tracing::info!("standing by: another process acts"),
            }
        }
        for (kind, count) in [
            (Kind::Input, layout.zones),
            (Kind::Deliveries, layout.links),
        ] {
            let partitions: Vec<Partition> = (0..count).map(Partition).collect();
            kafka.own(Topic::new(kind, mode), &partitions)?;
        }
        tracing::info!("this process acts now");
        Ok(Self(claims))
    }

    /// Ends the app when the claim is lost. The claim is given back once the app stops: it is held
    /// until the last of it is written.
    pub(crate) fn follow(self, app: Arc<App>) -> Result<JoinHandle<Claims>, std::io::Error> {
        let Self(claims) = self;
        let follow = move || {
            while !app.stopping() {
                if let Some(Claim::Revoked(..)) = claims.next(LOOK_EVERY) {
                    app.fail("another process acts now".to_owned());
                }
            }
            claims
        };
        std::thread::Builder::new()
            .name("lead".to_owned())
            .spawn(follow)
    }
}
