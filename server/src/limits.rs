//! How much of everything there may be: names and defaults, and the count of connections.
//!
//! Nothing here refuses anybody: who counts is told whether there is room, and answers.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::ensure;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// `[limits]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at once: each holds a descriptor and some tens of kilobytes.
    pub connections: u32,
    /// Of those, from one address (from one /64 of IPv6); this machine and trusted proxies, who
    /// stand for many, are not counted.
    pub connections_per_address: u32,
    /// Sockets and streams at once: fewer, so that a page can always be asked for.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 2000, connections_per_address: 200, streams: 1000 }
    }
}

impl Limits {
    /// # Errors
    ///
    /// When a limit would let nobody in, or is more than can be counted.
    pub fn check(&self) -> anyhow::Result<()> {
        for (name, value) in [
            ("connections", self.connections),
            ("connections_per_address", self.connections_per_address),
            ("streams", self.streams),
        ] {
            ensure!(
                (1..=1_000_000).contains(&value),
                "the limit `{name}` is {value}; it can be from 1 to 1000000"
            );
        }
        Ok(())
    }
}

/// Connections that are told that there is no room: beyond these, others wait in the kernel's queue.
const REFUSALS: usize = 32;

/// Counts connections.
#[derive(Debug)]
pub struct Places {
    all: Arc<Semaphore>,
    total: u32,
    per_address: u32,
    refusals: Arc<Semaphore>,
    addresses: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// A connection's place, given back when it is dropped.
#[derive(Debug)]
pub enum Place {
    /// There is room.
    Free(OwnedSemaphorePermit, Option<Counted>),
    /// As many connections are open as there may be.
    Full(OwnedSemaphorePermit),
    /// As many are open from that address as there may be.
    TooMany(OwnedSemaphorePermit),
}

/// A connection that is counted for its address.
#[derive(Debug)]
pub struct Counted {
    address: IpAddr,
    addresses: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

impl Places {
    pub fn new(limits: &Limits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.connections as usize)),
            total: limits.connections,
            per_address: limits.connections_per_address,
            refusals: Arc::new(Semaphore::new(REFUSALS)),
            addresses: Arc::default(),
        }
    }

    /// A place for a connection from `peer`; waits while even refusals are too many. `counted` is
    /// false for a peer that stands for many.
    pub async fn take(&self, peer: IpAddr, counted: bool) -> Option<Place> {
        let counted = if counted && !peer.is_loopback() {
            match self.count(network(peer)) {
                Some(counted) => Some(counted),
                None => return Some(Place::TooMany(self.refusal().await?)),
            }
        } else {
            None
        };
        Some(match Arc::clone(&self.all).try_acquire_owned() {
            Ok(permit) => Place::Free(permit, counted),
            Err(_full) => Place::Full(self.refusal().await?),
        })
    }

    async fn refusal(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.refusals).acquire_owned().await.ok()
    }

    fn count(&self, address: IpAddr) -> Option<Counted> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        // No more entries than connections: each has one at least.
        let count = addresses.entry(address).or_insert(0);
        if *count >= self.per_address {
            return None;
        }
        *count += 1;
        Some(Counted { address, addresses: Arc::clone(&self.addresses) })
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        (self.total as usize).saturating_sub(self.all.available_permits())
    }

    /// Waits until all are closed.
    pub async fn emptied(&self) {
        // An error would mean that there is nothing to wait for.
        let _all = self.all.acquire_many(self.total).await;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

/// What one party can take addresses from at will: an address of IPv4, a /64 of IPv6.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from(u128::from(six) & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test]
    async fn an_address_takes_no_more_than_its_share() {
        let limits = Limits { connections: 5, connections_per_address: 2, ..Limits::default() };
        let places = Places::new(&limits);
        let take = async |text| places.take(address(text), true).await.expect("an answer");
        let first = take("2001:db8::1").await;
        let _second = take("2001:db8::2").await;
        assert!(matches!(take("2001:db8::3").await, Place::TooMany(_)), "of the same network");
        let _other = take("2001:db8:1::1").await;
        drop(first);
        assert!(matches!(take("2001:db8::4").await, Place::Free(..)), "one has left");
        let local: Vec<_> = [take("127.0.0.1").await, take("::1").await, take("127.0.0.1").await]
            .into_iter()
            .collect();
        assert!(matches!(local.last(), Some(Place::Free(..))), "this machine is not counted");
        let _four = take("192.0.2.1").await;
        drop(local);
        assert_eq!(places.open(), 2);
    }

    #[tokio::test]
    async fn a_full_server_says_so() {
        let limits = Limits { connections: 1, ..Limits::default() };
        let places = Places::new(&limits);
        let held = places.take(address("127.0.0.1"), true).await;
        assert!(matches!(held, Some(Place::Free(..))));
        assert!(matches!(places.take(address("127.0.0.1"), true).await, Some(Place::Full(_))));
        drop(held);
        assert!(matches!(places.take(address("127.0.0.1"), true).await, Some(Place::Free(..))));
    }

    #[test]
    fn a_mapped_address_is_the_same_address() {
        assert_eq!(network(address("::ffff:192.0.2.7")), address("192.0.2.7"));
        assert_eq!(network(address("2001:db8::7:1")), address("2001:db8::"));
    }
}
