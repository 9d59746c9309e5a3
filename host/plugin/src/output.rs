//! The services as the parts of one store share them, and the guest's stdout and stderr, cut into lines.

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
    /// The epoch callback suspended the guest since this was last taken.
    yielded: AtomicBool,
}

/// The host's services and the unfinished lines.
pub(crate) struct Inner {
    pub(crate) services: Box<dyn Services>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Shared {
    pub(crate) fn new(services: Box<dyn Services>) -> Arc<Shared> {
        Arc::new(Shared {
            inner: Mutex::new(Inner {
                services,
                stdout: Vec::new(),
                stderr: Vec::new(),
            }),
            caller: AtomicU64::new(NOBODY),
            unfinished: AtomicBool::new(false),
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
    }

    /// The call ended: what was written without a newline is a line, too.
    pub(crate) fn end(&self) {
        if self.unfinished.swap(false, Ordering::Relaxed) {
            let caller = self.caller();
            let mut inner = self.lock();
            for stream in [GuestStream::Stdout, GuestStream::Stderr] {
                inner.flush(stream, caller);
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
        let unfinished = self.lock().write(stream, caller, bytes);
        if unfinished {
            self.unfinished.store(true, Ordering::Relaxed);
        }
    }
}

impl Inner {
    fn buffer(&mut self, stream: GuestStream) -> &mut Vec<u8> {
        match stream {
            GuestStream::Stdout => &mut self.stdout,
            GuestStream::Stderr => &mut self.stderr,
        }
    }

    /// Gives every finished line to the host and keeps the rest. True: there is a rest.
    fn write(&mut self, stream: GuestStream, caller: Option<ConnectionId>, bytes: &[u8]) -> bool {
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(mut piece) = pieces.next() {
            loop {
                let room = LINE_BYTES.saturating_sub(self.buffer(stream).len());
                if piece.len() <= room {
                    break;
                }
                let (now, later) = piece.split_at(cut(piece, room));
                self.buffer(stream).extend_from_slice(now);
                self.flush(stream, caller);
                piece = later;
            }
            self.buffer(stream).extend_from_slice(piece);
            if pieces.peek().is_some() {
                self.line(stream, caller);
            }
        }
        !self.buffer(stream).is_empty()
    }

    fn flush(&mut self, stream: GuestStream, caller: Option<ConnectionId>) {
        if !self.buffer(stream).is_empty() {
            self.line(stream, caller);
        }
    }

    fn line(&mut self, stream: GuestStream, caller: Option<ConnectionId>) {
        let mut line = std::mem::take(self.buffer(stream));
        let text = String::from_utf8_lossy(&line);
        self.services
            .guest_line(stream, caller, text.trim_end_matches('\r'));
        line.clear();
        *self.buffer(stream) = line;
    }
}

/// Where to cut `piece`, at most `room` bytes in: not within a character, if it can be helped.
fn cut(piece: &[u8], room: usize) -> usize {
    (room.saturating_sub(3)..=room)
        .rev()
        .find(|at| piece.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80))
        .unwrap_or(room)
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
