//! How many connections each client address has open, so that one address never takes them all.

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;

/// Bits of an IPv6 address that its network gives: the rest is one client's to vary.
const V6_NETWORK: u128 = !0 << 64;

/// Open connections by client; no larger than the connections that are open.
#[derive(Debug)]
pub(super) struct Addresses {
    most: u32,
    /// Where many clients stand behind one address.
    shared: Vec<IpAddr>,
    open: Arc<Mutex<FxHashMap<IpAddr, u32>>>,
}

/// A place that an address has taken, as long as it is held.
#[derive(Debug)]
pub(super) struct Taken {
    /// None where the address is shared.
    client: Option<IpAddr>,
    open: Arc<Mutex<FxHashMap<IpAddr, u32>>>,
}

impl Addresses {
    /// Nothing open; `most` for each address but the `shared` ones.
    pub(super) fn new(most: u32, shared: &[IpAddr]) -> Self {
        Self {
            most,
            shared: shared.iter().map(IpAddr::to_canonical).collect(),
            open: Arc::default(),
        }
    }

    /// A place for one more connection from `address`; [`None`] where it has taken all of its own.
    pub(super) fn take(&self, address: IpAddr) -> Option<Taken> {
        let address = address.to_canonical();
        let client = (!self.shared.contains(&address)).then(|| network(address));
        if let Some(client) = client {
            let mut open = self.open.lock();
            let count = open.entry(client).or_insert(0);
            if *count >= self.most {
                return None;
            }
            *count += 1;
        }
        Some(Taken {
            client,
            open: Arc::clone(&self.open),
        })
    }
}

impl Taken {
    /// The client; none where many stand behind its address.
    pub(super) const fn client(&self) -> Option<IpAddr> {
        self.client
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(client) = self.client else {
            return;
        };
        if let Entry::Occupied(mut count) = self.open.lock().entry(client) {
            match count.get().checked_sub(1) {
                Some(left) if left > 0 => drop(count.insert(left)),
                Some(_) | None => drop(count.remove()),
            }
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & V6_NETWORK).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_and_gets_back_what_it_gives_back() {
        let addresses = Addresses::new(2, &[address("10.0.0.7")]);
        let take = |text: &str| addresses.take(address(text));
        let held = [take("10.0.0.1").unwrap(), take("::ffff:10.0.0.1").unwrap()];
        assert!(take("10.0.0.1").is_none(), "however it is written");
        let other = take("10.0.0.2").unwrap();
        // A network of IPv6 is one client.
        let six = [take("2001:db8::1").unwrap(), take("2001:db8::2").unwrap()];
        assert!(take("2001:db8::3").is_none());
        assert!(take("2001:db8:0:1::3").is_some());
        // Behind a proxy stand many.
        let behind: Vec<_> = (0..9).map(|_| take("10.0.0.7").unwrap()).collect();
        drop((held, other, six, behind));
        assert!(take("10.0.0.1").is_some());
        assert!(
            addresses.open.lock().is_empty(),
            "nothing is kept of who has gone"
        );
    }
}
