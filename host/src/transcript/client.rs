//! A client of a transcript: says what it is told to, and keeps what it hears until it is asked for. It speaks the
//! client's half of RFC 6455, as far as a server that keeps to it needs.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, split};
use tokio::sync::Mutex;

use super::difference::{short, short_bytes};
use super::line::quoted;
use super::parse::{Fields, Payload};

/// Bytes of messages that wait to be asked for; with more of them a client reads no further.
const KEPT_BYTES: usize = 256 * 1024 * 1024;
/// Masks hide nothing here; the server must undo them all the same (RFC 6455 section 5.3).
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Something that a client heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Text(String),
    Bytes(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// A close frame, with its code and reason if it has them.
    Closed(Option<(u16, String)>),
    /// The end of the stream.
    End,
}

/// The answer to the upgrade request.
#[derive(Clone, Debug, Default)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) fields: Fields,
    pub(super) body: String,
}

/// What a client knows.
#[derive(Default)]
struct Known {
    response: Option<Response>,
    heard: VecDeque<Heard>,
    kept: usize,
    silent: bool,
    close_sent: bool,
}

/// One client.
pub(super) struct Client {
    known: Rc<RefCell<Known>>,
    writer: Rc<Mutex<WriteHalf<DuplexStream>>>,
    reading: tokio::task::JoinHandle<()>,
}

impl Client {
    /// Begins with its upgrade request.
    pub(super) async fn connect(stream: DuplexStream, target: &str, fields: &Fields) -> Client {
        let (reader, writer) = split(stream);
        let known = Rc::<RefCell<Known>>::default();
        let writer = Rc::new(Mutex::new(writer));
        let (heard, answers) = (known.clone(), writer.clone());
        let reading = tokio::task::spawn_local(async move {
            let mut reader = Reader {
                stream: reader,
                buffer: Vec::new(),
            };
            // The end of the stream, wherever it comes.
            let _ = read(&mut reader, &heard, &answers).await;
            heard.borrow_mut().heard.push_back(Heard::End);
        });
        let client = Client {
            known,
            writer,
            reading,
        };
        client.send(request(target, fields).as_bytes()).await;
        client
    }

    /// Sends a message or a ping.
    pub(super) async fn say(&self, opcode: u8, payload: &[u8]) {
        self.send(&frame(opcode, payload)).await;
    }

    /// Sends a close frame.
    pub(super) async fn close(&self, ending: Option<&(u16, String)>) {
        self.known.borrow_mut().close_sent = true;
        let payload =
            ending.map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat());
        self.send(&frame(0x8, &payload.unwrap_or_default())).await;
    }

    /// From now on it answers no ping and no close frame.
    pub(super) fn fall_silent(&self) {
        self.known.borrow_mut().silent = true;
    }

    /// The answer to the upgrade request, if there is one yet.
    pub(super) fn response(&self) -> Option<Response> {
        self.known.borrow().response.clone()
    }

    /// The next thing that it heard, without taking it.
    pub(super) fn peek(&self) -> Option<Heard> {
        self.known.borrow().heard.front().cloned()
    }

    /// Takes what [`Self::peek`] gave.
    pub(super) fn take(&self) {
        let mut known = self.known.borrow_mut();
        if let Some(heard) = known.heard.pop_front() {
            known.kept -= heard.len();
        }
    }

    /// Whoever ends the stream reads the end of it at once; a server's error is heard when it is asked for.
    async fn send(&self, bytes: &[u8]) {
        let _ = self.writer.lock().await.write_all(bytes).await;
    }
}

impl Drop for Client {
    /// It leaves: the stream ends in both directions.
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Heard {
    fn len(&self) -> usize {
        match self {
            Heard::Text(text) => text.len(),
            Heard::Bytes(bytes) | Heard::Ping(bytes) | Heard::Pong(bytes) => bytes.len(),
            Heard::Closed(_) | Heard::End => 0,
        }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Heard::Text(text) => f.write_str(&short(text)),
            Heard::Bytes(bytes) => f.write_str(&short_bytes(bytes)),
            Heard::Ping(bytes) => write!(f, "a ping with {}", short_bytes(bytes)),
            Heard::Pong(bytes) => write!(f, "a pong with {}", short_bytes(bytes)),
            Heard::Closed(None) => f.write_str("closed, without a code"),
            Heard::Closed(Some((code, reason))) => write!(f, "closed {code} {}", quoted(reason)),
            Heard::End => f.write_str("the end of the connection"),
        }
    }
}

fn request(target: &str, fields: &Fields) -> String {
    const USUAL: [(&str, &str); 5] = [
        ("Host", "localhost"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];
    let own = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let given = |name: &str| own.clone().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let mut request = format!("GET {target} HTTP/1.1\r\n");
    for (name, value) in USUAL
        .into_iter()
        .filter(|(name, _)| !given(name))
        .chain(own.clone())
    {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request
}

/// A final, masked frame (RFC 6455 section 5.2).
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ ..126 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

/// The stream ended, or what came was no HTTP and no frame.
struct Ended;

struct Reader {
    stream: ReadHalf<DuplexStream>,
    buffer: Vec<u8>,
}

impl Reader {
    /// Reads until there are so many bytes, and takes them.
    async fn take(&mut self, count: usize) -> Result<Vec<u8>, Ended> {
        while self.buffer.len() < count {
            self.more().await?;
        }
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Reads to the end of a head, and takes it.
    async fn head(&mut self) -> Result<Vec<u8>, Ended> {
        loop {
            let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            match end {
                Some(at) => return self.take(at + 4).await,
                None => self.more().await?,
            }
        }
    }

    async fn more(&mut self) -> Result<(), Ended> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(1..) => Ok(()),
            Ok(0) | Err(_) => Err(Ended),
        }
    }
}

/// Reads for as long as there is something.
async fn read(
    reader: &mut Reader,
    known: &RefCell<Known>,
    writer: &Mutex<WriteHalf<DuplexStream>>,
) -> Result<(), Ended> {
    let head = reader.head().await?;
    let mut response = response(&head)?;
    let accepted = response.status == 101;
    if !accepted {
        let length = response
            .fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0);
        response.body = String::from_utf8_lossy(&reader.take(length).await?).into_owned();
    }
    known.borrow_mut().response = Some(response);
    if accepted {
        return read_frames(reader, known, writer).await;
    }
    // Whatever else comes says nothing.
    loop {
        reader.buffer.clear();
        reader.more().await?;
    }
}

async fn read_frames(
    reader: &mut Reader,
    known: &RefCell<Known>,
    writer: &Mutex<WriteHalf<DuplexStream>>,
) -> Result<(), Ended> {
    let mut message: Option<(u8, Vec<u8>)> = None;
    loop {
        let (last, opcode, payload) = next_frame(reader).await?;
        let heard = match opcode {
            0x8 => Heard::Closed(ending(&payload)),
            0x9 => Heard::Ping(payload),
            0xa => Heard::Pong(payload),
            opcode => {
                let (_, parts) = message.get_or_insert((opcode, Vec::new()));
                parts.extend(payload);
                if !last {
                    continue;
                }
                match message.take() {
                    Some((0x1, bytes)) => Heard::Text(String::from_utf8(bytes).map_err(|_| Ended)?),
                    Some((_, bytes)) => Heard::Bytes(bytes),
                    None => continue,
                }
            }
        };
        let answer = answer(&heard, &mut known.borrow_mut());
        if let Some(answer) = answer {
            let _ = writer.lock().await.write_all(&answer).await;
        }
        let mut known = known.borrow_mut();
        known.kept += heard.len();
        known.heard.push_back(heard);
        if known.kept > KEPT_BYTES {
            return Err(Ended);
        }
    }
}

/// Code and reason of a close frame, when it has them (RFC 6455 section 5.5.1).
fn ending(payload: &[u8]) -> Option<(u16, String)> {
    let (code, reason) = payload.split_first_chunk()?;
    let reason = String::from_utf8_lossy(reason).into_owned();
    Some((u16::from_be_bytes(*code), reason))
}

/// What RFC 6455 sections 5.5.1 and 5.5.2 have a client answer.
fn answer(heard: &Heard, known: &mut Known) -> Option<Vec<u8>> {
    match heard {
        _ if known.silent => None,
        Heard::Ping(payload) => Some(frame(0xa, payload)),
        Heard::Closed(_) if known.close_sent => None,
        Heard::Closed(ending) => {
            known.close_sent = true;
            let code = ending.as_ref().map(|(code, _)| code.to_be_bytes().to_vec());
            Some(frame(0x8, &code.unwrap_or_default()))
        }
        _ => None,
    }
}

/// A frame from the server: whether it is the last of its message, its opcode, its payload.
async fn next_frame(reader: &mut Reader) -> Result<(bool, u8, Vec<u8>), Ended> {
    let head = reader.take(2).await?;
    let [first, second] = head.try_into().map_err(|_| Ended)?;
    let number = |bytes: Vec<u8>| {
        bytes
            .into_iter()
            .fold(0, |sum: u64, byte| sum << 8 | u64::from(byte))
    };
    let length = match second & 0x7f {
        126 => number(reader.take(2).await?),
        127 => number(reader.take(8).await?),
        length => u64::from(length),
    };
    let length = usize::try_from(length).map_err(|_| Ended)?;
    let payload = reader.take(length).await?;
    Ok((first & 0x80 != 0, first & 0x0f, payload))
}

fn response(head: &[u8]) -> Result<Response, Ended> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).ok_or(Ended)?;
    let fields = lines.filter_map(|line| line.split_once(':'));
    Ok(Response {
        status,
        fields: fields
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect(),
        body: String::new(),
    })
}

/// The opcode of a message.
pub(super) fn opcode(payload: &Payload) -> u8 {
    match payload {
        Payload::Text(_) => 0x1,
        Payload::Bytes(_) => 0x2,
    }
}
