//! Opens what the configuration says to listen on, and keeps what a connection must know about the way it came in.

use std::fmt;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::sync::Semaphore;

use super::StartError;
use super::tls::Tls;
use crate::config::Config;
use crate::config::resolved::{Address, Listener};

/// What a peer without an address is called.
const UNIX: &str = "unix";

/// The other end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// An address and a port; port 0 when a proxy did not name it.
    Internet(SocketAddr),
    /// Somebody on this machine.
    Unix,
}

impl Peer {
    /// Reads what [`fmt::Display`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Peer> {
        if text == UNIX {
            return Some(Peer::Unix);
        }
        text.parse().ok().map(Peer::Internet)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Internet(address) => address.fmt(f),
            Peer::Unix => f.write_str(UNIX),
        }
    }
}

/// Where a connection came in.
pub(crate) struct Entrance {
    pub(crate) settings: Listener,
    /// Whether what comes in here is encrypted on its way.
    pub(crate) secure: bool,
    /// TLS, unless there is none.
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) handshake_timeout: Duration,
    /// This listener's share of the connections, when it has one of its own.
    pub(super) places: Option<Arc<Semaphore>>,
}

impl Entrance {
    pub(crate) fn new(settings: &Listener, config: &Config) -> Result<Entrance, StartError> {
        let tls = settings.tls.as_ref().map(Tls::load).transpose();
        let tls = tls.map_err(StartError::Tls)?.map(Arc::new);
        let places = settings.connections;
        Ok(Entrance {
            settings: settings.clone(),
            secure: tls.is_some(),
            tls,
            handshake_timeout: settings
                .handshake_timeout
                .unwrap_or(config.limits.handshake_timeout),
            places: places.map(|places| Arc::new(Semaphore::new(places))),
        })
    }

    /// Whether this peer's word about others is believed. On a Unix socket everybody's is: the mode of its file says
    /// who that can be.
    pub(crate) fn trusts(&self, peer: Peer) -> bool {
        match peer {
            Peer::Internet(address) => self.trusts_address(address.ip()),
            Peer::Unix => true,
        }
    }

    /// As [`Self::trusts`]. An IPv4 address that came in by an IPv6 socket is the IPv4 address.
    pub(crate) fn trusts_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let networks = &self.settings.trusted_proxies;
        networks.iter().any(|network| network.contains(&address))
    }
}

/// A place where a running server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// With the port that the system chose.
    pub address: Address,
    /// Whether it speaks TLS.
    pub secure: bool,
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.secure { " (TLS)" } else { "" };
        write!(f, "{}{tls}", self.address)
    }
}

/// A socket that listens.
pub(super) enum Listens {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// An open listener.
pub(super) struct Open {
    pub(super) socket: Listens,
    pub(super) entrance: Arc<Entrance>,
    pub(super) listening: Listening,
    /// Removed when this is dropped.
    pub(super) _file: Option<SocketFile>,
}

/// Opens every listener of the configuration, the one of `[listen]` first; all or none. `given`: a socket that listens
/// already, in place of that one's.
pub(super) fn open(
    config: &Config,
    mut given: Option<TcpListener>,
) -> Result<Vec<Open>, StartError> {
    let all = || std::iter::once(&config.listen.listener).chain(&config.listeners);
    let mut handed = Handed::default();
    if all().any(|listener| matches!(listener.address, Address::Systemd(_))) {
        handed = Handed::from_environment();
    }
    all()
        .map(|listener| {
            let entrance = Arc::new(Entrance::new(listener, config)?);
            let (socket, file) = match (given.take(), &listener.address) {
                (Some(socket), _) => (taken(listener, socket)?, None),
                (None, Address::Tcp(address)) => (tcp(listener, *address)?, None),
                (None, Address::Unix(path)) => {
                    let (socket, file) = unix(listener, path)?;
                    (socket, Some(file))
                }
                (None, Address::Systemd(name)) => (handed.take(name)?, None),
            };
            // What the system says, also of a socket that took another one's place.
            let address = match &socket {
                Listens::Tcp(socket) => socket.local_addr().map(Address::Tcp),
                Listens::Unix(_) => Ok(listener.address.clone()),
            };
            Ok(Open {
                socket,
                listening: Listening {
                    address: address.map_err(|source| failed(listener, source))?,
                    secure: entrance.secure,
                },
                entrance,
                _file: file,
            })
        })
        .collect()
}

fn failed(listener: &Listener, source: io::Error) -> StartError {
    let address = listener.address.clone();
    match source.kind() {
        ErrorKind::AddrInUse => StartError::AddressInUse { address },
        _ => StartError::Listen { address, source },
    }
}

/// A socket that whoever embeds the server has opened.
fn taken(listener: &Listener, socket: TcpListener) -> Result<Listens, StartError> {
    let ready = socket.set_nonblocking(true);
    ready.map_err(|source| failed(listener, source))?;
    Ok(Listens::Tcp(socket))
}

fn tcp(listener: &Listener, address: SocketAddr) -> Result<Listens, StartError> {
    let bind = || {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        // A restart may take the port over while old connections linger in TIME_WAIT.
        socket.set_reuse_address(true)?;
        if listener.reuse_port {
            socket.set_reuse_port(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(backlog(listener))?;
        Ok(Listens::Tcp(TcpListener::from(socket)))
    };
    bind().map_err(|source| failed(listener, source))
}

fn unix(listener: &Listener, path: &Path) -> Result<(Listens, SocketFile), StartError> {
    let bind = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let address = SockAddr::unix(path)?;
        match socket.bind(&address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && is_stale(path) => {
                fs::remove_file(path)?;
                socket.bind(&address)?;
            }
            bound => bound?,
        }
        let file = SocketFile::new(path)?;
        // Before it listens: until then nobody can connect.
        fs::set_permissions(path, Permissions::from_mode(listener.mode))?;
        socket.listen(backlog(listener))?;
        Ok((Listens::Unix(UnixListener::from(socket)), file))
    };
    bind().map_err(|source| failed(listener, source))
}

fn backlog(listener: &Listener) -> i32 {
    i32::try_from(listener.backlog).unwrap_or(i32::MAX)
}

/// Whether this is a socket on which nobody listens any more. Anything else is somebody's and stays.
fn is_stale(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// The file of a Unix socket, removed at the end unless another process has put its own there meanwhile.
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<SocketFile> {
        Ok(SocketFile {
            path: path.to_owned(),
            identity: identity(path)?,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            // One that stays is stale, and the next start removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Device and inode.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let meta = fs::symlink_metadata(path)?;
    Ok((meta.dev(), meta.ino()))
}

/// The sockets that systemd handed over (sd_listen_fds(3)).
#[derive(Default)]
struct Handed {
    names: Vec<String>,
    sockets: Option<ListenFd>,
}

impl Handed {
    fn from_environment() -> Handed {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        Handed {
            names: names.split(':').map(str::to_owned).collect(),
            sockets: Some(ListenFd::from_env()),
        }
    }

    /// Takes the socket with this name or, when none has it, with this number.
    fn take(&mut self, name: &str) -> Result<Listens, StartError> {
        let address = Address::Systemd(name.to_owned());
        let index = self.names.iter().position(|other| other == name);
        let index = index.or_else(|| name.parse().ok());
        let (Some(index), Some(sockets)) = (index, &mut self.sockets) else {
            return Err(StartError::NotHanded { address });
        };
        let taken = match sockets.take_tcp_listener(index) {
            // No TCP socket: it is left where it is.
            Err(_) => sockets
                .take_unix_listener(index)
                .map(|socket| socket.map(Listens::Unix)),
            tcp => tcp.map(|socket| socket.map(Listens::Tcp)),
        };
        let socket = match taken {
            Ok(Some(socket)) => socket,
            Ok(None) => return Err(StartError::NotHanded { address }),
            Err(source) => return Err(StartError::Listen { address, source }),
        };
        let ready = match &socket {
            Listens::Tcp(socket) => socket.set_nonblocking(true),
            Listens::Unix(socket) => socket.set_nonblocking(true),
        };
        ready.map_err(|source| StartError::Listen { address, source })?;
        Ok(socket)
    }
}
