//! Echo servers on other libraries, each written as its own example writes it: default features, one thread.
//!
//! `peer NAME` listens on a free loopback port, prints its URL, and ends by itself after a quarter of an hour.

use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// No measurement takes as long.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The upgrade request of the load generator is far smaller.
const MAX_HEAD: usize = 16 * 1024;

/// An echo server on another WebSocket library
#[derive(Debug, Parser)]
struct Arguments {
    #[arg(value_enum)]
    library: Library,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Library {
    Tungstenite,
    TokioWebsockets,
    Fastwebsockets,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let serving = async {
        match arguments.library {
            Library::Tungstenite => serve(tungstenite).await,
            Library::TokioWebsockets => serve(tokio_websockets).await,
            Library::Fastwebsockets => serve(fastwebsockets).await,
        }
    };
    match tokio::time::timeout(LIFETIME, serving).await {
        Ok(Err(error)) => {
            eprintln!("peer: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Accepts for ever; a connection's error is its own affair.
async fn serve<F>(echo: fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ws://{}/", listener.local_addr()?);
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        connections.spawn(echo(stream));
        while connections.try_join_next().is_some() {}
    }
}

/// As `examples/echo-server.rs` of tokio-tungstenite.
async fn tungstenite(stream: TcpStream) {
    use futures_util::{StreamExt, TryStreamExt, future};
    if let Ok(stream) = tokio_tungstenite::accept_async(stream).await {
        let (write, read) = stream.split();
        let messages = read.try_filter(|m| future::ready(m.is_text() || m.is_binary()));
        let _ = messages.forward(write).await;
    }
}

/// As `examples/echo_server.rs` of tokio-websockets.
async fn tokio_websockets(stream: TcpStream) {
    use futures_util::{SinkExt, StreamExt};
    let Ok((_, mut stream)) = tokio_websockets::ServerBuilder::new().accept(stream).await else {
        return;
    };
    while let Some(Ok(message)) = stream.next().await {
        let echoed = message.is_text() || message.is_binary();
        if echoed && stream.send(message).await.is_err() {
            return;
        }
    }
}

/// As `examples/echo_server.rs` of fastwebsockets, but straight on the socket: its example upgrades through hyper,
/// which costs every later read and write a little.
async fn fastwebsockets(mut stream: TcpStream) {
    use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
    if upgrade(&mut stream).await.is_err() {
        return;
    }
    let mut socket = FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server));
    let echo = async {
        while let Ok(frame) = socket.read_frame().await {
            let sent = match frame.opcode {
                OpCode::Close => return,
                OpCode::Text | OpCode::Binary => socket.write_frame(frame).await,
                _ => Ok(()),
            };
            if sent.is_err() {
                return;
            }
        }
    };
    tokio::task::unconstrained(echo).await;
}

/// The least of an upgrade that is still right: RFC 6455 section 4.2.2.
async fn upgrade(stream: &mut TcpStream) -> io::Result<()> {
    use base64::Engine;
    use sha1::{Digest, Sha1};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 || head.len() > MAX_HEAD {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let text = String::from_utf8_lossy(&head);
    let key = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then(|| value.trim())
    });
    let mut hash = Sha1::new();
    hash.update(key.ok_or(io::ErrorKind::InvalidData)?);
    hash.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = base64::engine::general_purpose::STANDARD.encode(hash.finalize());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await
}
