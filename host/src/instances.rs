//! Who shares memory with whom: where the instances of a plugin live on a worker, and how a hook gets to one.
//!
//! | `instances =` | here |
//! |---|---|
//! | `"worker"` | a [`Pool`] of one on each worker |
//! | `{ pool = N }` | a [`Pool`] of up to N on each worker |
//! | `"connection"` | a [`Pool`] of one for each connection |
//! | `"single"` | a [`Pool`] of one on worker 0; the others send their calls there |

mod hook;
mod lines;
mod pool;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use jackfield_hub::{ConnectionId, WorkerIndex};
use jackfield_plugin::{CallError, Exports, GuestStream, InstanceLimits, Plugin};
use tokio::sync::oneshot;

pub(crate) use hook::{Answer, Hook, Message, outside};

use crate::config::resolved::Instances;
use crate::server::{PluginIndex, Site};
use crate::worker::{HostServices, Letter, RemoteCall, Worker};
use lines::LineLimit;
use pool::Pool;

/// The worker on which single instances live.
const HOME: WorkerIndex = 0;

/// Why a hook gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The plugin is at fault.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The worker with the single instance has stopped.
    #[error("the worker that holds the plugin's single instance has stopped")]
    Stopped,
}

/// The instances of one plugin on one worker.
pub(crate) struct Placement {
    index: PluginIndex,
    name: String,
    plugin: Plugin,
    mode: Instances,
    limits: InstanceLimits,
    /// The instances for all connections; unused in the `connection` mode.
    shared: Pool,
    /// The instances of the `connection` mode.
    own: RefCell<HashMap<ConnectionId, Rc<Pool>>>,
    lines: Cell<LineLimit>,
}

impl Placement {
    pub(crate) fn new(site: &Site, index: PluginIndex, plugin: Plugin) -> Self {
        let (name, config) = &site.plugins[index.0];
        let shared = match config.instances {
            Instances::Pool(size) => size.max(1),
            Instances::Worker | Instances::Single | Instances::Connection => 1,
        };
        Placement {
            index,
            name: name.clone(),
            plugin,
            mode: config.instances,
            limits: InstanceLimits {
                memory_bytes: config.limits.memory_bytes,
                table_elements: config.limits.table_elements,
                call_time: config.limits.call_time,
                shutdown_time: config.limits.shutdown_time,
                wait_time: config.limits.wait_time,
                hostcall_bytes: site.config.limits.backlog_bytes,
            },
            shared: Pool::new(shared),
            own: RefCell::default(),
            lines: Cell::new(LineLimit::new(config.limits.log_lines)),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The short digest of the version that serves.
    pub(crate) fn version(&self) -> String {
        self.plugin.digest().short().to_string()
    }

    pub(crate) fn exports(&self) -> Exports {
        self.plugin.exports()
    }

    /// Makes the first instance where one is shared, so that a plugin that cannot start is known early.
    pub(crate) async fn warm_up(&self, worker: &Rc<Worker>) -> Result<(), Failure> {
        let here = match self.mode {
            Instances::Worker | Instances::Pool(_) => true,
            Instances::Single => worker.index == HOME,
            Instances::Connection => false,
        };
        if here {
            self.shared.warm_up(|| self.create(worker)).await?;
        }
        Ok(())
    }

    /// Runs a hook on behalf of a connection, or of the server.
    pub(crate) async fn call(
        &self,
        worker: &Rc<Worker>,
        connection: Option<ConnectionId>,
        hook: Hook<'_>,
    ) -> Result<Answer, Failure> {
        if self.mode == Instances::Single && worker.index != HOME {
            return self.call_home(worker, connection, hook.into_owned()).await;
        }
        self.call_here(worker, connection, hook).await
    }

    /// Runs a hook on an instance of this worker.
    pub(crate) async fn call_here(
        &self,
        worker: &Rc<Worker>,
        connection: Option<ConnectionId>,
        hook: Hook<'_>,
    ) -> Result<Answer, Failure> {
        let create = || self.create(worker);
        let answer = match (self.mode, connection) {
            (Instances::Connection, Some(id)) => {
                let pool = self
                    .own
                    .borrow_mut()
                    .entry(id)
                    .or_insert_with(|| Rc::new(Pool::new(1)))
                    .clone();
                pool.call(create, hook).await
            }
            _ => self.shared.call(create, hook).await,
        };
        Ok(answer?)
    }

    /// Sends a hook to the single instance and waits for its answer.
    async fn call_home(
        &self,
        worker: &Rc<Worker>,
        connection: Option<ConnectionId>,
        hook: Hook<'static>,
    ) -> Result<Answer, Failure> {
        let home = worker
            .mailboxes
            .get(usize::from(HOME))
            .ok_or(Failure::Stopped)?;
        let (reply, answer) = oneshot::channel();
        let call = RemoteCall {
            plugin: self.index,
            connection,
            hook,
            reply,
        };
        if !home.send(Letter::Call(Box::new(call))).await {
            return Err(Failure::Stopped);
        }
        answer.await.unwrap_or(Err(Failure::Stopped))
    }

    /// The connection is gone, and with it the instance that it had to itself.
    pub(crate) fn forget(&self, connection: ConnectionId) {
        if self.mode == Instances::Connection {
            self.own.borrow_mut().remove(&connection);
        }
    }

    /// Runs `on-shutdown` on every instance of this worker.
    pub(crate) async fn shut_down(&self) -> Vec<CallError> {
        let own: Vec<_> = self.own.borrow().values().cloned().collect();
        let mut errors = self.shared.shut_down().await;
        for pool in own {
            errors.append(&mut pool.shut_down().await);
        }
        errors
    }

    /// A line that an instance wrote becomes a line of the log, as long as there are not too many.
    pub(crate) fn log_line(
        &self,
        stream: GuestStream,
        connection: Option<jackfield_plugin::ConnectionId>,
        line: &str,
    ) {
        let mut lines = self.lines.get();
        let allowed = lines.allow(Instant::now());
        self.lines.set(lines);
        if let Some(dropped) = allowed.dropped_before {
            tracing::warn!(
                plugin = %self.name,
                dropped,
                "lines of the plugin were dropped: more than its limits.log_lines in a second"
            );
        }
        if !allowed.this {
            return;
        }
        let connection = connection.map(|id| id.0);
        let (plugin, version) = (&self.name, self.plugin.digest().short());
        match stream {
            GuestStream::Stdout => {
                tracing::info!(target: "plugin", %plugin, %version, connection, "{line}");
            }
            GuestStream::Stderr => {
                tracing::warn!(target: "plugin", %plugin, %version, connection, "{line}");
            }
        }
    }

    async fn create(&self, worker: &Rc<Worker>) -> Result<jackfield_plugin::Instance, CallError> {
        let services = Box::new(HostServices::new(worker, self.index));
        let mut instance = self.plugin.instantiate(services, &self.limits).await?;
        if self.exports().server_events {
            instance.on_started().await?;
        }
        Ok(instance)
    }
}
