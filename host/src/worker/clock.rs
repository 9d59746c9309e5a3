//! Moves a worker's deadlines: handshakes, closes, lingering sockets, and the health check.

use std::rc::Rc;
use std::time::Instant;

use jackfield_hub::Due;

use super::{TICK, Worker};
use crate::dispatch;

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
        for (id, error) in ended.failed.drain(..) {
            dispatch::offence(&worker, id, error);
        }
        if !ended.unhealthy.is_empty() {
            dispatch::unhealthy(&worker, std::mem::take(&mut ended.unhealthy)).await;
        }
    }
}
