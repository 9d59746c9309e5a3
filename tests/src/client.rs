//! A WebSocket client that writes raw bytes: whatever a test wants to put on the wire, in pieces of any
//! size, and strict about what comes back. It shares no code with the server.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::frame::{self, BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT, Wire};
use crate::http::{ACCEPT, Request, Response};
use crate::{PATIENCE, SILENCE, Server};

/// What the wire brought.
#[derive(Debug)]
pub enum Incoming {
    /// A frame.
    Frame(Frame),
    /// The server's FIN, and nothing before it.
    Fin,
    /// The server's FIN in the middle of a frame or a response.
    CutOff,
    /// An RST.
    Reset,
    /// Nothing within the time given.
    Nothing,
}

/// One TCP connection to a server, upgraded or not.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    /// Connects, and sends nothing.
    ///
    /// # Panics
    /// When nobody listens.
    #[track_caller]
    pub fn tcp(address: SocketAddr) -> Client {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a TCP connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a write timeout");
        Client {
            stream,
            unread: Vec::new(),
        }
    }

    /// Connects with a small receive buffer (SO_RCVBUF, bytes), so that the server soon feels a slow reader.
    ///
    /// # Panics
    /// When nobody listens.
    #[track_caller]
    pub fn tcp_with_small_window(address: SocketAddr, receive_buffer: usize) -> Client {
        let kind = socket2::Type::STREAM;
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), kind, None)
            .expect("a socket");
        socket
            .set_recv_buffer_size(receive_buffer)
            .expect("SO_RCVBUF");
        socket.connect(&address.into()).expect("a TCP connection");
        let stream = TcpStream::from(socket);
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a write timeout");
        Client {
            stream,
            unread: Vec::new(),
        }
    }

    /// An upgraded connection on a path.
    ///
    /// # Panics
    /// When the server does not answer 101 as RFC 6455 section 4.2.2 wants it.
    #[track_caller]
    pub fn open(server: &Server, path: &str) -> Client {
        Client::open_with(server, &Request::upgrade(path)).0
    }

    /// An upgraded connection from a request of the test's own, and the 101.
    ///
    /// # Panics
    /// As [`Client::open`].
    #[track_caller]
    pub fn open_with(server: &Server, request: &Request) -> (Client, Response) {
        let mut client = Client::tcp(server.address());
        client.write(&request.bytes());
        let response = client.upgraded();
        (client, response)
    }

    /// Sends a request on a fresh connection and reads the whole response and the FIN behind it.
    ///
    /// # Panics
    /// When there is no response, more than one, or an RST.
    #[track_caller]
    pub fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Response {
        let mut client = Client::tcp(address);
        client.write(request.as_ref());
        let response = client.response();
        client.expect_fin();
        response
    }

    /// The address of this end, as the server sees its peer.
    ///
    /// # Panics
    /// When the socket is gone.
    pub fn local_address(&self) -> SocketAddr {
        self.stream.local_addr().expect("a local address")
    }

    /// Writes bytes as they are.
    ///
    /// # Panics
    /// When the server is gone or does not read them within [`PATIENCE`].
    #[track_caller]
    pub fn write(&mut self, bytes: &[u8]) {
        self.try_write(bytes).expect("writing to the server");
    }

    /// Writes bytes as they are, and tells when that fails (a server may close at any time).
    ///
    /// # Errors
    /// As `write(2)`.
    pub fn try_write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Writes bytes in pieces of `size`, each in a segment of its own as far as the kernel lets us.
    ///
    /// # Panics
    /// As [`Client::write`].
    #[track_caller]
    pub fn write_in_pieces(&mut self, bytes: &[u8], size: usize) {
        for piece in bytes.chunks(size) {
            self.write(piece);
            std::thread::yield_now();
        }
    }

    /// Sends a frame, right or wrong.
    ///
    /// # Panics
    /// As [`Client::write`].
    #[track_caller]
    pub fn send(&mut self, frame: &Wire) {
        self.write(&frame.bytes());
    }

    /// Sends a text message in one frame.
    ///
    /// # Panics
    /// As [`Client::write`].
    #[track_caller]
    pub fn text(&mut self, text: &str) {
        self.send(&Wire::new(TEXT, text));
    }

    /// Sends a binary message in one frame.
    ///
    /// # Panics
    /// As [`Client::write`].
    #[track_caller]
    pub fn binary(&mut self, bytes: &[u8]) {
        self.send(&Wire::new(BINARY, bytes));
    }

    /// Sends a text message and returns the text that comes back.
    ///
    /// # Panics
    /// When anything else comes back.
    #[track_caller]
    pub fn ask_text(&mut self, text: &str) -> String {
        self.text(text);
        self.expect_text()
    }

    /// The next thing on the wire, within `bound`.
    ///
    /// # Panics
    /// When the server sends a frame that no server may send.
    #[track_caller]
    pub fn incoming(&mut self, bound: Duration) -> Incoming {
        let deadline = Instant::now() + bound;
        loop {
            if let Some(frame) = frame::take(&mut self.unread) {
                return Incoming::Frame(frame);
            }
            match self.read_more(deadline) {
                Ok(0) if self.unread.is_empty() => return Incoming::Fin,
                Ok(0) => return Incoming::CutOff,
                Ok(_) => {}
                Err(ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Incoming::Nothing,
                Err(_) => return Incoming::Reset,
            }
        }
    }

    /// The next frame.
    ///
    /// # Panics
    /// When something else comes, or nothing.
    #[track_caller]
    pub fn expect_frame(&mut self) -> Frame {
        match self.incoming(PATIENCE) {
            Incoming::Frame(frame) => frame,
            other => panic!("expected a frame, got {other:?}"),
        }
    }

    /// The next message, put together from its fragments; its opcode and payload.
    ///
    /// # Panics
    /// When a control frame or anything else comes instead.
    #[track_caller]
    pub fn expect_message(&mut self) -> (u8, Vec<u8>) {
        let first = self.expect_frame();
        assert!(
            matches!(first.opcode, TEXT | BINARY),
            "expected a message, got {first:?} {}",
            explain(&first)
        );
        let (opcode, mut payload, mut fin) = (first.opcode, first.payload, first.fin);
        while !fin {
            let part = self.expect_frame();
            assert_eq!(part.opcode, CONTINUATION, "in a message: {part:?}");
            payload.extend_from_slice(&part.payload);
            fin = part.fin;
        }
        (opcode, payload)
    }

    /// The next message, which must be text.
    ///
    /// # Panics
    /// When anything else comes, or nothing.
    #[track_caller]
    pub fn expect_text(&mut self) -> String {
        let (opcode, payload) = self.expect_message();
        assert_eq!(opcode, TEXT, "expected text");
        String::from_utf8(payload).expect("UTF-8 in a text message")
    }

    /// The next message, which must be binary.
    ///
    /// # Panics
    /// When anything else comes, or nothing.
    #[track_caller]
    pub fn expect_binary(&mut self) -> Vec<u8> {
        let (opcode, payload) = self.expect_message();
        assert_eq!(opcode, BINARY, "expected binary");
        payload
    }

    /// The next message, whatever pongs come before it or between its fragments.
    ///
    /// # Panics
    /// When anything else comes, or nothing.
    #[track_caller]
    pub fn expect_message_between_pongs(&mut self) -> (u8, Vec<u8>) {
        let mut message: Option<(u8, Vec<u8>)> = None;
        loop {
            let frame = self.expect_frame();
            let payload = match (frame.opcode, &mut message) {
                (PONG, _) => continue,
                (TEXT | BINARY, None) => &mut message.insert((frame.opcode, Vec::new())).1,
                (CONTINUATION, Some((_, payload))) => payload,
                _ => panic!("in a message: {frame:?} {}", explain(&frame)),
            };
            payload.extend_from_slice(&frame.payload);
            if frame.fin {
                return message.unwrap_or_default();
            }
        }
    }

    /// As [`Client::expect_close`], whatever pongs come before it.
    ///
    /// # Panics
    /// When anything else comes, or nothing.
    #[track_caller]
    pub fn expect_close_between_pongs(&mut self, code: u16) {
        loop {
            let frame = self.expect_frame();
            if frame.opcode != PONG {
                assert_eq!(frame.close_reason().0.unwrap_or(1005), code);
                return;
            }
        }
    }

    /// As [`Client::expect_fin`], whatever pongs come before it.
    ///
    /// # Panics
    /// When anything else comes, or nothing.
    #[track_caller]
    pub fn expect_fin_between_pongs(&mut self) {
        loop {
            match self.incoming(PATIENCE) {
                Incoming::Frame(frame) if frame.opcode == PONG => {}
                Incoming::Fin => return,
                other => panic!("expected FIN, got {other:?}"),
            }
        }
    }

    /// A second handle on the same connection, to write from another thread. What is read through it is lost
    /// to this one.
    ///
    /// # Panics
    /// When the system has no descriptor left.
    pub fn writer(&self) -> Client {
        Client {
            stream: self.stream.try_clone().expect("a second handle"),
            unread: Vec::new(),
        }
    }

    /// The next frame, which must be a pong with this payload.
    ///
    /// # Panics
    /// When anything else comes, or nothing.
    #[track_caller]
    pub fn expect_pong(&mut self, payload: &[u8]) {
        let frame = self.expect_frame();
        assert_eq!(
            (frame.opcode, &frame.payload[..]),
            (PONG, payload),
            "a pong"
        );
    }

    /// The next frame, which must be a close frame with this code (1005: with none); returns the reason.
    ///
    /// # Panics
    /// When anything else comes, or nothing.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) -> String {
        let frame = self.expect_frame();
        let (found, reason) = frame.close_reason();
        assert_eq!(
            found.unwrap_or(1005),
            code,
            "the close code (reason {reason:?})"
        );
        reason.to_owned()
    }

    /// The server fails the connection (section 7.1.7): its close frame with this code, then nothing but
    /// FIN, never an RST. Returns the reason.
    ///
    /// # Panics
    /// When anything else happens.
    #[track_caller]
    pub fn expect_failed(&mut self, code: u16) -> String {
        let reason = self.expect_close(code);
        self.expect_fin();
        reason
    }

    /// The closing handshake begun here: sends a close frame, expects it echoed and then FIN.
    ///
    /// # Panics
    /// When anything else comes.
    #[track_caller]
    pub fn close(mut self, code: u16, reason: &str) {
        self.send(&Wire::close(code, reason));
        self.expect_close(code);
        self.expect_fin();
    }

    /// The closing handshake begun by the server: expects its close frame with this code, echoes it, expects
    /// FIN. Returns the reason.
    ///
    /// # Panics
    /// When anything else comes.
    #[track_caller]
    pub fn expect_closed(mut self, code: u16) -> String {
        let reason = self.expect_close(code);
        // The server may have hung up meanwhile; what counts is what it sends.
        let _ = self.try_write(&Wire::close(code, "").bytes());
        self.expect_fin();
        reason
    }

    /// The next thing is the server's FIN, and no RST follows it.
    ///
    /// # Panics
    /// When anything else comes, or nothing.
    #[track_caller]
    pub fn expect_fin(&mut self) {
        match self.incoming(PATIENCE) {
            Incoming::Fin => {}
            other => panic!("expected FIN, got {other:?}"),
        }
        // A reset that was already on its way shows on the socket now.
        let error = self.stream.take_error().expect("SO_ERROR");
        assert!(error.is_none(), "FIN, and then {error:?}");
    }

    /// The connection ends without a close frame: FIN or RST, whichever.
    ///
    /// # Panics
    /// When a frame comes, or nothing.
    #[track_caller]
    pub fn expect_gone(&mut self) {
        match self.incoming(PATIENCE) {
            Incoming::Fin | Incoming::Reset | Incoming::CutOff => {}
            other => panic!("expected the end of the connection, got {other:?}"),
        }
    }

    /// Nothing comes for [`SILENCE`].
    ///
    /// # Panics
    /// When something comes.
    #[track_caller]
    pub fn expect_nothing(&mut self) {
        match self.incoming(SILENCE) {
            Incoming::Nothing => {}
            other => panic!("expected silence, got {other:?}"),
        }
    }

    /// A whole response: head, and body by its Content-Length.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn response(&mut self) -> Response {
        let deadline = Instant::now() + PATIENCE;
        let mut response = loop {
            if let Some(response) = Response::take_head(&mut self.unread) {
                break response;
            }
            self.must_read(deadline);
        };
        if response.status != 101 {
            let length = response.content_length();
            while self.unread.len() < length {
                self.must_read(deadline);
            }
            response.body = self.unread.drain(..length).collect();
        }
        response
    }

    /// A response that is a correct 101 (section 4.2.2 item 5).
    ///
    /// # Panics
    /// When it is anything else.
    #[track_caller]
    pub fn upgraded(&mut self) -> Response {
        let response = self.response();
        assert_eq!(response.status, 101, "expected 101: {response:?}");
        let field = |name| response.field(name).map(str::to_ascii_lowercase);
        assert_eq!(field("upgrade").as_deref(), Some("websocket"));
        assert_eq!(field("connection").as_deref(), Some("upgrade"));
        assert_eq!(response.field("sec-websocket-accept"), Some(ACCEPT));
        assert_eq!(response.field("content-length"), None);
        assert_eq!(response.field("transfer-encoding"), None);
        response
    }

    /// The next bytes as they come; none at the end.
    ///
    /// # Panics
    /// When nothing comes for [`PATIENCE`], or an RST.
    #[track_caller]
    pub fn raw_bytes(&mut self) -> Option<Vec<u8>> {
        if self.unread.is_empty() {
            let read = self.read_more(Instant::now() + PATIENCE);
            assert!(read.is_ok(), "reading: {read:?}");
        }
        let bytes = std::mem::take(&mut self.unread);
        (!bytes.is_empty()).then_some(bytes)
    }

    /// The next bytes as they come, whatever they are; none when nothing comes within `bound` or at the end.
    pub fn incoming_bytes(&mut self, bound: Duration) -> Option<Vec<u8>> {
        if self.unread.is_empty() {
            let _ = self.read_more(Instant::now() + bound);
        }
        let bytes = std::mem::take(&mut self.unread);
        (!bytes.is_empty()).then_some(bytes)
    }

    /// Gives up writing to a server that does not read for this long.
    ///
    /// # Panics
    /// When the socket refuses.
    pub fn write_timeout(&self, bound: Duration) {
        self.stream
            .set_write_timeout(Some(bound))
            .expect("a write timeout");
    }

    /// Sends FIN, and can still read.
    pub fn finish_writing(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Vanishes with an RST.
    ///
    /// # Panics
    /// When the socket refuses SO_LINGER.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .expect("SO_LINGER");
    }

    #[track_caller]
    fn must_read(&mut self, deadline: Instant) {
        match self.read_more(deadline) {
            Ok(0) => panic!("the server hung up in the middle of a response"),
            Ok(_) => {}
            Err(kind) => panic!("reading a response: {kind:?}"),
        }
    }

    fn read_more(&mut self, deadline: Instant) -> Result<usize, ErrorKind> {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(1));
        let timeout = self.stream.set_read_timeout(Some(left));
        timeout.map_err(|error| error.kind())?;
        let mut chunk = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(read) => {
                    self.unread.extend_from_slice(&chunk[..read]);
                    return Ok(read);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.kind()),
            }
        }
    }
}

fn explain(frame: &Frame) -> String {
    match frame.opcode {
        CLOSE => format!("{:?}", frame.close_reason()),
        PING => "a ping".to_owned(),
        _ => String::new(),
    }
}
