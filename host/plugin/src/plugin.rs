//! One version of a plugin: checked, compiled, its exports looked up.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use crate::CONTRACT_VERSIONS;
use crate::check::Hook;
use crate::digest::Digest;
use crate::engine::Inner;
use crate::error::{CallError, LoadError};
use crate::grants::Grants;
use crate::instance::Instance;
use crate::limits::InstanceLimits;
use crate::native::Handler;
use crate::services::Services;
use crate::state::State;

/// A version of a plugin, ready to be instantiated; cloning is cheap.
#[derive(Clone)]
pub struct Plugin {
    version: Arc<Version>,
}

/// Which interfaces of the contract a component exports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exports {
    /// `handshake`.
    pub handshake: bool,
    /// `handler`.
    pub handler: bool,
    /// `connection-events`.
    pub connection_events: bool,
    /// `socket-events`.
    pub socket_events: bool,
    /// `health-events`.
    pub health_events: bool,
    /// `server-events`.
    pub server_events: bool,
    /// `state`.
    pub state: bool,
}

/// What a plugin and its instances share.
pub(crate) struct Version {
    name: String,
    digest: Digest,
    contract: String,
    pub(crate) code: Code,
    pub(crate) exports: Exports,
    pub(crate) live: AtomicUsize,
    from_cache: bool,
    compile_time: Duration,
}

/// What a version is made of.
pub(crate) enum Code {
    /// Boxed, as it is by far the larger.
    Component(Box<Compiled>),
    Native(Native),
}

/// A component, compiled.
pub(crate) struct Compiled {
    pub(crate) engine: Arc<Inner>,
    pub(crate) pre: InstancePre<State>,
    pub(crate) indices: Indices,
}

/// Makes the handlers of a native plugin.
pub(crate) struct Native {
    pub(crate) make: Box<dyn Fn() -> Box<dyn Handler> + Send + Sync>,
}

impl Plugin {
    pub(crate) fn load(engine: &Arc<Inner>, name: &str, bytes: &[u8]) -> Result<Plugin, LoadError> {
        let inspection = crate::check::inspect(bytes)?;
        inspection.verdict()?;
        let limit = engine.memory_bytes_max as u64;
        if inspection.memory_bytes > limit {
            return Err(LoadError::TooMuchMemory {
                needed: inspection.memory_bytes,
                limit,
            });
        }
        let digest = inspection.digest;
        let start = Instant::now();
        let (component, from_cache) = match engine
            .cache
            .as_ref()
            .and_then(|cache| cache.take(&engine.engine, &digest))
        {
            Some(component) => (component, true),
            None => {
                let component = Component::from_binary(&engine.engine, bytes)
                    .map_err(|error| LoadError::Compile(format!("{error:#}")))?;
                if let Some(cache) = &engine.cache {
                    cache.put(&component, &digest);
                }
                (component, false)
            }
        };
        let compile_time = start.elapsed();
        let pre = engine
            .linker
            .instantiate_pre(&component)
            .map_err(|error| LoadError::Link(format!("{error:#}")))?;
        let indices = Indices::look_up(&component, &inspection.hooks);
        let contract = inspection.contract_version().unwrap_or_default().to_owned();
        Ok(Plugin {
            version: Arc::new(Version {
                name: name.to_owned(),
                digest,
                contract,
                exports: indices.exports(),
                code: Code::Component(Box::new(Compiled {
                    engine: Arc::clone(engine),
                    pre,
                    indices,
                })),
                live: AtomicUsize::new(0),
                from_cache,
                compile_time,
            }),
        })
    }

    /// A plugin of hooks in Rust, each instance of which `make` makes; `hooks` says which groups of them are called.
    /// Its digest is that of its name and of the type of `make`.
    pub fn native<F>(name: &str, hooks: Exports, make: F) -> Plugin
    where
        F: Fn() -> Box<dyn Handler> + Send + Sync + 'static,
    {
        let identity = format!("native {name} {}", std::any::type_name::<F>());
        Plugin {
            version: Arc::new(Version {
                name: name.to_owned(),
                digest: Digest::of(identity.as_bytes()),
                contract: CONTRACT_VERSIONS
                    .last()
                    .copied()
                    .unwrap_or_default()
                    .to_owned(),
                code: Code::Native(Native {
                    make: Box::new(make),
                }),
                exports: hooks,
                live: AtomicUsize::new(0),
                from_cache: false,
                compile_time: Duration::ZERO,
            }),
        }
    }

    /// The name it was loaded under.
    pub fn name(&self) -> &str {
        &self.version.name
    }

    /// The digest of the component's bytes.
    pub fn digest(&self) -> &Digest {
        &self.version.digest
    }

    /// The version of the contract that it was built for, such as `0.1.0`; empty when it exports no hook.
    pub fn contract_version(&self) -> &str {
        &self.version.contract
    }

    /// Which interfaces of the contract it exports.
    pub fn exports(&self) -> Exports {
        self.version.exports
    }

    /// Whether the compiled code came from the cache.
    pub fn from_cache(&self) -> bool {
        self.version.from_cache
    }

    /// How long compiling, or reading the cache, took.
    pub fn compile_time(&self) -> Duration {
        self.version.compile_time
    }

    /// Instances of this version that exist now: zero once nothing uses it any more.
    pub fn live_instances(&self) -> usize {
        self.version.live.load(Ordering::Relaxed)
    }

    /// Makes an instance, running what the component runs at its start under the same limits as a call.
    /// Does not call `on-started`.
    ///
    /// Must be polled in a tokio runtime with time enabled, as must every call of the instance.
    ///
    /// # Errors
    /// [`CallError::PoolExhausted`] when there are as many instances as the engine has room for; any other when
    /// the guest's start failed.
    pub async fn instantiate(
        &self,
        services: Box<dyn Services>,
        limits: &InstanceLimits,
    ) -> Result<Instance, CallError> {
        self.instantiate_with(services, limits, &Grants::default())
            .await
    }

    /// As [`Self::instantiate`], for an instance that may reach what is granted.
    ///
    /// # Errors
    /// The same, and [`CallError::Instantiate`] when a granted directory cannot be opened.
    pub async fn instantiate_with(
        &self,
        services: Box<dyn Services>,
        limits: &InstanceLimits,
        grants: &Grants,
    ) -> Result<Instance, CallError> {
        Instance::new(Arc::clone(&self.version), services, limits, grants).await
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plugin({} {})", self.name(), self.digest().short())
    }
}

/// Where each function of the contract is among the component's exports. Looked up by name once a version;
/// instances are asked by index.
#[derive(Default)]
pub(crate) struct Indices {
    pub(crate) check_custom_header: Option<ComponentExportIndex>,
    pub(crate) select_protocol: Option<ComponentExportIndex>,
    pub(crate) business_handler: Option<ComponentExportIndex>,
    pub(crate) on_handshake_success: Option<ComponentExportIndex>,
    pub(crate) on_disconnected: Option<ComponentExportIndex>,
    pub(crate) on_connected: Option<ComponentExportIndex>,
    pub(crate) on_upgrade_part_receive: Option<ComponentExportIndex>,
    pub(crate) on_handshake_failure: Option<ComponentExportIndex>,
    pub(crate) on_after_remove_socket: Option<ComponentExportIndex>,
    pub(crate) on_error: Option<ComponentExportIndex>,
    pub(crate) on_after_health_check: Option<ComponentExportIndex>,
    pub(crate) on_started: Option<ComponentExportIndex>,
    pub(crate) on_shutdown: Option<ComponentExportIndex>,
    pub(crate) save: Option<ComponentExportIndex>,
    pub(crate) restore: Option<ComponentExportIndex>,
}

impl Indices {
    fn look_up(component: &Component, hooks: &[Hook]) -> Indices {
        let find = |interface: &str, function: &str| {
            let hook = hooks.iter().find(|hook| hook.interface == interface)?;
            let interface = component.get_export_index(None, &hook.export)?;
            component.get_export_index(Some(&interface), function)
        };
        Indices {
            check_custom_header: find("handshake", "check-custom-header"),
            select_protocol: find("handshake", "select-protocol"),
            business_handler: find("handler", "business-handler"),
            on_handshake_success: find("connection-events", "on-handshake-success"),
            on_disconnected: find("connection-events", "on-disconnected"),
            on_connected: find("socket-events", "on-connected"),
            on_upgrade_part_receive: find("socket-events", "on-upgrade-part-receive"),
            on_handshake_failure: find("socket-events", "on-handshake-failure"),
            on_after_remove_socket: find("socket-events", "on-after-remove-socket"),
            on_error: find("socket-events", "on-error"),
            on_after_health_check: find("health-events", "on-after-health-check"),
            on_started: find("server-events", "on-started"),
            on_shutdown: find("server-events", "on-shutdown"),
            save: find("state", "save"),
            restore: find("state", "restore"),
        }
    }

    fn exports(&self) -> Exports {
        Exports {
            handshake: self.check_custom_header.is_some(),
            handler: self.business_handler.is_some(),
            connection_events: self.on_handshake_success.is_some(),
            socket_events: self.on_connected.is_some(),
            health_events: self.on_after_health_check.is_some(),
            server_events: self.on_started.is_some(),
            state: self.save.is_some(),
        }
    }
}
