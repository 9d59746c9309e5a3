//! No message is lost, doubled or reordered: many connections at once, on two workers, with messages of all
//! sizes in pieces of all sizes, and an ending of every kind behind them.

use e2e::frame::{BINARY, CONTINUATION, PING, PONG, TEXT, Wire};
use e2e::{Client, Plugin, Server, Setup};

/// A small generator (xorshift), so that a failing run can be repeated by its seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// What one client sends, as bytes, and what it must get back.
fn conversation(seed: u64) -> (Vec<u8>, Vec<(u8, Vec<u8>)>) {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    for index in 0..60 {
        let size = match numbers.below(10) {
            0 => 0,
            1 => 125 + numbers.below(4),
            2 => 65_534 + numbers.below(4),
            3 => numbers.below(20_000),
            _ => numbers.below(300),
        };
        let opcode = [TEXT, BINARY][numbers.below(2)];
        let start = format!("{seed}/{index} ");
        let payload = start
            .bytes()
            .chain((b'a'..=b'z').cycle())
            .take(size)
            .collect::<Vec<u8>>();
        let parts = 1 + numbers.below(4);
        let cut = payload.len() / parts + 1;
        let mut pieces: Vec<&[u8]> = payload.chunks(cut).collect();
        if pieces.is_empty() {
            pieces.push(b"");
        }
        let last = pieces.len() - 1;
        for (number, piece) in pieces.iter().enumerate() {
            let mask = (numbers.below(1 << 32) as u32).to_be_bytes();
            let kind = if number == 0 { opcode } else { CONTINUATION };
            let frame = Wire::new(kind, *piece).mask(mask);
            let frame = if number < last { frame.more() } else { frame };
            bytes.extend(frame.bytes());
            if numbers.below(5) == 0 {
                bytes.extend(Wire::new([PING, PONG][numbers.below(2)], "c").bytes());
            }
        }
        expected.push((opcode, payload));
    }
    (bytes, expected)
}

fn converse(server: &Server, seed: u64) {
    let (mut bytes, expected) = conversation(seed);
    let mut client = Client::open(server, "/echo");
    let mut numbers = Numbers(seed + 77);
    // An ending of every kind, and the code that answers it.
    let code = match seed % 4 {
        0 => {
            bytes.extend(Wire::close(4000, "").bytes());
            4000
        }
        1 => {
            bytes.extend(Wire::new(TEXT, "x").unmasked().bytes());
            1002
        }
        2 => {
            bytes.extend(Wire::new(TEXT, &b"\xff"[..]).bytes());
            1007
        }
        _ => 0,
    };
    let mut writer = client.writer();
    let sender = std::thread::spawn(move || {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let size = (1 + numbers.below(9000)).min(rest.len());
            let (piece, behind) = rest.split_at(size);
            if writer.try_write(piece).is_err() {
                break;
            }
            rest = behind;
        }
        if code == 0 {
            writer.finish_writing();
        }
    });
    for (opcode, payload) in expected {
        let (found, back) = client.expect_message_between_pongs();
        assert_eq!(found, opcode, "seed {seed}");
        assert!(
            back == payload,
            "seed {seed}: a message of {} bytes",
            payload.len()
        );
    }
    if code != 0 {
        client.expect_close_between_pongs(code);
    }
    sender.join().expect("the sender");
    client.expect_fin_between_pongs();
}

#[test]
fn two_hundred_conversations_at_once() {
    let server = Setup::echo().start();
    std::thread::scope(|scope| {
        for first in 0..8 {
            let server = &server;
            scope.spawn(move || {
                for seed in (first..200).step_by(8) {
                    converse(server, seed + 1);
                }
            });
        }
    });
}

/// A reader that is slower than its own writing, but reads: the server holds back its input instead of
/// giving up on it.
#[test]
fn a_slow_but_steady_reader_gets_everything() {
    const MESSAGES: usize = 400;
    let setup = Setup::echo().set("limits", "backlog_bytes", "\"2 MiB\"");
    let server = setup.start();
    let mut client = Client::open(&server, "/echo");
    let mut writer = client.writer();
    let sender = std::thread::spawn(move || {
        for number in 0..MESSAGES {
            let mut payload = vec![b'x'; 100_000];
            payload[..8].copy_from_slice(format!("{number:08}").as_bytes());
            if writer
                .try_write(&Wire::new(BINARY, payload).bytes())
                .is_err()
            {
                return number;
            }
        }
        MESSAGES
    });
    for number in 0..MESSAGES {
        let payload = client.expect_binary();
        assert_eq!(payload[..8], *format!("{number:08}").as_bytes());
        if number % 10 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    assert_eq!(sender.join().expect("the sender"), MESSAGES);
    client.close(1000, "");
}

/// A burst of messages to one reader from many connections on both workers: everything that was accepted
/// arrives, each sender's messages in its order.
#[test]
fn many_senders_one_receiver() {
    const SENDERS: usize = 16;
    const EACH: usize = 50;
    let server = Setup::new()
        .plugin(Plugin::guest("hostile"))
        .route("/", &["hostile"])
        .start();
    let mut receiver = Client::open(&server, "/");
    let id = receiver.ask_text("id");
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (server, id) = (&server, &id);
            scope.spawn(move || {
                let mut client = Client::open(server, "/");
                for number in 0..EACH {
                    let command = format!("@{id} text {sender} {number}");
                    assert_eq!(client.ask_text(&command), "ok");
                }
            });
        }
    });
    let mut next = [0; SENDERS];
    for _ in 0..SENDERS * EACH {
        let text = receiver.expect_text();
        let (sender, number) = text.split_once(' ').expect("two numbers");
        let sender: usize = sender.parse().expect("a number");
        assert_eq!(number, next[sender].to_string(), "sender {sender}");
        next[sender] += 1;
    }
    receiver.expect_nothing();
}

/// What was handed to another worker arrives there, also when its mailbox is small and fills up: either a send is
/// refused, or its message comes.
#[test]
fn what_another_worker_took_arrives() {
    const RECEIVERS: usize = 6;
    let server = Setup::new()
        .plugin(Plugin::guest("hostile").limit("call_time", "\"20 s\""))
        .route("/", &["hostile"])
        .set("limits", "mailbox", "16")
        .start();
    let mut sender = Client::open(&server, "/");
    for _ in 0..RECEIVERS {
        let mut receiver = Client::open(&server, "/");
        let id = receiver.ask_text("id");
        let reading = std::thread::spawn(move || {
            let mut received = 0;
            loop {
                match receiver.expect_text().as_str() {
                    "the end" => return received,
                    _ => received += 1,
                }
            }
        });
        let counts = sender.ask_text(&format!("@{id} flood 5000 20"));
        let accepted = counts
            .split(' ')
            .find_map(|count| count.strip_prefix("ok="))
            .map_or(0, |count| count.parse().expect("a number"));
        assert!(accepted > 0, "{counts}");
        e2e::eventually("the end is accepted", || {
            sender.ask_text(&format!("@{id} text the end")) == "ok"
        });
        assert_eq!(reading.join().expect("the receiver"), accepted, "{counts}");
    }
}
