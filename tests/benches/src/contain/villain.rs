//! A client of the misbehaving plugin: connects, says a line, hears what comes. Without checks: whatever happens to it
//! is its own fault.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const CONNECTING: Duration = Duration::from_secs(2);
/// How often a waiting client looks whether it is over.
const LOOK: Duration = Duration::from_millis(100);
const MAX_HEAD: usize = 16 * 1024;
/// FIN, text; masked with zeros, which a server must not tell from any other mask.
const TEXT: u8 = 0x81;
const MASKED: u8 = 0x80;
const CLOSE: u8 = 8;

pub(super) struct Villain {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Villain {
    /// Connects and upgrades.
    pub(super) fn connect(address: SocketAddr, path: &str) -> io::Result<Villain> {
        let mut stream = TcpStream::connect_timeout(&address, CONNECTING)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(CONNECTING))?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte)? == 0 || head.len() > MAX_HEAD {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            head.push(byte[0]);
        }
        if !head.starts_with(b"HTTP/1.1 101 ") {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        stream.set_read_timeout(Some(LOOK))?;
        Ok(Villain {
            stream,
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Sends a short text.
    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        let length = u8::try_from(line.len()).unwrap_or(u8::MAX).min(125);
        let mut frame = vec![TEXT, MASKED | length, 0, 0, 0, 0];
        frame.extend(line.bytes().take(length.into()));
        self.stream.write_all(&frame)
    }

    /// Waits until something came.
    ///
    /// # Errors
    /// At the end of the connection, or of the run.
    pub(super) fn hear(&mut self, goes_on: &dyn Fn() -> bool) -> io::Result<()> {
        while goes_on() {
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                // Close to enough: an answer is one short frame, and a flood is read on by the next call.
                Ok(count) => {
                    let first = self.buffer.get(..count).and_then(|bytes| bytes.first());
                    if first.is_some_and(|first| first & 15 == CLOSE) {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    if count < self.buffer.len() && first == Some(&TEXT) && count < 1000 {
                        return Ok(());
                    }
                }
                Err(error) if is_nothing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::TimedOut.into())
    }

    /// Reads nothing until the server has hung up, or the run is over.
    pub(super) fn wait_for_the_end(&mut self, goes_on: &dyn Fn() -> bool) {
        // A little more than the time that a call may take.
        for _ in 0..7 {
            if !goes_on() {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
