//! The server: assembled top to bottom in [`Server::start`], ended by [`Server::stop`].

mod accept;
mod admission;
mod door;
mod draining;
mod forwarded;
mod listeners;
mod proxy;
mod site;
mod stopping;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jackfield_plugin::{Engine, Plugin};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{oneshot, watch};

pub(crate) use accept::Place;
pub(crate) use admission::{Admission, Refused, Ticket};
pub use door::{Closed, Door, Listen};
pub(crate) use forwarded::{Said, forwarded, x_forwarded};
pub use listeners::Listening;
pub(crate) use listeners::{Entrance, Peer};
pub(crate) use proxy::{ProxyError, ProxyReader};
pub(crate) use site::{PluginIndex, Route, Site};
pub use stopping::{Signals, StopReason, Stopped};
pub use tls::TlsError;
pub(crate) use tls::client_subject;

use crate::admin::{self, AdminError};
use crate::config::Config;
use crate::config::resolved::Address;
use crate::swap::{Plugins, Version};
use crate::worker::{self, Mailbox, Start};
use accept::Gate;
use draining::Plan;

/// How long a stop waits at its very end for what runs in the background: builds notice within this, and what is
/// being compiled is not needed any more.
const LAST_WORK: Duration = Duration::from_millis(500);

/// A plugin that was read, checked and compiled.
#[derive(Clone)]
pub struct LoadedPlugin {
    /// Its name in the configuration.
    pub name: String,
    /// The component.
    pub plugin: Plugin,
}

/// Why a server could not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process listens there.
    #[error(
        "{address} is already in use: stop the program that listens there, or choose another address (`[listen] address` in the configuration, `--listen` for `run`)"
    )]
    AddressInUse {
        /// The address.
        address: Address,
    },
    /// The system does not let us listen there.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: Address,
        /// What the system says.
        source: std::io::Error,
    },
    /// systemd handed no such socket over.
    #[error(
        "no socket was handed over for {address}: start the server from its systemd socket unit, whose FileDescriptorName (or number) it names"
    )]
    NotHanded {
        /// The address.
        address: Address,
    },
    /// A certificate cannot be used.
    #[error(transparent)]
    Tls(TlsError),
    /// The admin API cannot be opened.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A plugin of the configuration was not given.
    #[error("plugin `{0}` is configured, but was not loaded")]
    NotLoaded(String),
    /// A plugin's first instance could not be made.
    #[error("plugin `{plugin}` does not start: {reason}")]
    Plugin {
        /// Its name.
        plugin: String,
        /// What went wrong.
        reason: String,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A worker ended before it served.
    #[error("a worker ended while it was starting; the log says why")]
    Worker,
}

/// A server that serves.
pub struct Server {
    listening: Vec<Listening>,
    door: Door,
    admin_address: Option<SocketAddr>,
    plan: Plan,
    stop: watch::Sender<Option<Instant>>,
    /// Connections that were dropped at the end.
    control: Option<thread::JoinHandle<usize>>,
    ended: oneshot::Receiver<()>,
    plugins: Plugins,
    /// For everything that is not a connection: compiling, admin, watching.
    background: Background,
}

/// A runtime whose end waits for no compilation and no build.
struct Background {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl From<Runtime> for Background {
    fn from(runtime: Runtime) -> Self {
        Background {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(LAST_WORK);
        }
    }
}

impl Server {
    /// Starts listening and serving. Blocks until every plugin has its first instances.
    ///
    /// # Errors
    /// When the address cannot be listened on, or a plugin does not start; see [`StartError`].
    pub fn start(
        config: Config,
        plugins: Vec<LoadedPlugin>,
        engine: Engine,
    ) -> Result<Server, StartError> {
        Server::start_on(Listen::Configured, config, plugins, engine)
    }

    /// As [`Self::start`], listening elsewhere than the configuration says, or nowhere.
    ///
    /// # Errors
    /// The same.
    pub fn start_on(
        listen: Listen,
        config: Config,
        plugins: Vec<LoadedPlugin>,
        engine: Engine,
    ) -> Result<Server, StartError> {
        let listeners = match listen {
            Listen::Configured => listeners::open(&config, None)?,
            Listen::On(socket) => listeners::open(&config, Some(socket))?,
            Listen::Nowhere => Vec::new(),
        };
        let listening: Vec<_> = listeners
            .iter()
            .map(|open| open.listening.clone())
            .collect();
        let certificates: Vec<_> = listeners
            .iter()
            .filter_map(|open| open.entrance.tls.clone())
            .collect();
        let admin = config.admin.as_ref().map(admin::Opened::new).transpose()?;
        let site = Arc::new(Site::new(config));
        let plugins = site.in_order(plugins)?;
        site.warn_about(&plugins);
        let versions = site.versions(plugins);
        let workers = start_workers(&site, &versions)?;
        let (stop, stopping) = watch::channel(None);
        let mailboxes: Vec<_> = workers
            .iter()
            .map(|worker| worker.mailbox.clone())
            .collect();
        let plugins = Plugins::new(
            engine,
            site.clone(),
            mailboxes.clone(),
            versions,
            stopping.clone(),
        );
        let background = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("background")
            .enable_all()
            .build()?;
        // Ends with the runtime, which the server owns.
        background.spawn(plugins.clone().monitor());
        background.spawn(tls::keep_fresh(certificates));
        let admin_address = admin.map(|admin| {
            let (site, plugins) = (site.clone(), plugins.clone());
            admin.serve(
                background.handle(),
                site,
                plugins,
                mailboxes,
                stopping.clone(),
            )
        });
        let (ended_sender, ended) = oneshot::channel();
        let plan = Plan::new(&site.config.limits);
        let own = workers.iter().map(|worker| worker.mailbox.clone());
        let gate = Gate::new(&site, own.collect());
        let door = Door::new(gate.clone(), &site.config)?;
        let control = thread::Builder::new()
            .name("control".into())
            .spawn(move || {
                let dropped = accept::run(listeners, &gate, workers, stopping);
                // Whoever waits for the server may have stopped waiting.
                let _ = ended_sender.send(());
                dropped
            })?;
        Ok(Server {
            listening,
            door,
            admin_address,
            plan,
            stop,
            control: Some(control),
            ended,
            plugins,
            background: background.into(),
        })
    }

    /// Where the server listens, the address of `[listen]` first; empty only with [`Listen::Nowhere`].
    pub fn listening(&self) -> &[Listening] {
        &self.listening
    }

    /// A way in for streams that somebody else accepted.
    pub fn door(&self) -> Door {
        self.door.clone()
    }

    /// Where the admin API listens, if there is one.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// The plugins, to be swapped.
    pub fn plugins(&self) -> Plugins {
        self.plugins.clone()
    }

    /// Where to run what has to do with the server but must not disturb its workers.
    pub fn background(&self) -> &Handle {
        &self.background.handle
    }

    /// Stops: for `limits.drain_window` upgrades are refused and connections are closed one after another; then there
    /// are no new sockets, plugins are told, connections are closed (`limits.drain_code`), and after
    /// `limits.shutdown_timeout` what is left is dropped. Blocks until it is done.
    pub fn stop(mut self) -> Stopped {
        self.request_stop();
        self.join(StopReason::Asked)
    }

    fn request_stop(&self) {
        self.stop
            .send_replace(Some(Instant::now() + self.plan.whole()));
    }

    fn join(&mut self, reason: StopReason) -> Stopped {
        let dropped = self
            .control
            .take()
            .and_then(|control| control.join().ok())
            .unwrap_or_default();
        Stopped { reason, dropped }
    }
}

/// A running worker as the control thread sees it.
pub(crate) struct RunningWorker {
    pub(crate) mailbox: Mailbox,
    pub(crate) ended: oneshot::Receiver<usize>,
    pub(crate) thread: thread::JoinHandle<()>,
}

fn start_workers(
    site: &Arc<Site>,
    versions: &[Arc<Version>],
) -> Result<Vec<RunningWorker>, StartError> {
    let capacity = site.config.limits.mailbox;
    // The worker is a byte of a connection's id.
    let count = site.config.listen.workers.clamp(1, 256);
    let (mailboxes, receivers): (Vec<_>, Vec<_>) =
        (0..count).map(|_| Mailbox::new(capacity)).unzip();
    let mut workers = Vec::new();
    let mut starting = Vec::new();
    for (index, letters) in (0..=u8::MAX).zip(receivers) {
        let (ready, is_ready) = oneshot::channel();
        let (ended_sender, ended) = oneshot::channel();
        let thread = worker::spawn(Start {
            index,
            site: site.clone(),
            versions: versions.to_vec(),
            mailboxes: mailboxes.clone(),
            letters,
            ready,
            ended: ended_sender,
        })?;
        starting.push(is_ready);
        if let Some(mailbox) = mailboxes.get(usize::from(index)) {
            workers.push(RunningWorker {
                mailbox: mailbox.clone(),
                ended,
                thread,
            });
        }
    }
    for is_ready in starting {
        match is_ready.blocking_recv() {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => {
                return Err(StartError::Plugin {
                    plugin: failure.plugin,
                    reason: failure.failure.to_string(),
                });
            }
            Err(_) => return Err(StartError::Worker),
        }
    }
    Ok(workers)
}
