//! One connection under load: what still has to be written, and whether what comes back is the echo.
//!
//! All messages of a run are equal, so a place in the endless row of them says everything.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use mio::{Interest, Registry, Token};

use super::LoadError;
use super::frames::Frames;

/// A connection whose bursts go out and whose echoes are checked.
pub(super) struct Socket {
    stream: mio::net::TcpStream,
    /// Bytes that are due but not written.
    unsent: usize,
    /// Place of the next byte to write, in the burst.
    write_at: usize,
    /// Place of the next byte to come, in the echo.
    read_at: usize,
}

impl Socket {
    /// Takes over a set-up connection; its events carry `token`, which is its index.
    pub(super) fn new(
        stream: TcpStream,
        token: usize,
        registry: &Registry,
    ) -> Result<Socket, LoadError> {
        stream.set_nonblocking(true)?;
        let mut stream = mio::net::TcpStream::from_std(stream);
        registry.register(
            &mut stream,
            Token(token),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        Ok(Socket {
            stream,
            unsent: 0,
            write_at: 0,
            read_at: 0,
        })
    }

    /// Sends `bytes` more of the row of messages, as far as the socket takes them now.
    pub(super) fn send(&mut self, bytes: usize, frames: &Frames) -> Result<(), LoadError> {
        self.unsent += bytes;
        self.flush(frames)
    }

    /// Writes what is due.
    pub(super) fn flush(&mut self, frames: &Frames) -> Result<(), LoadError> {
        while self.unsent > 0 {
            let burst = &frames.burst;
            let end = burst.len().min(self.write_at + self.unsent);
            let part = burst.get(self.write_at..end).unwrap_or_default();
            match self.stream.write(part) {
                Ok(0) => return Err(LoadError::Ended),
                Ok(count) => {
                    self.unsent -= count;
                    self.write_at = (self.write_at + count) % burst.len();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what is there and gives the number of messages that are now complete.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8],
        frames: &Frames,
    ) -> Result<usize, LoadError> {
        let mut complete = 0;
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(LoadError::Ended),
                Ok(count) => {
                    complete += self.check(buffer.get(..count).unwrap_or_default(), frames)?;
                    // Edge-triggered: a short read has emptied the socket, and new bytes make a new event.
                    if count < buffer.len() {
                        return Ok(complete);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(complete),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn check(&mut self, mut bytes: &[u8], frames: &Frames) -> Result<usize, LoadError> {
        let mut complete = 0;
        let length = frames.echo_len();
        while !bytes.is_empty() {
            let expected = frames.echo.get(self.read_at..).unwrap_or_default();
            let (now, later) = bytes.split_at(bytes.len().min(expected.len()));
            if !expected.starts_with(now) {
                return Err(LoadError::WrongEcho);
            }
            complete += (self.read_at + now.len()) / length - self.read_at / length;
            self.read_at = (self.read_at + now.len()) % frames.echo.len();
            bytes = later;
        }
        Ok(complete)
    }
}
