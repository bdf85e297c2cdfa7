//! Which partitions a process owns.

use crate::{Partition, Topic};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// A change of ownership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This process steps the partition from `resume` on.
    Granted(Topic, Partition),
    /// Another process may step it: drop its state, write nothing more for it.
    Revoked(Topic, Partition),
}

/// The changes of ownership of what was asked for, in order. Dropping it gives everything up.
#[derive(Debug)]
pub struct Claims {
    changes: Receiver<Claim>,
    /// What keeps the changes coming: an owner of everything waits for ever instead of seeing the end.
    _source: Source,
}

/// Where changes come from.
#[derive(Debug)]
enum Source {
    /// Nothing changes.
    Settled(#[expect(dead_code, reason = "held, never used")] SyncSender<Claim>),
    /// Membership of a group.
    Group(#[expect(dead_code, reason = "held, never used")] crate::kafka::Membership),
}

impl Claims {
    /// Grants all of `partitions` at once.
    pub(crate) fn all(topic: Topic, partitions: &[Partition]) -> Self {
        let (sender, changes) = sync_channel(partitions.len().max(1));
        for partition in partitions {
            // The channel has room for all of them.
            let _ = sender.try_send(Claim::Granted(topic, *partition));
        }
        Self {
            changes,
            _source: Source::Settled(sender),
        }
    }

    /// Grants what the group gives this process, for as long as it is a member.
    pub(crate) fn of_group(changes: Receiver<Claim>, membership: crate::kafka::Membership) -> Self {
        Self {
            changes,
            _source: Source::Group(membership),
        }
    }

    /// The next change, or `None` when `timeout` has passed without one.
    pub fn next(&self, timeout: Duration) -> Option<Claim> {
        self.changes.recv_timeout(timeout).ok()
    }
}
