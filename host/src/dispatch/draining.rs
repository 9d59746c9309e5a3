//! Closing a worker's connections one after another, so that their clients do not all come back at the same moment.

use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Instant;

use jackfield_hub::{ConnectionId, Entry, Phase};
use tokio::time::sleep_until;

use crate::clock;
use crate::worker::Worker;

/// What a client reads that is closed because of a stop.
const REASON: &str = "the server is shutting down";

/// Closes what is open now, evenly until `until`, in no particular order, each a little earlier or later.
pub(crate) async fn drain(worker: Rc<Worker>, until: Instant) {
    let mut ids: Vec<(u64, ConnectionId)> = {
        let shard = worker.shard.borrow();
        let open = shard
            .ids()
            .filter(|id| shard.entry(*id).map(Entry::phase) == Some(Phase::Open));
        // Seeded by the system, so that no client knows its place.
        let random = RandomState::new();
        open.map(|id| (random.hash_one(id), id)).collect()
    };
    ids.sort_unstable();
    let start = clock::now();
    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX).max(1);
    let step = until.saturating_duration_since(start) / count;
    tracing::info!(connections = ids.len(), ?step, "draining");
    for (place, (random, id)) in (0..count).zip(ids) {
        // The low half: the order was made of the high one.
        let jitter = f64::from(random as u32) / f64::from(u32::MAX);
        sleep_until((start + step * place + step.mul_f64(jitter)).into()).await;
        close(&worker, id, clock::now());
    }
}

/// Starts the closing handshake on every open connection, and ends the handshakes under way.
pub(crate) fn close_all(worker: &Worker, now: Instant) {
    let ids: Vec<_> = worker.shard.borrow().ids().collect();
    for id in ids {
        let phase = worker.shard.borrow().entry(id).map(Entry::phase);
        match phase {
            Some(Phase::Open) => close(worker, id, now),
            Some(Phase::Handshaking) => worker.shard.borrow_mut().set_deadline(id, now),
            Some(Phase::Closing) | None => {}
        }
    }
}

/// RFC 6455 section 7.4.1: 1001 "indicates that an endpoint is 'going away', such as a server going down". IANA's
/// registry has 1012, "Service Restart", too.
fn close(worker: &Worker, id: ConnectionId, now: Instant) {
    let code = worker.site.config.limits.drain_code;
    // One that is closing already is what it should be, and the code is one that may be sent.
    let _ = worker.shard.borrow_mut().close(id, now, code, REASON);
}
