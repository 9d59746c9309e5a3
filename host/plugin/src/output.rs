//! The services as the parts of one store share them, and the guest's stdout and stderr, cut into lines.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::services::{GuestStream, Services};
use crate::types::ConnectionId;

/// A line longer than this is given to the host in pieces.
const LINE_BYTES: usize = 4096;
/// Of what a call writes to stderr so much is kept for the error that it may end with.
const SAID_BYTES: usize = 2048;
/// What one write of the guest may carry.
const WRITE_BYTES: usize = 64 << 10;
/// `Shared::caller` when no connection's call is running. Ids are below 2^53.
const NOBODY: u64 = u64::MAX;

/// What the imports, the output streams and the instance of one store share.
pub(crate) struct Shared {
    inner: Mutex<Inner>,
    caller: AtomicU64,
    /// An unfinished line waits in one of the buffers.
    unfinished: AtomicBool,
    /// Something was written to stderr in the running call, or in the last one.
    has_said: AtomicBool,
    /// The epoch callback suspended the guest since this was last taken.
    yielded: AtomicBool,
}

/// The host's services and the unfinished lines.
pub(crate) struct Inner {
    pub(crate) services: Box<dyn Services>,
    stdout: Lines,
    stderr: Lines,
    /// The end of what was written to stderr since the call began.
    said: VecDeque<u8>,
}

impl Shared {
    pub(crate) fn new(services: Box<dyn Services>) -> Arc<Shared> {
        Arc::new(Shared {
            inner: Mutex::new(Inner {
                services,
                stdout: Lines::default(),
                stderr: Lines::default(),
                said: VecDeque::new(),
            }),
            caller: AtomicU64::new(NOBODY),
            unfinished: AtomicBool::new(false),
            has_said: AtomicBool::new(false),
            yielded: AtomicBool::new(false),
        })
    }

    /// The services. Never contended, as a store runs one call at a time: the lock is there because the
    /// streams are handed to the WASI implementation, which wants to own them.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call on behalf of this connection begins.
    pub(crate) fn begin(&self, caller: Option<ConnectionId>) {
        self.caller
            .store(caller.map_or(NOBODY, |id| id.0), Ordering::Relaxed);
        if self.has_said.load(Ordering::Relaxed) {
            self.has_said.store(false, Ordering::Relaxed);
            // Few calls write anything, so that the memory is worth more than the allocation.
            self.lock().said = VecDeque::new();
        }
    }

    /// The end of what the running call, or the last one, wrote to stderr.
    pub(crate) fn said(&self) -> String {
        if !self.has_said.load(Ordering::Relaxed) {
            return String::new();
        }
        let mut inner = self.lock();
        String::from_utf8_lossy(inner.said.make_contiguous())
            .trim()
            .to_owned()
    }

    /// The call ended: what was written without a newline is a line, too.
    pub(crate) fn end(&self) {
        if self.unfinished.load(Ordering::Relaxed) {
            self.unfinished.store(false, Ordering::Relaxed);
            let caller = self.caller();
            let mut inner = self.lock();
            for stream in [GuestStream::Stdout, GuestStream::Stderr] {
                let (services, lines) = inner.split(stream);
                lines.finish(|line| services.guest_line(stream, caller, line));
            }
        }
        self.caller.store(NOBODY, Ordering::Relaxed);
    }

    pub(crate) fn mark_yield(&self) {
        self.yielded.store(true, Ordering::Relaxed);
    }

    pub(crate) fn take_yield(&self) -> bool {
        self.yielded.swap(false, Ordering::Relaxed)
    }

    fn caller(&self) -> Option<ConnectionId> {
        Some(self.caller.load(Ordering::Relaxed))
            .filter(|id| *id != NOBODY)
            .map(ConnectionId)
    }

    fn write(&self, stream: GuestStream, bytes: &[u8]) {
        let caller = self.caller();
        let mut inner = self.lock();
        if stream == GuestStream::Stderr {
            self.has_said.store(true, Ordering::Relaxed);
            let kept = bytes.len().saturating_sub(SAID_BYTES);
            inner.said.extend(bytes.get(kept..).unwrap_or_default());
            let more = inner.said.len().saturating_sub(SAID_BYTES);
            inner.said.drain(..more);
        }
        let (services, lines) = inner.split(stream);
        let unfinished = lines.push(bytes, |line| services.guest_line(stream, caller, line));
        if unfinished {
            self.unfinished.store(true, Ordering::Relaxed);
        }
    }
}

impl Inner {
    /// The services, and the buffer of a stream.
    fn split(&mut self, stream: GuestStream) -> (&mut dyn Services, &mut Lines) {
        let lines = match stream {
            GuestStream::Stdout => &mut self.stdout,
            GuestStream::Stderr => &mut self.stderr,
        };
        (&mut *self.services, lines)
    }
}

/// The beginning of a line, at most [`LINE_BYTES`] of it.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    /// Gives out every line that these bytes finish and keeps the rest. True: there is a rest.
    fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) -> bool {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (last, next) = rest.split_at(end);
            self.extend(last, &mut line);
            self.give(self.0.len(), &mut line);
            rest = next.get(1..).unwrap_or_default();
        }
        self.extend(rest, &mut line);
        !self.0.is_empty()
    }

    /// Gives out what is left.
    fn finish(&mut self, mut line: impl FnMut(&str)) {
        if !self.0.is_empty() {
            self.give(self.0.len(), &mut line);
        }
    }

    fn extend(&mut self, mut piece: &[u8], line: &mut impl FnMut(&str)) {
        loop {
            let room = LINE_BYTES.saturating_sub(self.0.len());
            let Some((now, later)) = piece
                .split_at_checked(room)
                .filter(|(_, later)| !later.is_empty())
            else {
                self.0.extend_from_slice(piece);
                return;
            };
            self.0.extend_from_slice(now);
            self.give(whole_characters(&self.0), line);
            piece = later;
        }
    }

    /// Gives out the first bytes as one line.
    fn give(&mut self, bytes: usize, line: &mut impl FnMut(&str)) {
        let rest = self.0.split_off(bytes.min(self.0.len()));
        let whole = std::mem::replace(&mut self.0, rest);
        line(String::from_utf8_lossy(&whole).trim_end_matches('\r'));
    }
}

/// How many bytes there are without the beginning of a character at the end.
fn whole_characters(bytes: &[u8]) -> usize {
    let back = bytes
        .iter()
        .rev()
        .take(4)
        .position(|byte| byte & 0xc0 != 0x80);
    let Some((back, at)) = back.and_then(|back| Some((back, bytes.len().checked_sub(back + 1)?)))
    else {
        return bytes.len();
    };
    let needed = match bytes.get(at) {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xff) => 4,
        _ => 1,
    };
    if needed > back + 1 { at } else { bytes.len() }
}

/// One of the guest's output streams.
#[derive(Clone)]
pub(crate) struct GuestOutput {
    shared: Arc<Shared>,
    stream: GuestStream,
}

impl GuestOutput {
    pub(crate) fn new(shared: &Arc<Shared>, stream: GuestStream) -> GuestOutput {
        GuestOutput {
            shared: Arc::clone(shared),
            stream,
        }
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.shared.write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.shared.write(self.stream, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(writes: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for write in writes {
            lines.push(write, |line| seen.push(line.to_owned()));
            assert!(lines.0.len() <= LINE_BYTES);
        }
        lines.finish(|line| seen.push(line.to_owned()));
        seen
    }

    #[test]
    fn a_line_may_come_in_many_writes_and_a_write_may_bring_many_lines() {
        assert_eq!(lines(&[b"a", b"b\nc\r\n", b"\nd"]), ["ab", "c", "", "d"]);
        assert!(lines(&[b""]).is_empty());
    }

    #[test]
    fn a_long_line_is_cut_between_characters_wherever_the_writes_end() {
        let long = "a".to_owned() + &"€".repeat(3000);
        for size in [1, 2, 3, 7, 4095, 4096, 4097, 10_000] {
            let writes: Vec<_> = long.as_bytes().chunks(size).collect();
            let seen = lines(&writes);
            assert_eq!(seen.concat(), long, "in writes of {size}");
            assert!(seen.iter().all(|line| line.len() <= LINE_BYTES));
        }
    }

    #[test]
    fn bytes_that_are_no_characters_are_cut_anywhere() {
        let seen = lines(&[&[0x80; 3 * LINE_BYTES]]);
        assert_eq!(seen.len(), 3);
        assert_eq!(
            lines(&[&[0xf0; LINE_BYTES + 1]]).concat().chars().count(),
            LINE_BYTES + 1
        );
    }
}
