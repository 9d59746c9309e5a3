//! A worker's part in a swap: make the new version ready, hold the old one still when its memory is carried over,
//! then switch or forget it.
//!
//! ```text
//! Prepare ──▶ pending ──Commit──▶ the new version serves, the old one ends
//!    │           └─────Abort────▶ the old version goes on
//!    └─ error: the old version was never touched, or goes on
//! ```

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_hub::Phase;
use jackfield_plugin::{Instance, STATE_BYTES};
use tokio::sync::oneshot;

use super::lines::LineLimit;
use super::pool::Pool;
use super::{Generation, Placement, Side, Takes};
use crate::config::resolved::Instances;
use crate::dispatch;
use crate::swap::Version;
use crate::worker::Worker;

/// Says what went wrong, if anything did.
pub(crate) type PrepareReply = oneshot::Sender<Result<(), String>>;

/// What the manager asks of every worker.
pub(crate) enum Step {
    /// Make a version ready. Answered with what went wrong, if anything did.
    Prepare {
        version: Arc<Version>,
        /// Whether guest memory is carried over (`save`, `restore`).
        carry: bool,
        reply: PrepareReply,
    },
    /// Switch to it as the main version. Answered with how long calls were held back.
    Commit { reply: oneshot::Sender<Duration> },
    /// Switch to it, and let the open connections stay on the old version.
    CommitDraining { reply: oneshot::Sender<Duration> },
    /// Give it this share of the connections, in parts of a million.
    CommitShare {
        share: u32,
        reply: oneshot::Sender<Duration>,
    },
    /// Forget it.
    Abort,
    /// End the second version: of a drain the old one, of a canary the new one.
    DropSide { reply: oneshot::Sender<Duration> },
    /// The canary becomes the main version.
    Promote { reply: oneshot::Sender<Duration> },
    /// How many connections each version serves.
    Census { reply: oneshot::Sender<Census> },
}

/// Connections by version on one worker.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Census {
    /// On the main version.
    pub(crate) main: usize,
    /// On the second version.
    pub(crate) side: usize,
}

/// A version that is ready.
pub(super) struct Pending {
    pub(super) generation: Rc<Generation>,
    /// The old pools that are held still, and since when.
    held: Vec<Rc<Generation>>,
    held_pools: Vec<Rc<Pool>>,
    since: Option<Instant>,
}

impl Placement {
    /// Does one step. Runs as a task of its own; the manager sends the next step when all workers have answered.
    pub(crate) async fn step(&self, worker: &Rc<Worker>, step: Step) {
        match step {
            Step::Prepare {
                version,
                carry,
                mut reply,
            } => {
                // An earlier one that the manager gave up may still be on its way out.
                let _one_at_a_time = self.preparing.lock().await;
                let prepared = self.prepare(worker, version, carry, &mut reply).await;
                if reply.send(prepared).is_err() {
                    // The manager gave up, and its abort may have come too early: nothing stays held.
                    self.abort();
                }
            }
            Step::Commit { reply } => {
                let (pause, old) = self.commit();
                let _ = reply.send(pause);
                self.end(worker, old).await;
            }
            Step::CommitDraining { reply } => {
                let (pause, old) = self.commit_draining(worker);
                let _ = reply.send(pause);
                self.end(worker, old).await;
            }
            Step::CommitShare { share, reply } => {
                let (pause, old) = self.commit_share(share);
                let _ = reply.send(pause);
                self.end(worker, old).await;
            }
            Step::Abort => self.abort(),
            Step::DropSide { reply } => {
                let side = self.side.borrow_mut().take();
                let _ = reply.send(Duration::ZERO);
                self.end(worker, side.map(|side| side.generation)).await;
            }
            Step::Promote { reply } => {
                let side = self.side.borrow_mut().take();
                let old = side.map(|side| self.replace_main(side.generation));
                let _ = reply.send(Duration::ZERO);
                self.end(worker, old).await;
            }
            Step::Census { reply } => {
                let _ = reply.send(self.census(worker));
            }
        }
    }

    async fn prepare(
        &self,
        worker: &Rc<Worker>,
        version: Arc<Version>,
        carry: bool,
        reply: &mut PrepareReply,
    ) -> Result<(), String> {
        self.abort();
        let generation = Generation::new(self.index, version, self.largest_message);
        let mut pending = Pending {
            generation: generation.clone(),
            held: Vec::new(),
            held_pools: Vec::new(),
            since: None,
        };
        let old = self.main.borrow().clone();
        let carry = carry && old.exports().state && old.mode() == generation.mode();
        let carried = if carry {
            self.carry(worker, &old, &mut pending, reply).await
        } else {
            generation
                .warm_up(worker)
                .await
                .map_err(|error| error.to_string())
        };
        match carried {
            Ok(()) => {
                // Connections may have ended while others were carried over.
                let left = old.own.borrow();
                let mut own = generation.own.borrow_mut();
                own.retain(|id, _| left.contains_key(id));
                *self.pending.borrow_mut() = Some(pending);
                Ok(())
            }
            Err(reason) => {
                self.let_go(pending);
                Err(reason)
            }
        }
    }

    /// Holds the old instances still and moves what they remember to new ones.
    async fn carry(
        &self,
        worker: &Rc<Worker>,
        old: &Rc<Generation>,
        pending: &mut Pending,
        reply: &mut PrepareReply,
    ) -> Result<(), String> {
        let new = pending.generation.clone();
        if old.mode() == Instances::Connection {
            self.carrying.set(true);
            for (id, pool) in old.own_pools() {
                let fresh = Rc::new(Pool::new(1));
                let instance = new.create(worker).await.map_err(|e| e.to_string())?;
                hold(&pool, reply).await?;
                pending.since.get_or_insert_with(Instant::now);
                pending.held_pools.push(pool.clone());
                fresh.put(move_idle(&pool, old, instance).await?);
                new.own.borrow_mut().insert(id, fresh);
            }
            return Ok(());
        }
        if !old.shares_here(worker) {
            return Ok(());
        }
        let instance = new.create(worker).await.map_err(|e| e.to_string())?;
        hold(&old.shared, reply).await?;
        pending.since = Some(Instant::now());
        pending.held.push(old.clone());
        let instance = move_idle(&old.shared, old, instance).await?;
        new.shared.put(instance);
        Ok(())
    }

    /// The pending version becomes the main one. Gives the pause and the version that ends.
    fn commit(&self) -> (Duration, Option<Rc<Generation>>) {
        let Some(pending) = self.pending.borrow_mut().take() else {
            return (Duration::ZERO, None);
        };
        let old = self.replace_main(pending.generation.clone());
        let pause = self.let_go_committed(&pending, &old);
        (pause, Some(old))
    }

    /// The pending version becomes the main one, and the open connections stay on the old one.
    fn commit_draining(&self, worker: &Worker) -> (Duration, Option<Rc<Generation>>) {
        let Some(pending) = self.pending.borrow_mut().take() else {
            return (Duration::ZERO, None);
        };
        let pinned: HashSet<_> = self.own_connections(worker).into_iter().collect();
        let old = self.replace_main(pending.generation.clone());
        // One that still drains gives its last connections to the version that drains now.
        let before = self.side.borrow_mut().replace(Side {
            generation: old,
            takes: Takes::Pinned(pinned),
        });
        (Duration::ZERO, before.map(|side| side.generation))
    }

    fn replace_main(&self, new: Rc<Generation>) -> Rc<Generation> {
        let old = self.main.replace(new);
        let limits = |generation: &Generation| generation.version.config.limits.log_lines;
        let lines = limits(&self.main.borrow());
        if lines != limits(&old) {
            self.lines.set(LineLimit::new(lines));
        }
        old
    }

    fn commit_share(&self, share: u32) -> (Duration, Option<Rc<Generation>>) {
        let Some(pending) = self.pending.borrow_mut().take() else {
            return (Duration::ZERO, None);
        };
        let before = self.side.borrow_mut().replace(Side {
            generation: pending.generation,
            takes: Takes::Share(share),
        });
        (Duration::ZERO, before.map(|side| side.generation))
    }

    fn abort(&self) {
        if let Some(pending) = self.pending.borrow_mut().take() {
            self.let_go(pending);
        }
    }

    /// The old instances go on.
    fn let_go(&self, pending: Pending) {
        for generation in &pending.held {
            generation.shared.release();
        }
        for pool in &pending.held_pools {
            pool.release();
        }
        self.carrying.set(false);
        self.settled.notify_waiters();
    }

    /// The old instances are over: whoever waited for one goes to the new version. Gives the pause.
    fn let_go_committed(&self, pending: &Pending, old: &Generation) -> Duration {
        old.retire();
        self.carrying.set(false);
        self.settled.notify_waiters();
        pending
            .since
            .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Lets a version end, and says what went wrong then.
    async fn end(&self, worker: &Rc<Worker>, generation: Option<Rc<Generation>>) {
        let Some(generation) = generation else { return };
        for failure in generation.end(&self.telling).await {
            dispatch::log_failure(worker, self.index, None, &failure);
        }
    }

    fn census(&self, worker: &Worker) -> Census {
        let mut census = Census::default();
        let side = self.side.borrow();
        for id in self.own_connections(worker) {
            match &*side {
                Some(side) if side.takes(id) => census.side += 1,
                _ => census.main += 1,
            }
        }
        census
    }

    /// The upgraded connections of this plugin's routes on this worker.
    fn own_connections(&self, worker: &Worker) -> Vec<jackfield_hub::ConnectionId> {
        let ids: Vec<_> = {
            let shard = worker.shard.borrow();
            shard
                .ids()
                .filter(|&id| {
                    shard
                        .entry(id)
                        .is_some_and(|entry| entry.phase() != Phase::Handshaking)
                })
                .collect()
        };
        ids.into_iter()
            .filter(|&id| worker.may_reach(self.index, id))
            .collect()
    }
}

/// Holds a pool still, for as long as the manager waits for that.
async fn hold(pool: &Pool, reply: &mut PrepareReply) -> Result<(), String> {
    tokio::select! {
        biased;
        () = pool.hold() => Ok(()),
        () = reply.closed() => Err("a call of the old version did not end in time".into()),
    }
}

/// Carries what the idle instance of a held pool remembers into a new instance.
async fn move_idle(
    from: &Pool,
    old: &Generation,
    to: Box<Instance>,
) -> Result<Box<Instance>, String> {
    // None is idle when the last call trapped: its memory is gone, and there is nothing to carry.
    let Some(mut instance) = from.take_idle() else {
        return Ok(to);
    };
    let moved = move_state(&mut instance, &old.version, to).await;
    if !instance.is_poisoned() {
        from.put(instance);
    }
    moved
}

/// Carries what an instance of `version` remembers into another one.
pub(super) async fn move_state(
    from: &mut Instance,
    version: &Version,
    mut to: Box<Instance>,
) -> Result<Box<Instance>, String> {
    let state = match from.save().await {
        Ok(Ok(state)) => state,
        Ok(Err(reason)) => return Err(format!("`save` refused: {reason}")),
        Err(error) => return Err(error.to_string()),
    };
    if state.len() > STATE_BYTES {
        return Err(format!(
            "`save` gave {} bytes; at most {STATE_BYTES} are carried over",
            state.len()
        ));
    }
    let version = version.plugin.digest().to_string();
    match to.restore(&version, &state).await {
        Ok(Ok(())) => Ok(to),
        Ok(Err(reason)) => Err(format!("`restore` refused: {reason}")),
        Err(error) => Err(error.to_string()),
    }
}
