//! How long brokers are waited for. Nothing here is a record time.

use std::time::{Duration, Instant};

/// This moment, for deadlines.
#[expect(clippy::disallowed_methods, reason = "how long a broker is waited for")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// A moment for the brokers before they are asked again.
pub(super) fn pause(length: Duration) {
    #[expect(clippy::disallowed_methods, reason = "between two questions")]
    std::thread::sleep(length);
}
