//! Idle connections: what each costs in the server's memory when it has spoken once and is silent since.

use std::time::Duration;

use super::connect::Target;
use super::frames::Frames;
use super::{LoadError, Plan, Report};
use crate::system::anonymous_memory;

/// Connections before the first look at the memory: what the server needs once is there already.
const FIRST: usize = 50;
/// For the server to come to rest.
const SETTLE: Duration = Duration::from_millis(500);

pub(super) fn run(plan: &Plan, target: &Target<'_>, frames: &Frames) -> Result<Report, LoadError> {
    let Some(pid) = plan.pid else {
        return Err(LoadError::Plan("idle needs the server's --pid"));
    };
    let first = target.connect_all(FIRST, frames)?;
    std::thread::sleep(SETTLE);
    let before = anonymous_memory(pid)?;
    let mut rest = Vec::with_capacity(plan.connections);
    for index in 0..plan.connections {
        rest.push(target.connect(FIRST + index, frames)?);
    }
    std::thread::sleep(SETTLE);
    let after = anonymous_memory(pid)?;
    drop(first);
    Ok(Report {
        connections: rest.len(),
        memory_per_connection: after.saturating_sub(before) / plan.connections as u64,
        ..Report::default()
    })
}
