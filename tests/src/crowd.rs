//! Thousands of upgraded connections on one thread, without blocking on any of them. Strict as
//! [`crate::Client`]: whatever is not a whole text message from the server is a failed test.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::frame::{self, CLOSE, TEXT, Wire};
use crate::http::{ACCEPT, Request, Response};
use crate::{PATIENCE, Server};

/// How many handshakes are under way at a time; less than any backlog.
const AT_ONCE: usize = 128;

/// The connections.
#[derive(Debug)]
pub struct Crowd {
    poll: Poll,
    events: Events,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Crowd {
    /// Opens this many connections on a path.
    ///
    /// # Panics
    /// When one of them is not answered with 101 within [`PATIENCE`].
    #[track_caller]
    pub fn open(server: &Server, path: &str, count: usize) -> Crowd {
        let mut crowd = Crowd {
            poll: Poll::new().expect("a poll"),
            events: Events::with_capacity(1024),
            members: Vec::with_capacity(count),
        };
        let request = Request::upgrade(path).bytes();
        while crowd.members.len() < count {
            let batch = AT_ONCE.min(count - crowd.members.len());
            let first = crowd.members.len();
            for _ in 0..batch {
                crowd.connect(server.address(), &request);
            }
            crowd.upgrade(first);
        }
        crowd
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Sends a short text over one of them.
    ///
    /// # Panics
    /// When the socket does not take it whole at once.
    #[track_caller]
    pub fn text(&mut self, member: usize, text: &str) {
        let frame = Wire::new(TEXT, text).bytes();
        let written = self.members[member].stream.write(&frame);
        assert_eq!(
            written.ok(),
            Some(frame.len()),
            "connection {member} does not take {} bytes",
            frame.len()
        );
    }

    /// Waits for something to arrive, and gives the texts that did, by connection and in order.
    ///
    /// # Panics
    /// When anything but text arrives, a connection ends, or nothing comes within `bound`.
    #[track_caller]
    pub fn texts(&mut self, bound: Duration) -> Vec<(usize, String)> {
        let texts = self.pending(bound);
        assert!(!texts.is_empty(), "nothing came within {bound:?}");
        texts
    }

    /// The texts that arrive next, none when nothing does within `bound`.
    ///
    /// # Panics
    /// When anything but text arrives, or a connection ends.
    #[track_caller]
    pub fn pending(&mut self, bound: Duration) -> Vec<(usize, String)> {
        let deadline = Instant::now() + bound;
        let mut texts = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            for member in self.readable(left) {
                self.members[member].take_texts(member, &mut texts);
            }
            if !texts.is_empty() || left.is_zero() {
                return texts;
            }
        }
    }

    fn connect(&mut self, address: SocketAddr, request: &[u8]) {
        // On the loopback a connection is there at once, or waits in the backlog.
        let stream = std::net::TcpStream::connect_timeout(&address, PATIENCE).expect("connecting");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_nonblocking(true).expect("O_NONBLOCK");
        let mut stream = TcpStream::from_std(stream);
        let token = Token(self.members.len());
        self.poll
            .registry()
            .register(&mut stream, token, Interest::READABLE)
            .expect("registering a socket");
        let written = stream.write(request);
        assert_eq!(written.ok(), Some(request.len()), "an upgrade request");
        self.members.push(Member {
            stream,
            unread: Vec::new(),
        });
    }

    /// Waits for the 101 of every connection from `first` on.
    fn upgrade(&mut self, first: usize) {
        let deadline = Instant::now() + PATIENCE;
        let mut waiting = self.members.len() - first;
        while waiting > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{waiting} upgrades were not answered");
            for member in self.readable(left) {
                let it = &mut self.members[member];
                it.read(member);
                if let Some(response) = Response::take_head(&mut it.unread) {
                    assert_eq!(response.status, 101, "{response:?}");
                    assert_eq!(response.field("sec-websocket-accept"), Some(ACCEPT));
                    waiting -= 1;
                }
            }
        }
    }

    fn readable(&mut self, bound: Duration) -> Vec<usize> {
        match self.poll.poll(&mut self.events, Some(bound)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("polling: {error}"),
        }
        self.events.iter().map(|event| event.token().0).collect()
    }
}

impl Member {
    fn take_texts(&mut self, member: usize, texts: &mut Vec<(usize, String)>) {
        self.read(member);
        while let Some(frame) = frame::take(&mut self.unread) {
            assert_ne!(
                frame.opcode,
                CLOSE,
                "connection {member} was closed: {:?}",
                frame.close_reason()
            );
            assert!(
                frame.opcode == TEXT && frame.fin,
                "connection {member}: {frame:?}"
            );
            texts.push((member, frame.text().to_owned()));
        }
    }

    /// Reads everything that is there (the poll tells of new bytes only).
    fn read(&mut self, member: usize) {
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => panic!("connection {member}: the server hung up"),
                Ok(read) => self.unread.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("connection {member}: {error}"),
            }
        }
    }
}

/// Lets this process, and the servers that it starts from now on, open as many files as the system allows.
/// Gives that number.
pub fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // When that is not allowed, what there was remains.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
