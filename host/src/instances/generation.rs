//! The instances of one version of a plugin on one worker.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use jackfield_hub::ConnectionId;
use jackfield_plugin::{CallError, Exports, GrantedDirectory, Grants, Instance, InstanceLimits};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::hook::{Answer, Hook};
use super::pool::{Pool, Retired};
use super::swapping::move_state;
use super::{Failure, HOME};
use crate::config::resolved::{self, Instances};
use crate::metrics::Limit;
use crate::server::PluginIndex;
use crate::swap::Version;
use crate::worker::{HostServices, Worker};

/// How many times `limits.shutdown_time` all instances of a version that ends may take together.
const TELLING: u32 = 5;
/// Failures of `on-shutdown` in one version after which the rest is not asked.
const TOLD_FAILURES: usize = 10;
/// Calls that an instance makes at least before it is recycled.
const RECYCLE_AFTER: u64 = 16;

/// The grants as the engine takes them, with the variables as they are now.
pub(crate) fn granted(config: &resolved::Grants) -> Grants {
    let value = |name: &String| Some((name.clone(), std::env::var(name).ok()?));
    Grants {
        environment: config.environment.iter().filter_map(value).collect(),
        directories: config
            .directories
            .iter()
            .map(|(guest, directory)| GrantedDirectory {
                host: directory.path.clone(),
                guest: guest.clone(),
                writable: directory.writable,
            })
            .collect(),
    }
}

/// The limits as the engine takes them.
pub(crate) fn limited(config: &resolved::PluginLimits, hostcall_bytes: usize) -> InstanceLimits {
    InstanceLimits {
        memory_bytes: config.memory_bytes,
        table_elements: config.table_elements,
        call_time: config.call_time,
        shutdown_time: config.shutdown_time,
        wait_time: config.wait_time,
        hostcall_bytes,
    }
}

/// Where each instance runs one call at a time, only modes with many instances can have too many calls.
fn concurrent_calls(config: &resolved::Plugin, shared: u32) -> Option<Semaphore> {
    let most = config.limits.concurrent_calls.min(Semaphore::MAX_PERMITS);
    let instances = match config.instances {
        Instances::Connection => usize::MAX,
        Instances::Worker | Instances::Single | Instances::Pool(_) => shared as usize,
    };
    (instances > most).then(|| Semaphore::new(most))
}

/// A version's instances, in the places that its `instances` mode gives them.
pub(crate) struct Generation {
    index: PluginIndex,
    pub(super) version: Arc<Version>,
    limits: InstanceLimits,
    grants: Grants,
    /// The instances for all connections; unused in the `connection` mode.
    pub(super) shared: Pool,
    /// As many permits as calls may run at a time; none where there are fewer instances than that.
    concurrent: Option<Semaphore>,
    /// How many calls an instance had made when it could not be recycled.
    refused_at: Cell<u64>,
    /// The instances of the `connection` mode.
    pub(super) own: RefCell<HashMap<ConnectionId, Rc<Pool>>>,
}

impl Generation {
    pub(super) fn new(
        index: PluginIndex,
        version: Arc<Version>,
        largest_message: usize,
    ) -> Rc<Self> {
        let config = &version.config;
        let size = match config.instances {
            Instances::Pool(size) => u32::try_from(size).unwrap_or(u32::MAX).max(1),
            Instances::Worker | Instances::Single | Instances::Connection => 1,
        };
        let limits = limited(&config.limits, largest_message);
        let grants = granted(&config.grants);
        let concurrent = concurrent_calls(config, size);
        Rc::new(Generation {
            index,
            version,
            limits,
            grants,
            concurrent,
            shared: Pool::new(size),
            refused_at: Cell::new(0),
            own: RefCell::default(),
        })
    }

    pub(super) fn mode(&self) -> Instances {
        self.version.config.instances
    }

    pub(crate) fn exports(&self) -> Exports {
        self.version.plugin.exports()
    }

    /// The version that this generation runs.
    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    /// A call of this version failed.
    pub(super) fn failure(&self, error: CallError) -> Failure {
        Failure::Call {
            error,
            version: *self.version.plugin.digest(),
        }
    }

    /// Whether instances for all connections live on this worker.
    pub(super) fn shares_here(&self, worker: &Worker) -> bool {
        match self.mode() {
            Instances::Worker | Instances::Pool(_) => true,
            Instances::Single => worker.index == HOME,
            Instances::Connection => false,
        }
    }

    /// Makes the first instance where one is shared, so that a plugin that cannot start is known early.
    pub(super) async fn warm_up(&self, worker: &Rc<Worker>) -> Result<(), CallError> {
        if self.shares_here(worker) {
            self.shared.put(self.create(worker).await?);
        }
        Ok(())
    }

    /// Runs a hook on an instance of this worker, unless this version serves no more.
    pub(super) async fn call(
        &self,
        worker: &Rc<Worker>,
        connection: Option<ConnectionId>,
        hook: &Hook<'_>,
    ) -> Result<Result<Answer, Failure>, Retired> {
        let own = match (self.mode(), connection) {
            (Instances::Connection, Some(id)) => Some(
                self.own
                    .borrow_mut()
                    .entry(id)
                    .or_insert_with(|| Rc::new(Pool::new(1)))
                    .clone(),
            ),
            _ => None,
        };
        let pool = own.as_deref().unwrap_or(&self.shared);
        let turn = pool.turn().await?;
        // Boxed: few calls need them.
        let create = async || Box::pin(self.create(worker)).await;
        let renew = async |instance: Box<Instance>| match self.is_worn(&instance) {
            true => Box::pin(self.renew(worker, instance)).await,
            false => instance,
        };
        let _running = match &self.concurrent {
            Some(concurrent) => Box::pin(Self::running(concurrent, worker)).await,
            None => None,
        };
        let answer = turn.run(create, renew, hook).await;
        self.version.count(worker.index, answer.as_ref().err());
        Ok(answer.map_err(|error| self.failure(error)))
    }

    /// The right to be one of the calls that run.
    async fn running<'c>(
        concurrent: &'c Semaphore,
        worker: &Worker,
    ) -> Option<SemaphorePermit<'c>> {
        if let Ok(permit) = concurrent.try_acquire() {
            return Some(permit);
        }
        worker.met(Limit::ConcurrentCalls);
        concurrent.acquire().await.ok()
    }

    /// Gives a fresh instance with the same memory for one that has done enough, or that one when it cannot be.
    async fn renew(&self, worker: &Rc<Worker>, mut instance: Box<Instance>) -> Box<Instance> {
        // Room for the next attempt, should this one fail.
        let fresh = async {
            let fresh = self.create(worker).await.map_err(|e| e.to_string())?;
            if !self.exports().state {
                return Ok(fresh);
            }
            move_state(&mut instance, &self.version, fresh).await
        };
        match fresh.await {
            Ok(fresh) => {
                tracing::debug!(
                    version = self.version.plugin.digest().short(),
                    "an instance was recycled"
                );
                // Its memory is gone with it; what it wanted to say at the end it may say.
                if let Err(error) = instance.on_shutdown().await {
                    tracing::debug!(%error, "a recycled instance did not end well");
                }
                fresh
            }
            Err(error) => {
                tracing::warn!(
                    version = self.version.plugin.digest().short(),
                    error,
                    "an instance could not be recycled (recycle.calls, recycle.memory_bytes); it goes on"
                );
                self.refused_at.set(instance.calls());
                instance
            }
        }
    }

    /// Whether an instance is to be replaced by a fresh one.
    fn is_worn(&self, instance: &Instance) -> bool {
        let config = &self.version.config;
        let calls = instance.calls();
        // An instance that is worn from the start, or cannot be replaced, is not tried at every call.
        if calls < self.refused_at.get().saturating_add(RECYCLE_AFTER) {
            return false;
        }
        let mark = config.recycle.memory_bytes.or_else(|| {
            let most = config.limits.memory_bytes / 4 * 3;
            self.exports().state.then_some(most)
        });
        config.recycle.calls.is_some_and(|most| calls >= most)
            || mark.is_some_and(|mark| instance.memory_bytes() >= mark)
    }

    /// A fresh instance that has been told that it starts.
    pub(super) async fn create(&self, worker: &Rc<Worker>) -> Result<Box<Instance>, CallError> {
        let services = Box::new(HostServices::new(
            worker,
            self.index,
            *self.version.plugin.digest(),
        ));
        let plugin = &self.version.plugin;
        let instance = plugin.instantiate_with(services, &self.limits, &self.grants);
        let mut instance = Box::new(instance.await?);
        instance.on_started().await?;
        Ok(instance)
    }

    /// Every pool there is now.
    pub(super) fn own_pools(&self) -> Vec<(ConnectionId, Rc<Pool>)> {
        let own = self.own.borrow();
        own.iter().map(|(id, pool)| (*id, pool.clone())).collect()
    }

    /// Whether a call runs.
    pub(super) fn is_busy(&self) -> bool {
        self.shared.is_busy() || self.own.borrow().values().any(|pool| pool.is_busy())
    }

    /// Lets no call begin any more; calls that run end on this version.
    pub(super) fn retire(&self) {
        self.shared.retire();
        for (_, pool) in self.own_pools() {
            pool.retire();
        }
    }

    /// Lets a version end that serves no more: its calls go on to their end, then its instances are told, and dropped
    /// one after another with room for others in between. However many there are, telling them has an end: those that
    /// are left then, and those behind the tenth that failed, are dropped without a word. `telling` is the plugin's: of
    /// versions that end at the same time one instance is told at a time, so that they do not slow down the others
    /// together.
    pub(super) async fn end(&self, telling: &Mutex<()>) -> Vec<Failure> {
        self.retire();
        let own = std::mem::take(&mut *self.own.borrow_mut());
        let mut left = self.version.config.limits.shutdown_time * TELLING;
        let mut errors = Vec::new();
        for pool in std::iter::once(&self.shared).chain(own.values().map(|pool| &**pool)) {
            pool.drained().await;
            while let Some(mut instance) = pool.take_idle() {
                if !left.is_zero() && errors.len() < TOLD_FAILURES {
                    let began = Instant::now();
                    let told = async {
                        let _turn = telling.lock().await;
                        instance.on_shutdown().await
                    };
                    match timeout(left, told).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => errors.push(error),
                        Err(_) => tracing::warn!(
                            version = self.version.plugin.digest().short(),
                            "on-shutdown of many instances takes too long (limits.shutdown_time); the others are dropped untold"
                        ),
                    }
                    left = left.saturating_sub(began.elapsed());
                }
                drop(instance);
                // Dropping an instance takes a while as well.
                tokio::task::yield_now().await;
            }
        }
        errors
            .into_iter()
            .map(|error| self.failure(error))
            .collect()
    }

    /// The server ends: waits for the calls that run, then tells every instance that it is over.
    pub(super) async fn wind_up(&self) -> Vec<Failure> {
        self.shared.drained().await;
        let mut errors = self.shared.shut_down().await;
        for (_, pool) in self.own_pools() {
            pool.drained().await;
            errors.append(&mut pool.shut_down().await);
        }
        errors
            .into_iter()
            .map(|error| self.failure(error))
            .collect()
    }
}
