//! What must hold for any input: the properties of the fuzz targets (`fuzz/`) and of their corpora, which
//! `tests/fuzz_corpora.rs` replays.
#![allow(dead_code, reason = "every fuzz target uses its own part")]

use jackfield_proto::{
    DeflateSettings, Event, Kind, OriginPolicy, RequestLimits, Settings, Status,
};

use crate::{
    client::*,
    deflate::{Inflater, Stop, negotiated, server},
    request,
};

/// The cap on messages that are not compressed.
const LIMIT: usize = 500;

/// The cap on what a message inflates to.
const INFLATED: usize = 10_000;

/// A request is read the same however it is cut, and its answer is one whole HTTP head.
pub(crate) fn request(data: &[u8]) {
    let limits = RequestLimits {
        head_bytes: 1000,
        head_fields: 12,
        target_bytes: 60,
    };
    let whole = request::read(&limits, data, data.len().max(1));
    for piece in [1, 3, 7] {
        assert_eq!(request::read(&limits, data, piece), whole);
    }
    let answer = match whole {
        Ok(None) => return,
        Ok(Some((head, rest))) => {
            assert!(data.ends_with(&rest));
            match head.upgrade(false, &OriginPolicy::Any) {
                Ok(upgrade) => {
                    let answer = upgrade.accept(None, &[]).expect("nothing to refuse");
                    assert!(answer.starts_with(b"HTTP/1.1 101 "));
                    answer
                }
                Err(refusal) => refusal.response(),
            }
        }
        Err(refusal) => refusal.response(),
    };
    let answer = String::from_utf8(answer).expect("answers are text");
    let (head, _) = answer.split_once("\r\n\r\n").expect("a whole head");
    assert!(head.starts_with("HTTP/1.1 "));
    assert!(!head.replace("\r\n", "").contains(['\r', '\n', '\0']));
}

/// A stream of frames means the same however it is cut, and what [`Model`] says it means.
pub(crate) fn frames(data: &[u8]) {
    let settings = Settings {
        message_bytes: LIMIT,
        ..Settings::default()
    };
    let server = || Server {
        echo: true,
        ..Server::with(settings.clone())
    };
    let whole = every_way(server, data);
    let model = Model::run(data);
    let told: Vec<Told> = whole.events.iter().map(Told::from).collect();
    assert_eq!(told, model, "{:?}", whole.events);
    let over = matches!(model.last(), Some(Told::Closed | Told::Failed(_)));
    assert_eq!(whole.status == Status::Open, !over);
}

/// Any bytes as a compressed message: the same however they are cut, and what an inflater that is not ours makes
/// of them, up to the cap. The bytes as a plain message: that inflater finds them in what we send.
pub(crate) fn inflate(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else {
        return;
    };
    let offer = [
        "permessage-deflate",
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8",
    ][usize::from(choice % 4)];
    let deflate = DeflateSettings {
        threshold: 0,
        level: u32::from(choice / 4 % 10),
        ..DeflateSettings::default()
    };
    let settings = Settings {
        message_bytes: INFLATED,
        ..Settings::default()
    };
    // Once: a handshake costs more than the payload.
    let (negotiated, _) = negotiated(&[offer], &deflate).expect("the offer is accepted");
    let server = || server(&negotiated, settings.clone());
    // Twice, for what the second takes over from the first; in two fragments the second time.
    let (one, two) = data.split_at(data.len() / 2);
    let stream = [
        frame(FIN | RSV1 | BINARY, data),
        frame(RSV1 | BINARY, one),
        frame(FIN | CONTINUATION, two),
    ]
    .concat();
    let outcome = every_way(server, &stream);
    let mut events = outcome.events.iter();
    let mut reference = Inflater::default();
    for _ in 0..2 {
        let (plain, end) = reference.received(data, INFLATED);
        match (end, events.next()) {
            (Ok(()), Some(Event::Binary(bytes))) => assert!(plain == **bytes),
            // zlib takes what a block has so far. What comes next would go on with it.
            (Err(Stop::Cut), Some(Event::Binary(bytes))) => {
                assert!(plain == **bytes);
                if !negotiated.client_no_context_takeover {
                    break;
                }
            }
            (Err(Stop::Bad), Some(Event::Failed(error))) => {
                assert_eq!(error.code(), 1007);
                break;
            }
            (Err(Stop::Long), Some(Event::Failed(error))) => {
                assert_eq!(error.code(), 1009);
                break;
            }
            (end, event) => panic!("{end:?} after {} bytes, but {event:?}", plain.len()),
        }
        if negotiated.client_no_context_takeover {
            reference.forget();
        }
    }

    let mut sender = server();
    let mut inflater = Inflater::default();
    for payload in [data, one, data] {
        let mut out = Vec::new();
        sender
            .connection
            .send(Kind::Binary, payload, &mut out)
            .expect("an open connection sends");
        let (first, packed) = unframed(&out);
        let plain = match first & RSV1 {
            0 => packed.to_vec(),
            _ => inflater.message(packed),
        };
        assert_eq!(plain, payload);
    }
    let bits = negotiated.server_max_window_bits;
    assert!(inflater.farthest <= 1 << bits, "{}", inflater.farthest);
}

/// Whatever is offered: no panic, and an answer that keeps to what the server wants.
pub(crate) fn negotiation(data: &[u8]) {
    let Some((&choice, offer)) = data.split_first() else {
        return;
    };
    let deflate = DeflateSettings {
        server_window_bits: 8 + choice % 8,
        client_window_bits: 8 + choice / 8 % 8,
        server_no_context_takeover: choice & 64 != 0,
        client_no_context_takeover: choice & 128 != 0,
        ..DeflateSettings::default()
    };
    let mut head = request::GOOD.join("\r\n").into_bytes();
    head.extend_from_slice(b"\r\nSec-WebSocket-Extensions: ");
    head.extend_from_slice(offer);
    head.extend_from_slice(b"\r\n\r\n");
    let limits = RequestLimits::default();
    let Ok(Some((head, _))) = request::read(&limits, &head, head.len()) else {
        return;
    };
    let Ok(mut upgrade) = head.upgrade(false, &OriginPolicy::Any) else {
        return;
    };
    let agreed = upgrade.negotiate(&deflate);
    let answer = String::from_utf8(upgrade.accept(None, &[]).expect("nothing to refuse"))
        .expect("answers are text");
    let field = request::field(&answer, "Sec-WebSocket-Extensions");
    let Some(agreed) = agreed else {
        assert_eq!(field, None);
        return;
    };
    let field = field.expect("an agreement is said");
    let mut parts = field.split("; ");
    assert_eq!(parts.next(), Some("permessage-deflate"));
    let parts: Vec<&str> = parts.collect();
    let offer = String::from_utf8_lossy(offer);
    for part in &parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        assert_eq!(
            parts.iter().filter(|other| other.starts_with(name)).count(),
            1
        );
        match name {
            "server_max_window_bits" => {
                assert_eq!(value, agreed.server_max_window_bits.to_string());
            }
            // RFC 7692 section 7.1.2.2: only if the client offered it.
            "client_max_window_bits" => {
                assert!(offer.contains(name));
                assert_eq!(value, agreed.client_max_window_bits.to_string());
            }
            "server_no_context_takeover" => assert!(agreed.server_no_context_takeover),
            "client_no_context_takeover" => assert!(agreed.client_no_context_takeover),
            _ => panic!("{field}"),
        }
    }
    assert!((8..=deflate.server_window_bits).contains(&agreed.server_max_window_bits));
    assert!((8..=15).contains(&agreed.client_max_window_bits));
}

/// An event, without the words of an offence.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Text(String),
    Binary(Vec<u8>),
    Closed,
    Failed(u16),
}

impl From<&Event<'_>> for Told {
    fn from(event: &Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.to_string()),
            Event::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Event::PeerClosed => Self::Closed,
            Event::Failed(error) => Self::Failed(error.code()),
            Event::Unhealthy | Event::CloseTimedOut => panic!("no time has passed"),
        }
    }
}

/// RFC 6455 section 5 as simply as it can be put: all of the input at once, and what is unfinished at its end
/// judged by the bytes that are there.
#[derive(Default)]
struct Model {
    /// Whether the unfinished message is text, and its bytes.
    message: Option<(bool, Vec<u8>)>,
    told: Vec<Told>,
}

impl Model {
    fn run(data: &[u8]) -> Vec<Told> {
        let mut model = Self::default();
        if let Err(code) = model.frames(data) {
            model.told.push(Told::Failed(code));
        }
        model.told
    }

    fn frames(&mut self, mut data: &[u8]) -> Result<(), u16> {
        while let [first, rest @ ..] = data {
            let (fin, opcode) = (first & FIN != 0, first & 0x0f);
            let control = opcode >= CLOSE;
            if first & 0x70 != 0 || !matches!(opcode, 0..=2 | 8..=10) || control && !fin {
                return Err(1002);
            }
            let [second, rest @ ..] = rest else { break };
            let short = second & 0x7f;
            if second & 0x80 == 0 || control && short > 125 {
                return Err(1002);
            }
            let wide = match short {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            // A length is wrong as soon as its first bytes say so.
            if wide == 8 && rest.first().is_some_and(|byte| byte & 0x80 != 0) {
                return Err(1002);
            }
            if rest.len() < wide {
                break;
            }
            let (length, rest) = rest.split_at(wide);
            let length = match wide {
                0 => u64::from(short),
                _ => length
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            };
            if wide == 2 && length < 126 || wide == 8 && length < 0x10000 {
                return Err(1002);
            }
            let Some((key, rest)) = rest.split_at_checked(4) else {
                break;
            };
            let there = rest
                .len()
                .min(usize::try_from(length).unwrap_or(usize::MAX));
            let piece: Vec<u8> = (rest[..there].iter().zip(key.iter().cycle()))
                .map(|(byte, key)| byte ^ key)
                .collect();
            let whole = there as u64 == length;
            if control {
                if self.control(opcode, &piece, whole)? {
                    return Ok(());
                }
            } else {
                self.data(opcode, fin, length, &piece, whole)?;
            }
            data = &rest[there..];
            if !whole {
                break;
            }
        }
        Ok(())
    }

    /// Whether it was a close frame.
    fn control(&mut self, opcode: u8, piece: &[u8], whole: bool) -> Result<bool, u16> {
        if opcode != CLOSE {
            return Ok(false);
        }
        match piece {
            [_] if whole => return Err(1002),
            [] | [_] => {}
            [high, low, reason @ ..] => {
                let code = u16::from_be_bytes([*high, *low]);
                if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                    return Err(1002);
                }
                utf8(reason, whole)?;
            }
        }
        if whole {
            self.told.push(Told::Closed);
        }
        Ok(whole)
    }

    fn data(
        &mut self,
        opcode: u8,
        fin: bool,
        length: u64,
        piece: &[u8],
        whole: bool,
    ) -> Result<(), u16> {
        let (is_text, mut bytes) = match (opcode, self.message.take()) {
            (CONTINUATION, Some(message)) => message,
            (CONTINUATION, None) | (_, Some(_)) => return Err(1002),
            (opcode, None) => (opcode == TEXT, Vec::new()),
        };
        if bytes.len() as u64 + length > LIMIT as u64 {
            return Err(1009);
        }
        bytes.extend(piece);
        if is_text {
            utf8(&bytes, whole && fin)?;
        }
        if !(whole && fin) {
            self.message = Some((is_text, bytes));
        } else if is_text {
            self.told
                .push(Told::Text(String::from_utf8(bytes).map_err(|_| 1007_u16)?));
        } else {
            self.told.push(Told::Binary(bytes));
        }
        Ok(())
    }
}

/// Whether this is UTF-8, or could become it when more may come.
fn utf8(bytes: &[u8], whole: bool) -> Result<(), u16> {
    match str::from_utf8(bytes) {
        Err(error) if whole || error.error_len().is_some() => Err(1007),
        _ => Ok(()),
    }
}

/// The first byte and the payload of the one frame that a server wrote.
fn unframed(out: &[u8]) -> (u8, &[u8]) {
    let start = match out[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    (out[0], &out[start..])
}
