//! Moves a worker's deadlines: handshakes, closes, lingering sockets, and the health check.

use std::rc::Rc;

use jackfield_hub::{Counts, Due};

use super::{TICK, Worker};
use crate::clock;
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
        look(&worker, &mut ended).await;
    }
}

/// Does what is due by now.
pub(crate) async fn tick(worker: &Rc<Worker>) {
    look(worker, &mut Due::default()).await;
}

async fn look(worker: &Rc<Worker>, ended: &mut Due) {
    worker.shard.borrow_mut().advance(clock::now(), ended);
    count(worker);
    for (id, error) in ended.failed.drain(..) {
        dispatch::offence(worker, id, error);
    }
    if !ended.unhealthy.is_empty() {
        dispatch::unhealthy(worker, std::mem::take(&mut ended.unhealthy)).await;
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
