//! The server in a program of one's own: the example, over its listener and over a stream in memory; and what a native
//! handler may do wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use jackfield::config::Config;
use jackfield::config::resolved::{Address, Plugin as PluginConfig, Route};
use jackfield::plugin::{
    ConnectionId, Engine, EngineConfig, Exports, Handler, Header, MessageRef, Plugin, Rejection,
    Services, UpgradeRequest,
};
use jackfield::server::{Closed, Listen, LoadedPlugin, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::{Builder, Runtime};

#[allow(dead_code, reason = "its main is for those who run the example")]
#[path = "../examples/embedded.rs"]
mod embedded;

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 4711))
}

/// A short text as a client sends it (RFC 6455 section 5.2), under a mask of zeros.
fn said(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
    frame.extend(text.as_bytes());
    frame
}

/// The same as a server sends it.
fn heard(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, text.len() as u8];
    frame.extend(text.as_bytes());
    frame
}

/// A connection of the server's listener, and the answer to its request.
fn connect(server: &Server) -> (TcpStream, String) {
    let Address::Tcp(address) = server.listening()[0].address else {
        panic!("{:?}", server.listening());
    };
    let mut stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).unwrap();
    stream.write_all(REQUEST.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read(&mut stream, 1));
    }
    (stream, String::from_utf8(head).unwrap())
}

fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// A connection by the server's door, and the answer to its request.
async fn enter(server: &Server, secure: bool) -> (DuplexStream, String) {
    let (mut ours, theirs) = tokio::io::duplex(4096);
    server.door().enter(theirs, peer(), secure).await.unwrap();
    ours.write_all(REQUEST.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(ours.read_u8().await.unwrap());
    }
    (ours, String::from_utf8(head).unwrap())
}

async fn exactly(stream: &mut DuplexStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

#[test]
fn the_example_serves_its_listener_and_a_stream_in_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = embedded::start(listener).unwrap();
    assert_eq!(server.listening()[0].address, Address::Tcp(address));
    let (mut socket, head) = connect(&server);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let runtime = runtime();
    let (mut memory, head) = runtime.block_on(enter(&server, false));
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    runtime.block_on(async {
        memory.write_all(&said("from memory")).await.unwrap();
        assert_eq!(exactly(&mut memory, 13).await, heard("from memory"));
    });
    assert_eq!(read(&mut socket, 13), heard("from memory"));
    socket.write_all(&said("from a socket")).unwrap();
    assert_eq!(read(&mut socket, 15), heard("from a socket"));
    let door = server.door();
    let stopping = std::thread::spawn(move || server.stop());
    runtime.block_on(async {
        assert_eq!(exactly(&mut memory, 15).await, heard("from a socket"));
        // The close frame of a stop, which reaches a stream in memory too.
        let close = exactly(&mut memory, 4).await;
        assert_eq!((close[0], &close[2..]), (0x88, &1001_u16.to_be_bytes()[..]));
    });
    drop((memory, socket));
    stopping.join().unwrap();
    let (_ours, theirs) = tokio::io::duplex(64);
    let entered = runtime.block_on(door.enter(theirs, peer(), false));
    assert_eq!(entered, Err(Closed));
}

/// Counts, panics when it is told to, and lets in who is secure.
#[derive(Default)]
struct Moody(u32);

impl Handler for Moody {
    fn check_custom_header(
        &mut self,
        _host: &mut dyn Services,
        request: &UpgradeRequest,
    ) -> Result<Vec<Header>, Rejection> {
        if request.secure {
            return Ok(Vec::new());
        }
        Err(Rejection {
            status: 403,
            headers: Vec::new(),
            body: format!("{} comes in the open", request.peer),
        })
    }

    fn business_handler(
        &mut self,
        host: &mut dyn Services,
        connection: ConnectionId,
        message: MessageRef<'_>,
    ) {
        assert_ne!(message.bytes(), b"panic", "as asked");
        self.0 += 1;
        let count = self.0.to_string();
        host.send(connection, MessageRef::Text(&count)).unwrap();
    }
}

fn moody() -> Server {
    let mut config = Config::default();
    config.listen.workers = 1;
    let route = Route {
        plugins: vec!["moody".to_owned()],
        ..Route::default()
    };
    config.routes.insert("/chat".to_owned(), route);
    let settings = PluginConfig::default();
    config.plugins.insert("moody".to_owned(), settings);
    let hooks = Exports {
        handler: true,
        handshake: true,
        ..Exports::default()
    };
    let plugin = Plugin::native("moody", hooks, || Box::<Moody>::default());
    let name = "moody".to_owned();
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let plugins = vec![LoadedPlugin { name, plugin }];
    Server::start_on(Listen::Nowhere, config, plugins, engine).unwrap()
}

#[test]
fn a_panic_costs_its_handler_and_its_connection() {
    let server = moody();
    assert!(server.listening().is_empty());
    runtime().block_on(async {
        let (mut refused, head) = enter(&server, false).await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
        let mut body = String::new();
        refused.read_to_string(&mut body).await.unwrap();
        assert!(body.contains("192.0.2.1:4711"), "{body}");

        let (mut first, head) = enter(&server, true).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let (mut second, _) = enter(&server, true).await;
        for (text, answer) in [("a", "1"), ("b", "2")] {
            first.write_all(&said(text)).await.unwrap();
            assert_eq!(exactly(&mut first, 3).await, heard(answer));
        }
        first.write_all(&said("panic")).await.unwrap();
        let close = exactly(&mut first, 4).await;
        assert_eq!((close[0], &close[2..]), (0x88, &1011_u16.to_be_bytes()[..]));
        // A fresh handler begins to count anew, and the other connection noticed nothing.
        second.write_all(&said("c")).await.unwrap();
        assert_eq!(exactly(&mut second, 3).await, heard("1"));
        drop((first, second));
    });
    server.stop();
}
