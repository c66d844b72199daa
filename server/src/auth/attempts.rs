//! Slows who tries to guess: each further failure of an address or an account costs a longer wait.
//!
//! An attempt counts from when it is begun, so that many at once gain nothing. An account is never
//! locked for long: that would let anybody keep its owner out.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::network;

/// Parties that are remembered; beyond it those that were quiet longest are forgotten.
const MAX_PARTIES: usize = 10_000;

/// Bytes of a name that are remembered: longer ones are of nobody.
const NAME: usize = 64;

/// After so long all is forgotten.
const QUIET: Duration = Duration::from_secs(3600);

/// Failures of an address that cost nothing, and the longest wait after more.
const OF_ADDRESS: (u32, Duration) = (10, Duration::from_secs(900));

/// The same for an account: less patience, but no long wait.
const OF_ACCOUNT: (u32, Duration) = (5, Duration::from_secs(30));

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<Party, Tries>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Party {
    Address(IpAddr),
    Account(String),
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u32,
    last: Instant,
}

impl Party {
    fn both(address: IpAddr, account: &str) -> [Self; 2] {
        let account = account.chars().take(NAME).collect();
        [Self::Address(network(address)), Self::Account(account)]
    }

    /// How long it waits after `count` attempts.
    fn wait(&self, count: u32) -> Duration {
        let (free, longest) = match self {
            Self::Address(_) => OF_ADDRESS,
            Self::Account(_) => OF_ACCOUNT,
        };
        match count.checked_sub(free) {
            Some(over) => Duration::from_secs(1 << over.min(20)).min(longest),
            None => Duration::ZERO,
        }
    }
}

impl Attempts {
    /// Begins an attempt from `address` on `account`, unless it has to wait: how long.
    ///
    /// # Errors
    ///
    /// How long to wait.
    pub(super) fn begin(
        &self,
        address: IpAddr,
        account: &str,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parties = Party::both(address, account);
        let wait = parties.iter().filter_map(|party| {
            let tries = table.get(party)?;
            let waited = now.saturating_duration_since(tries.last);
            party.wait(tries.count).checked_sub(waited).filter(|left| !left.is_zero())
        });
        if let Some(wait) = wait.max() {
            return Err(wait);
        }
        for party in parties {
            make_room(&mut table, &party, now);
            let tries = table.entry(party).or_insert(Tries { count: 0, last: now });
            if now.saturating_duration_since(tries.last) > QUIET {
                tries.count = 0;
            }
            *tries = Tries { count: tries.count.saturating_add(1), last: now };
        }
        Ok(())
    }

    /// The attempt was good: it does not count, and what was tried on that account is forgotten;
    /// not what was tried from that address, for who has an account of his own could else go on
    /// with others'.
    pub(super) fn succeeded(&self, address: IpAddr, account: &str) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [from, on] = Party::both(address, account);
        table.remove(&on);
        if let Some(tries) = table.get_mut(&from) {
            tries.count = tries.count.saturating_sub(1);
        }
    }
}

fn make_room(table: &mut HashMap<Party, Tries>, party: &Party, now: Instant) {
    if table.len() < MAX_PARTIES || table.contains_key(party) {
        return;
    }
    table.retain(|_, tries| now.saturating_duration_since(tries.last) <= QUIET);
    if table.len() < MAX_PARTIES {
        return;
    }
    // A tenth of them at once, or each further one would cost a look at all.
    let mut times: Vec<Instant> = table.values().map(|tries| tries.last).collect();
    let mut left = times.len() / 10;
    let (_, &mut limit, _) = times.select_nth_unstable(left);
    table.retain(|_, tries| {
        let goes = left > 0 && tries.last <= limit;
        left -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn who_fails_waits_longer_and_longer() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let mut now = start;
        let mut tried = 0;
        let hour = Duration::from_secs(3600);
        while now < start + hour {
            match attempts.begin(address(1), &format!("user{tried}"), now) {
                Ok(()) => tried += 1,
                Err(wait) => now += wait,
            }
        }
        assert!((12..30).contains(&tried), "{tried} guesses in an hour from one address");
        assert_eq!(attempts.begin(address(2), "somebody", now), Ok(()), "others are not slowed");
    }

    #[test]
    fn an_account_is_slowed_whoever_tries_and_never_locked() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let mut refused = 0;
        for from in 0..100 {
            refused += u32::from(attempts.begin(address(from), "alice", now).is_err());
        }
        assert_eq!(refused, 95);
        let later = now + OF_ACCOUNT.1;
        assert_eq!(attempts.begin(address(200), "alice", later), Ok(()), "its owner gets in");
        attempts.succeeded(address(200), "alice");
        assert_eq!(attempts.begin(address(201), "alice", later), Ok(()));
    }

    #[test]
    fn an_account_of_ones_own_is_no_way_around() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let mut guesses = 0;
        for _ in 0..1000 {
            if attempts.begin(address(1), "mine", now).is_ok() {
                attempts.succeeded(address(1), "mine");
            }
            guesses += u32::from(attempts.begin(address(1), "alice", now).is_ok());
        }
        assert_eq!(guesses, 5);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..30_000_u32 {
            let from = IpAddr::from(number.to_be_bytes());
            let _may_wait = attempts.begin(from, &format!("{number}"), now);
        }
        let held = attempts.0.lock().expect("whole").len();
        assert!(held <= MAX_PARTIES, "{held}");
    }
}
