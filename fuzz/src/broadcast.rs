//! What broadcasting reads: a carrier's table of cells, what an emergency-broadcast platform answers, and
//! signatures on alerts of others.

use dispatch::gateway::cap::{SignatureFault, Signers};
use dispatch::gateway::cell::Cells;
use dispatch::gateway::emergency_broadcast::{Reply, unpack};
use dispatch::gateway::loudspeaker::{Clips, Order};
use model::Time;
use model::fault::{FAULTS_MAX, Faults};
use std::sync::LazyLock;

/// Somebody whose key nobody has.
static SIGNERS: LazyLock<Option<Signers>> =
    LazyLock::new(|| Signers::new(include_str!("signer.pem")).ok());

/// A bad row is said, and a table without a good one is none.
pub(crate) fn cells(bytes: &[u8]) {
    let mut faults = Faults::default();
    let cells = Cells::read("cells.csv", bytes, &mut faults);
    let errors = faults.errors();
    match cells {
        Some(cells) => {
            assert_eq!(errors, 0);
            for area in cells.areas() {
                assert!(cells.of(area).is_some_and(|cells| !cells.is_empty()));
            }
        }
        None => assert!(errors > 0, "refused without a word"),
    }
    assert!(faults.into_vec().len() <= FAULTS_MAX + 1);
}

/// An answer in its package, or by itself.
pub(crate) fn package(bytes: &[u8]) {
    match unpack(bytes) {
        Ok(files) => {
            for (_, content) in files {
                reply(content);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    reply(bytes);
}

fn reply(bytes: &[u8]) {
    match Reply::read(bytes) {
        Ok(reply) => assert!(reply.taken.is_some() != reply.state.is_some()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A list of recordings, an order, an answer.
pub(crate) fn loudspeaker(bytes: &[u8]) {
    if let Err(error) = std::str::from_utf8(bytes)
        .map(Clips::read)
        .unwrap_or_else(|_| Ok(Clips::default()))
    {
        assert!(!error.to_string().is_empty());
    }
    let at = Time::from_seconds(1_700_000_000);
    match Order::read(bytes, "sp-1", b"k", at) {
        Ok(order) => assert_eq!(
            Order::read(&order.to_bytes(b"k"), "sp-1", b"k", at),
            Ok(order)
        ),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

/// Nothing that mutation makes is believed but what was signed as it stands.
pub(crate) fn signature(bytes: &[u8]) {
    let Some(signers) = SIGNERS.as_ref() else {
        return;
    };
    match signers.verify(bytes) {
        Ok(()) => {}
        Err(SignatureFault::Unsigned) => {}
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}
