//! Which partitions a process owns.

use crate::{Partition, Topic};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// A change of ownership.
#[derive(Clone, Debug)]
pub enum Claim {
    /// This process steps the partition from `resume` on.
    Granted(Topic, Partition),
    /// Another process is to step it: finish what is on its way, drop its state and the [`Release`].
    Revoked(Topic, Partition, Release),
}

/// Held by who had a partition until it is finished with it: the next owner waits for that, some
/// seconds at most. Where the partition is lost already nobody waits, and what is written is refused.
#[derive(Clone, Debug)]
pub struct Release(#[expect(dead_code, reason = "held, never used")] Option<Sender<()>>);

impl Release {
    /// One that `waiting` sees the end of once it and its clones are dropped.
    pub(crate) fn awaited() -> (Self, Receiver<()>) {
        let (held, waiting) = channel();
        (Self(Some(held)), waiting)
    }

    /// One that nobody waits for.
    pub(crate) const fn late() -> Self {
        Self(None)
    }
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
