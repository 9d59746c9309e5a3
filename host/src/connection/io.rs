//! The kinds of socket that a connection can have. One place to grow when TLS and Unix sockets come.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A byte stream to a peer.
pub(super) enum Io {
    /// Plain TCP.
    Tcp(TcpStream),
}

impl Io {
    /// Reads once; 0 is the end of the stream.
    ///
    /// `AsyncRead` and not `try_read`: after a partial read it knows that the socket is drained, which saves
    /// a system call for each message.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<std::io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        match self {
            Io::Tcp(stream) => ready!(Pin::new(stream).poll_read(cx, &mut read))?,
        }
        Poll::Ready(Ok(read.filled().len()))
    }

    /// Writes as much as the socket takes.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self {
            Io::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    /// Ends our side of the stream.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self {
            Io::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
