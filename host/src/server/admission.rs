//! Who gets in: how many sockets may be without an upgrade at a time, and what one address may do.
//!
//! An address is an IPv4 address, or the first 64 bits of an IPv6 address, which is what one customer has at least. It
//! is remembered for as long as it has connections, or has used some of its upgrades. What is remembered is bounded: by
//! the connections that there may be, and by a share for addresses without any.
//!
//! The lock here is taken once or twice in a connection's life, never for a message.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::resolved::Limits;
use crate::metrics::Limit;

/// How long a time's worth of upgrades an address may use at once: a page with several sockets, or the clients behind
/// one address after a restart.
const BURST: Duration = Duration::from_secs(5);
/// Addresses without connections that are remembered for the upgrades they used. Beyond, they are forgotten early.
const REMEMBERED: usize = 65_536;
/// Sockets above a limit of this room that may be told so at a time; more are dropped at once.
const TOLD_AT_ONCE: usize = 256;

/// The limits, and who has used what of them.
pub(crate) struct Admission {
    per_address: Option<u32>,
    upgrades_per_second: Option<u32>,
    unlimited: Vec<IpNet>,
    handshakes: Arc<Semaphore>,
    told: Arc<Semaphore>,
    capacity: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    addresses: HashMap<IpAddr, Address>,
    swept: Option<Instant>,
}

/// What is known of an address.
struct Address {
    connections: u32,
    /// When it will have all of its upgrades again.
    full: Instant,
}

/// A socket's place among those without an upgrade, and among those of its address.
pub(crate) struct Ticket {
    seat: Option<Seat>,
    /// None once upgraded: an open connection does not carry room for it.
    entering: Option<Box<Entering>>,
}

/// What concerns a socket without an upgrade.
struct Entering {
    admission: Arc<Admission>,
    _handshake: Option<OwnedSemaphorePermit>,
    address: Option<IpAddr>,
    refused: Option<Refused>,
    /// The place among those that are told that they are refused.
    _told: Option<OwnedSemaphorePermit>,
}

/// A connection of an address.
struct Seat {
    admission: Arc<Admission>,
    address: IpAddr,
}

/// Why a socket does not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// `limits.handshakes`
    Handshakes,
    /// `limits.connections_per_address`
    Address,
    /// `limits.upgrades_per_second`, and when there will be one again.
    Rate(Duration),
}

impl Refused {
    /// The limit that was met.
    pub(crate) fn limit(self) -> Limit {
        match self {
            Refused::Handshakes => Limit::Handshakes,
            Refused::Address => Limit::ConnectionsPerAddress,
            Refused::Rate(_) => Limit::UpgradesPerSecond,
        }
    }
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let handshakes = limits.handshakes.min(Semaphore::MAX_PERMITS);
        Arc::new(Admission {
            per_address: limits.connections_per_address,
            upgrades_per_second: limits.upgrades_per_second,
            unlimited: limits.unlimited_addresses.clone(),
            handshakes: Arc::new(Semaphore::new(handshakes)),
            told: Arc::new(Semaphore::new(TOLD_AT_ONCE)),
            capacity: limits.connections.saturating_add(REMEMBERED),
            table: Mutex::default(),
        })
    }

    /// Takes a socket in. `address` is its peer's, unless that is a proxy's. A ticket that is refused already is for
    /// telling the peer so.
    ///
    /// # Errors
    /// When too many are being told; the socket is to be dropped.
    pub(crate) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Ticket, Refused> {
        let handshake = self.handshakes.clone().try_acquire_owned().ok();
        let refused = handshake.is_none().then_some(Refused::Handshakes);
        let mut ticket = Ticket {
            seat: None,
            entering: Some(Box::new(Entering {
                admission: self.clone(),
                _handshake: handshake,
                address: None,
                refused,
                _told: None,
            })),
        };
        if refused.is_none()
            && let Some(address) = address
        {
            ticket.is_from(address);
        }
        if let Some(entering) = &mut ticket.entering
            && let Some(refused) = entering.refused
        {
            let told = self.told.clone().try_acquire_owned();
            entering._told = Some(told.map_err(|_| refused)?);
        }
        Ok(ticket)
    }

    /// The form in which an address is counted; none for one that is not held to anything.
    fn counted(&self, address: IpAddr) -> Option<IpAddr> {
        let address = address.to_canonical();
        if self.unlimited.iter().any(|net| net.contains(&address)) {
            return None;
        }
        Some(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
            }
        })
    }

    fn sit(self: &Arc<Self>, address: IpAddr, now: Instant) -> Result<Seat, Refused> {
        let mut table = self.table();
        let known = table.entry(address, now, self.capacity);
        if self
            .per_address
            .is_some_and(|most| known.connections >= most)
        {
            return Err(Refused::Address);
        }
        known.connections += 1;
        Ok(Seat {
            admission: self.clone(),
            address,
        })
    }

    /// Uses one of an address's upgrades.
    fn upgrade(&self, address: IpAddr, now: Instant) -> Result<(), Refused> {
        let Some(per_second) = self.upgrades_per_second else {
            return Ok(());
        };
        let cost = Duration::from_secs(1) / per_second.max(1);
        let mut table = self.table();
        let known = table.entry(address, now, self.capacity);
        let full = known.full.max(now) + cost;
        let ahead = full.saturating_duration_since(now);
        if ahead > BURST {
            return Err(Refused::Rate(ahead - BURST));
        }
        known.full = full;
        Ok(())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn entry(&mut self, address: IpAddr, now: Instant, capacity: usize) -> &mut Address {
        if self.addresses.len() >= capacity && !self.addresses.contains_key(&address) {
            self.make_room(now, capacity);
        }
        self.addresses.entry(address).or_insert(Address {
            connections: 0,
            full: now,
        })
    }

    /// Forgets addresses that have nothing to their name; when there are none, the used upgrades of one that has no
    /// connections. Connections are never forgotten, so that no address gets more of them.
    fn make_room(&mut self, now: Instant, capacity: usize) {
        // Looking through the whole table for every new address would be a way to keep the server busy.
        let due = |swept| now.saturating_duration_since(swept) >= Duration::from_secs(1);
        if self.swept.is_none_or(due) {
            self.swept = Some(now);
            self.addresses
                .retain(|_, known| known.connections > 0 || known.full > now);
        }
        if self.addresses.len() >= capacity {
            let mut some = self.addresses.iter().take(64);
            let idle = some.find(|(_, known)| known.connections == 0);
            if let Some(address) = idle.map(|(address, _)| *address) {
                self.addresses.remove(&address);
            }
        }
    }
}

impl Ticket {
    /// Learns whose socket this is, as a proxy says; from now on it counts as that address's.
    pub(crate) fn is_from(&mut self, address: IpAddr) {
        let Some(entering) = &mut self.entering else {
            return;
        };
        let counted = entering.admission.counted(address);
        if counted == entering.address {
            return;
        }
        self.seat = None;
        entering.address = counted;
        if let Some(counted) = counted
            && entering.refused.is_none()
        {
            match entering.admission.sit(counted, Instant::now()) {
                Ok(seat) => self.seat = Some(seat),
                Err(refused) => entering.refused = Some(refused),
            }
        }
    }

    /// A complete request is here. May it be an upgrade?
    pub(crate) fn request(&self, now: Instant) -> Result<(), Refused> {
        let Some(entering) = &self.entering else {
            return Ok(());
        };
        match (entering.refused, entering.address) {
            (Some(refused), _) => Err(refused),
            (None, Some(address)) => entering.admission.upgrade(address, now),
            (None, None) => Ok(()),
        }
    }

    /// The upgrade succeeded.
    pub(crate) fn upgraded(&mut self) {
        self.entering = None;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.admission.table();
        if let Some(known) = table.addresses.get_mut(&self.address) {
            known.connections = known.connections.saturating_sub(1);
            if known.connections == 0 && known.full <= Instant::now() {
                table.addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(change: impl FnOnce(&mut Limits)) -> Arc<Admission> {
        let mut limits = Limits {
            connections_per_address: Some(2),
            upgrades_per_second: Some(10),
            handshakes: 100,
            ..Limits::default()
        };
        change(&mut limits);
        Admission::new(&limits)
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    impl Ticket {
        fn refused(&self) -> Option<Refused> {
            self.entering.as_ref().and_then(|entering| entering.refused)
        }
    }

    fn admitted(admission: &Arc<Admission>, address: Option<IpAddr>) -> Ticket {
        match admission.admit(address) {
            Ok(ticket) => ticket,
            Err(refused) => panic!("{address:?}: {refused:?}"),
        }
    }

    fn is_refused(admission: &Arc<Admission>, address: &str) -> bool {
        admitted(admission, ip(address)).refused().is_some()
    }

    #[test]
    fn an_address_has_its_share_and_ipv6_counts_by_its_network() {
        for (first, same, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::ffff:1:2:3", "2001:db8:0:1::1"),
        ] {
            let admission = admission(|_| {});
            let a = admitted(&admission, ip(first));
            let b = admitted(&admission, ip(same));
            assert!(is_refused(&admission, first));
            assert!(!is_refused(&admission, other));
            drop(a);
            assert!(!is_refused(&admission, first));
            drop(b);
            assert!(admission.table().addresses.is_empty(), "nothing stays");
        }
    }

    #[test]
    fn this_machine_and_unix_sockets_are_not_held_to_anything() {
        let admission = admission(|_| {});
        for address in [
            ip("127.0.0.1"),
            ip("127.9.9.9"),
            ip("::1"),
            ip("::ffff:127.0.0.1"),
            None,
        ] {
            let tickets: Vec<_> = (0..10).map(|_| admitted(&admission, address)).collect();
            assert!(tickets.iter().all(|ticket| ticket.refused().is_none()));
        }
        assert!(admission.table().addresses.is_empty());
    }

    #[test]
    fn a_proxys_sockets_are_its_clients() {
        let admission = admission(|_| {});
        let clients = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.9"];
        let tickets = clients.map(|client| {
            let mut ticket = admitted(&admission, None);
            ticket.is_from(client.parse().unwrap());
            ticket.is_from(client.parse().unwrap());
            ticket
        });
        let now = Instant::now();
        let answers = tickets.each_ref().map(|ticket| ticket.request(now));
        assert_eq!(answers, [Ok(()), Ok(()), Err(Refused::Address), Ok(())]);
    }

    #[test]
    fn half_open_handshakes_are_bounded_and_so_are_those_that_are_told() {
        let admission = admission(|limits| limits.handshakes = 3);
        let now = Instant::now();
        let mut open: Vec<_> = (0..3).map(|_| admitted(&admission, None)).collect();
        let told: Vec<_> = (0..TOLD_AT_ONCE)
            .map(|_| admitted(&admission, None))
            .collect();
        for ticket in &told {
            assert_eq!(ticket.request(now), Err(Refused::Handshakes));
        }
        assert!(admission.admit(None).is_err(), "one more is dropped");
        open.iter_mut().for_each(Ticket::upgraded);
        assert_eq!(admitted(&admission, None).request(now), Ok(()));
    }

    #[test]
    fn upgrades_come_back_at_their_rate() {
        let admission = admission(|_| {});
        let ticket = admitted(&admission, ip("192.0.2.1"));
        let start = Instant::now();
        for _ in 0..50 {
            assert_eq!(ticket.request(start), Ok(()));
        }
        let tenth = Duration::from_millis(100);
        // Asking in vain costs nothing. How much is ahead depends on when the address was seen first.
        for _ in 0..2 {
            assert_eq!(ticket.request(start), Err(Refused::Rate(tenth)));
        }
        assert_eq!(ticket.request(start + tenth), Ok(()));
        assert!(ticket.request(start + tenth).is_err());
        let other = admitted(&admission, ip("192.0.2.2"));
        assert_eq!(other.request(start), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let admission = admission(|_| {});
        let now = Instant::now();
        let mut table = admission.table();
        table
            .entry(Ipv6Addr::LOCALHOST.into(), now, 100)
            .connections = 1;
        for n in 0..100_000_u32 {
            let known = table.entry(IpAddr::from(n.to_be_bytes()), now, 100);
            known.full = now + Duration::from_secs(3600);
        }
        assert!(table.addresses.len() <= 100, "{}", table.addresses.len());
        let connected = IpAddr::from(Ipv6Addr::LOCALHOST);
        assert!(table.addresses.contains_key(&connected));
    }
}
