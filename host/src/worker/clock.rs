//! Moves a worker's deadlines: handshakes, closes, lingering sockets, and the health check.

use std::rc::Rc;
use std::time::Instant;

use jackfield_hub::{Counts, Due};

use super::{TICK, Worker};
use crate::dispatch;
use crate::metrics::Limit;

/// Runs for as long as the worker does.
pub(super) async fn run(worker: Rc<Worker>) {
    let mut ended = Due::default();
    loop {
        while worker.shard.borrow().is_empty() {
            worker.population.notified().await;
        }
        tokio::time::sleep(TICK).await;
        let now = Instant::now();
        worker.shard.borrow_mut().advance(now, &mut ended);
        count(&worker);
        for (id, error) in ended.failed.drain(..) {
            dispatch::offence(&worker, id, error);
        }
        if !ended.unhealthy.is_empty() {
            dispatch::unhealthy(&worker, std::mem::take(&mut ended.unhealthy)).await;
        }
    }
}

/// The hub counts without a way to tell; this tells.
fn count(worker: &Worker) {
    let counts = worker.shard.borrow_mut().take_counts();
    if counts == Counts::default() {
        return;
    }
    for (limit, times) in [
        (Limit::MessagesPerSecond, counts.message_rate),
        (Limit::BytesPerSecond, counts.byte_rate),
        (Limit::ControlPerSecond, counts.control_rate),
        (Limit::BacklogDroppedOldest, counts.dropped),
    ] {
        worker.site.metrics.met(worker.counters(), limit, times);
    }
}
