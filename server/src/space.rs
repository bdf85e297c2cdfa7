//! Says when the disk is full and when it is not any more: meanwhile nothing is acknowledged, and
//! all else goes on.

use crate::app::App;
use journal::DiskJournal;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks after which a disk that is still full is said again: a minute.
const SAID_EVERY: u32 = 120;

/// Watches until the app stops.
pub(crate) async fn watch(app: Arc<App>, disk: Arc<DiskJournal>) {
    let mut looks = 0;
    while !app.stopping() {
        let figures = disk.statistics();
        let free_bytes = figures.free_bytes;
        if figures.out_of_space {
            if looks % SAID_EVERY == 0 {
                tracing::error!(
                    free_bytes,
                    "the disk is full: nothing is acknowledged and nothing leaves until there is \
                     space; free some, and the service goes on by itself"
                );
            }
            looks += 1;
        } else if looks > 0 {
            tracing::info!(free_bytes, "the disk has space again: going on");
            looks = 0;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
