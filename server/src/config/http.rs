//! `[http]`: what the listener carries, and how long it waits for a slow client.

use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Limits of the API's listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpSection {
    /// Connections open at once; what comes beyond is closed at once.
    pub(crate) connections: u32,
    /// Of them from one client address; what comes beyond is closed at once.
    pub(crate) connections_per_address: u32,
    /// Addresses that many clients share, a proxy's above all: only the other limits are theirs.
    /// Who stands behind one is not told apart: no header is believed.
    pub(crate) shared_addresses: Vec<IpAddr>,
    /// Of them event streams (`/v1/stream`, `/v1/push`); what comes beyond gets 503.
    pub(crate) streams: u32,
    /// Seconds for the head of a request, and the longest that a connection may be idle.
    head_s: u32,
    /// Seconds for the body of a request.
    body_s: u32,
    /// Seconds that a client may take nothing of what it is sent.
    stall_s: u32,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            connections: 8192,
            connections_per_address: 64,
            // A proxy on this machine.
            shared_addresses: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            streams: 4096,
            head_s: 30,
            body_s: 60,
            stall_s: 60,
        }
    }
}

/// Most connections that can be configured.
const CONNECTIONS_MAX: u32 = 1_000_000;
/// Most seconds that can be configured.
const SECONDS_MAX: u32 = 3600;

impl HttpSection {
    /// For the head of a request.
    pub(crate) fn head(&self) -> Duration {
        Duration::from_secs(self.head_s.into())
    }

    /// For the body of a request.
    pub(crate) fn body(&self) -> Duration {
        Duration::from_secs(self.body_s.into())
    }

    /// For a client to take anything of what it is sent.
    pub(crate) fn stall(&self) -> Duration {
        Duration::from_secs(self.stall_s.into())
    }

    /// Connections at which only those that bring observations are kept open after their answer.
    pub(crate) const fn crowded(&self) -> u32 {
        self.connections - self.connections / 4
    }

    /// As many connections as `descriptors` allow beside `others` of the process.
    pub(crate) fn within(self, descriptors: u64, others: u64) -> Self {
        let left = descriptors.saturating_sub(others).max(4);
        let connections = self
            .connections
            .min(u32::try_from(left).unwrap_or(u32::MAX));
        let mut fewer = Self {
            connections,
            ..self
        };
        fewer.streams = fewer.streams.min(fewer.crowded());
        fewer
    }

    /// Fields that cannot be used, with the least and the most that each may be.
    pub(super) fn out_of_range(&self) -> impl Iterator<Item = (&'static str, u32, u32)> {
        let parts = [
            ("connections", self.connections, 4, CONNECTIONS_MAX),
            (
                "connections_per_address",
                self.connections_per_address,
                1,
                CONNECTIONS_MAX,
            ),
            ("streams", self.streams, 1, self.crowded().max(1)),
            ("head_s", self.head_s, 1, SECONDS_MAX),
            ("body_s", self.body_s, 1, SECONDS_MAX),
            ("stall_s", self.stall_s, 1, SECONDS_MAX),
        ];
        let wrong = parts
            .into_iter()
            .filter(|(_, value, least, most)| value < least || value > most);
        wrong.map(|(field, _, least, most)| (field, least, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used() {
        assert_eq!(HttpSection::default().out_of_range().count(), 0);
    }

    #[test]
    fn streams_leave_a_quarter_to_others() {
        let of = |connections, streams| HttpSection {
            connections,
            streams,
            ..HttpSection::default()
        };
        assert_eq!(of(100, 75).out_of_range().count(), 0);
        let fields: Vec<_> = of(100, 76).out_of_range().collect();
        assert_eq!(fields, [("streams", 1, 75)]);
        assert_eq!(
            of(0, 1).out_of_range().next(),
            Some(("connections", 4, CONNECTIONS_MAX))
        );
    }

    #[test]
    fn descriptors_bound_connections_and_streams() {
        let fewer = HttpSection::default().within(1024, 512);
        assert_eq!((fewer.connections, fewer.streams), (512, 384));
        let same = HttpSection::default().within(1 << 20, 512);
        assert_eq!((same.connections, same.streams), (8192, 4096));
    }
}
