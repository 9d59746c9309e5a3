//! The set-up of a connection, before any clock runs: connect, upgrade, one message there and back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::LoadError;
use super::frames::Frames;

/// How long one step may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections from one source address: fewer than its ephemeral ports.
const PER_SOURCE: usize = 20_000;
/// The key of RFC 6455 section 1.3, and the answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MAX_HEAD: usize = 16 * 1024;

/// Where to connect.
pub(super) struct Target<'a> {
    pub(super) address: SocketAddr,
    pub(super) path: &'a str,
}

impl Target<'_> {
    /// Opens `count` upgraded connections, each of which has echoed one message.
    pub(super) fn connect_all(
        &self,
        count: usize,
        frames: &Frames,
    ) -> Result<Vec<TcpStream>, LoadError> {
        (0..count)
            .map(|index| self.connect(index, frames))
            .collect()
    }

    /// Opens the connection number `index`.
    pub(super) fn connect(&self, index: usize, frames: &Frames) -> Result<TcpStream, LoadError> {
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM, None)?;
        if self.address.is_ipv4() && index >= PER_SOURCE {
            // All of 127.0.0.0/8 is this machine.
            let last = u8::try_from(1 + index / PER_SOURCE).unwrap_or(u8::MAX);
            let source = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
            socket.bind(&source.into())?;
        }
        socket.connect_timeout(&self.address.into(), PATIENCE)?;
        let mut stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        self.upgrade(&mut stream)?;
        exchange(&mut stream, frames)?;
        Ok(stream)
    }

    fn upgrade(&self, stream: &mut TcpStream) -> Result<(), LoadError> {
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n",
            self.path, self.address
        );
        stream.write_all(request.as_bytes())?;
        let mut head = Vec::new();
        let mut chunk = [0; 1024];
        while !head.ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut chunk)?;
            head.extend_from_slice(&chunk[..count]);
            if count == 0 || head.len() > MAX_HEAD {
                break;
            }
        }
        let text = String::from_utf8_lossy(&head);
        if text.starts_with("HTTP/1.1 101 ") && text.contains(ACCEPT) {
            return Ok(());
        }
        Err(LoadError::Handshake(
            text.lines().next().unwrap_or("no answer").to_owned(),
        ))
    }
}

/// The first message: whatever the server makes room for lazily is there afterwards.
fn exchange(stream: &mut TcpStream, frames: &Frames) -> Result<(), LoadError> {
    let frame = frames.burst.get(..frames.frame_len()).unwrap_or_default();
    let expected = frames.echo.get(..frames.echo_len()).unwrap_or_default();
    stream.write_all(frame)?;
    let mut echo = vec![0; expected.len()];
    stream.read_exact(&mut echo)?;
    if echo != expected {
        return Err(LoadError::WrongEcho);
    }
    Ok(())
}
