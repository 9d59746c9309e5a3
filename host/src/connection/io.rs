//! The kinds of byte stream that a connection can have: TCP, a Unix socket or anything else, plain or with TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use crate::server::client_subject;
use crate::worker::{ByteStream, Stream};

/// A byte stream to a peer.
pub(super) enum Io {
    /// What the socket brings is the protocol.
    Plain(Raw),
    /// Boxed: a plain connection does not carry room for it.
    Tls(Box<TlsStream<Raw>>),
    /// The socket is with a TLS handshake.
    Away,
}

/// A socket, and what was read from it too early.
pub(super) struct Raw {
    socket: Socket,
    /// Bytes that came together with a PROXY protocol header; none on most connections.
    unread: Option<Box<Unread>>,
}

/// Boxed where it is kept: most connections have none, and no room for it.
struct Unread(Vec<u8>);

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    Other(Box<dyn ByteStream>),
}

impl Io {
    /// An accepted socket.
    pub(super) fn new(stream: Stream) -> io::Result<Io> {
        let socket = match stream {
            Stream::Tcp(stream) => {
                let stream = TcpStream::from_std(stream)?;
                // Frames are written whole; waiting for more would only delay them.
                stream.set_nodelay(true)?;
                Socket::Tcp(stream)
            }
            Stream::Unix(stream) => Socket::Unix(UnixStream::from_std(stream)?),
            Stream::Other(stream) => Socket::Other(stream),
        };
        Ok(Io::Plain(Raw {
            socket,
            unread: None,
        }))
    }

    /// Gives bytes back to a plain stream, to be read again before any others.
    pub(super) fn unread(&mut self, bytes: Vec<u8>) {
        if let Io::Plain(raw) = self
            && !bytes.is_empty()
        {
            raw.unread = Some(Box::new(Unread(bytes)));
        }
    }

    /// Takes the plain stream for a TLS handshake.
    pub(super) fn take_plain(&mut self) -> Option<Raw> {
        match std::mem::replace(self, Io::Away) {
            Io::Plain(raw) => Some(raw),
            other => {
                *self = other;
                None
            }
        }
    }

    /// The subject of the certificate that the peer was verified by.
    pub(super) fn client_subject(&self) -> Option<String> {
        match self {
            Io::Tls(stream) => client_subject(stream.get_ref().1),
            Io::Plain(_) | Io::Away => None,
        }
    }

    /// Reads once; 0 is the end of the stream.
    ///
    /// `AsyncRead` and not `try_read`: after a partial read it knows that the socket is drained, which saves
    /// a system call for each message.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        match self {
            Io::Plain(raw) => ready!(Pin::new(raw).poll_read(cx, &mut read))?,
            Io::Tls(stream) => match ready!(Pin::new(stream.as_mut()).poll_read(cx, &mut read)) {
                // RFC 8446 section 6.1 wants a close_notify first, and most clients send none. What it would
                // protect from, an end that somebody else cut, the closing handshake of WebSocket shows.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                result => result?,
            },
            Io::Away => {}
        }
        Poll::Ready(Ok(read.filled().len()))
    }

    /// Writes as much as the socket takes, or TLS keeps; see [`Self::poll_flush`].
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Io::Plain(raw) => Pin::new(&mut raw.socket).poll_write(cx, bytes),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
            Io::Away => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Writes what TLS keeps: up to 64 KiB of records that the socket did not take yet.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Io::Tls(stream) if stream.get_ref().1.wants_write() => {
                Pin::new(stream.as_mut()).poll_flush(cx)
            }
            Io::Plain(_) | Io::Tls(_) | Io::Away => Poll::Ready(Ok(())),
        }
    }

    /// Ends our side of the stream: what TLS keeps, its close_notify, then the FIN.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Io::Plain(raw) => Pin::new(&mut raw.socket).poll_shutdown(cx),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            Io::Away => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Raw {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(Unread(unread)) = self.unread.as_deref_mut() {
            let count = unread.len().min(buffer.remaining());
            buffer.put_slice(unread.drain(..count).as_slice());
            if unread.is_empty() {
                self.unread = None;
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Raw {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Socket::Other(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Other(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Other(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Other(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
            Socket::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
            Socket::Other(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
