//! What a carrier reads of a centre's job, and a centre of a carrier's or a platform's answer.

use dispatch::gateway::area::{Answered, Call, Job, Reading, Report};
use dispatch::gateway::platform::{Shapes, shipped};
use std::sync::LazyLock;

static PLATFORMS: LazyLock<Shapes> = LazyLock::new(|| {
    shipped().unwrap_or_else(|faults| panic!("a shape of the program's own: {faults:?}"))
});

/// A job: what is taken has areas and words, and is the same written and read again.
pub(crate) fn job(bytes: &[u8]) {
    match Job::read(bytes) {
        Ok(job) => {
            if job.check().is_ok() {
                assert!(!job.areas.is_empty() && !job.texts.is_empty());
            }
            let written = serde_json::to_vec(&job).unwrap_or_default();
            assert!(Job::read(&written).is_ok_and(|again| again == job));
        }
        Err(error) => assert!(!error.to_string().is_empty(), "refused without a word"),
    }
}

/// A carrier's report: counts of any size add up to something, and what contradicts itself is said. A
/// call that a carrier fetches and its answer are read from the same bytes.
pub(crate) fn report(bytes: &[u8]) {
    if let Ok(call) = serde_json::from_slice::<Call>(bytes) {
        let written = serde_json::to_vec(&call).unwrap_or_default();
        assert!(serde_json::from_slice::<Call>(&written).is_ok_and(|again| again == call));
    }
    if let Ok(answered) = serde_json::from_slice::<Answered>(bytes) {
        drop(serde_json::from_str::<Report>(&answered.body));
    }
    if let Ok(reading) = serde_json::from_slice::<Reading>(bytes) {
        assert_eq!(reading.hash().len(), 64);
    }
    let Ok(report) = serde_json::from_slice::<Report>(bytes) else {
        return;
    };
    let total = report.counts.total();
    assert!(total >= report.counts.sent());
    for discord in report.discords() {
        assert!(!discord.to_string().is_empty());
    }
}

/// A platform's answer: what is kept of it is short and has no control characters.
pub(crate) fn standing(bytes: &[u8]) {
    for shape in PLATFORMS.names().filter_map(|name| PLATFORMS.get(name)) {
        match shape.standing.read(bytes) {
            Ok(standing) => {
                let channels = standing.channels.keys();
                for text in [&standing.reason, &standing.receipt]
                    .into_iter()
                    .chain(channels)
                {
                    assert!(text.chars().count() <= 300 && !text.chars().any(char::is_control));
                }
                assert!(standing.channels.len() <= 64);
            }
            Err(why) => assert!(!why.is_empty(), "refused without a word"),
        }
    }
}
