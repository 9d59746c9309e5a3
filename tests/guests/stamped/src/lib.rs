//! As many versions as a test of swaps wants, from one build: the harness writes a stamp into the component's
//! bytes, which gives it a digest of its own, a generation to tell, and faults to have. See
//! `tests/src/versions.rs`.
//!
//! A text is answered with `GENERATION COUNT NUMBER TEXT`. COUNT is the connection's messages over all versions
//! (an attribute), NUMBER those of the instance (guest memory, carried over by `save` and `restore`), so that an
//! answer that was lost, doubled or out of order shows, and memory that was. What the text may ask for is in
//! `obey`; the faults are in `fault`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use jackfield_guest::{
    Connection, ConnectionEvents, Ending, Handler, Handshake, Header, Message, Rejection,
    ServerEvents, State, UpgradeRequest,
};

/// What the harness looks for. Behind it, up to the bar, `GENERATION FAULT FAULT …` in blanks.
#[used]
static STAMP: [u8; 96] =
    *b"jackfield-stamp:0                                                                              |";
const MARK: usize = "jackfield-stamp:".len();

#[derive(Default)]
struct Stamped {
    number: u64,
}

impl Handler for Stamped {
    fn business_handler(&mut self, connection: Connection, message: Message) {
        let text = message.as_text().unwrap_or_default().to_owned();
        self.number += 1;
        fault("message");
        let count = count(connection);
        obey(connection, &text);
        let answer = format!("{} {count} {} {text}", generation(), self.number);
        if let Err(error) = connection.send_text(&answer) {
            eprintln!("{connection}: {answer} was not sent: {error}");
        }
    }
}

impl Handshake for Stamped {
    /// `?rest=MS` waits in the host before the answer, `?reject` refuses.
    fn check_custom_header(&mut self, request: &UpgradeRequest) -> Result<Vec<Header>, Rejection> {
        fault("check");
        if let Some(millis) = request.query_parameter("rest") {
            rest(millis.parse().unwrap_or(0));
        }
        if request.query_parameter("reject").is_some() {
            return Err(Rejection::new(403, format!("refused by {}", generation())));
        }
        Ok(vec![Header::new("x-generation", generation())])
    }

    fn select_protocol(&mut self, _: Connection, offered: Vec<String>) -> Option<String> {
        offered.into_iter().next()
    }
}

impl ConnectionEvents for Stamped {
    fn on_handshake_success(&mut self, _: Connection) {}

    fn on_disconnected(&mut self, connection: Connection, ending: Ending) {
        println!(
            "disconnected {connection} {} in {}",
            ending.code,
            generation()
        );
    }
}

impl ServerEvents for Stamped {
    fn on_started(&mut self) {
        fault("start");
    }

    fn on_shutdown(&mut self) {
        println!("shut down {}", generation());
        fault("shutdown");
    }
}

impl State for Stamped {
    fn save(&mut self) -> Result<Vec<u8>, String> {
        if has_fault("save=refuse") {
            return Err("will not be saved".to_owned());
        }
        if let Some(mib) = faults().find_map(|fault| fault.strip_prefix("save-mib=")) {
            return Ok(vec![7; mib.parse::<usize>().unwrap_or(1) << 20]);
        }
        fault("save");
        Ok(self.number.to_string().into_bytes())
    }

    fn restore(&mut self, from_version: String, state: Vec<u8>) -> Result<(), String> {
        let number = String::from_utf8(state)
            .ok()
            .and_then(|text| text.parse().ok());
        let number: u64 =
            number.ok_or_else(|| format!("what {from_version} saved is no number"))?;
        // One instance has seen more than the others, so that one worker refuses and another does not.
        if has_fault("restore=refuse") || (has_fault("restore=refuse-100") && number >= 100) {
            return Err(format!("{number} is not wanted"));
        }
        fault("restore");
        self.number = number;
        Ok(())
    }
}

#[cfg(not(feature = "stateless"))]
jackfield_guest::export!(
    Stamped: Handler, Handshake, ConnectionEvents, ServerEvents, State
);
#[cfg(feature = "stateless")]
jackfield_guest::export!(Stamped: Handler, Handshake, ConnectionEvents, ServerEvents);

fn stamp() -> &'static str {
    let bytes = &black_box(&STAMP)[MARK..STAMP.len() - 1];
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The version's number, 0 in a component that was not stamped.
fn generation() -> &'static str {
    stamp().split_whitespace().next().unwrap_or_default()
}

fn faults() -> impl Iterator<Item = &'static str> {
    stamp().split_whitespace().skip(1)
}

fn has_fault(name: &str) -> bool {
    faults().any(|fault| fault == name)
}

/// `HOOK=trap` panics in that hook, `HOOK=spin` does not return from it. Hooks: `message`, `check`, `start`,
/// `shutdown`, `save`, `restore`.
fn fault(hook: &str) {
    if has_fault(&format!("{hook}=trap")) {
        panic!("generation {} traps in {hook}", generation());
    }
    if has_fault(&format!("{hook}=spin")) {
        loop {
            black_box(());
        }
    }
}

/// `rest MS` waits in the host, `spin MS` computes for so long, `trap` panics, `close CODE` closes (and the answer is
/// not sent), `flood COUNT BYTES` sends that much before the answer. Any other text asks for nothing. What takes time
/// is announced with a line, so that a test knows that the call runs.
fn obey(connection: Connection, text: &str) {
    let mut words = text.split(' ');
    let verb = words.next().unwrap_or_default();
    let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    match verb {
        "rest" => rest(number()),
        "spin" => {
            println!("begins to compute");
            let (began, length) = (Instant::now(), Duration::from_millis(number()));
            while began.elapsed() < length {
                (0..10_000).for_each(|round| {
                    black_box(round);
                });
            }
        }
        "trap" => panic!("generation {} was asked to", generation()),
        "close" => {
            if let Err(error) = connection.close(number() as u16, "asked to") {
                eprintln!("{connection}: not closed: {error}");
            }
        }
        "flood" => {
            let (count, bytes) = (number(), number());
            for part in 0..count {
                let mut payload = format!("{} flood {part} ", generation()).into_bytes();
                payload.resize(payload.len().max(bytes as usize), b'.');
                if let Err(error) = connection.send_binary(&payload) {
                    eprintln!("{connection}: part {part} was not sent: {error}");
                }
            }
        }
        _ => {}
    }
}

fn rest(millis: u64) {
    println!("begins to rest");
    std::thread::sleep(Duration::from_millis(millis));
}

/// Messages of this connection over all versions.
fn count(connection: Connection) -> u64 {
    let before = connection.attribute("messages").ok().flatten();
    let before = before.and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
    let count = before.unwrap_or(0) + 1;
    if let Err(error) = connection.set_attribute("messages", count.to_le_bytes()) {
        eprintln!("{connection}: {error}");
    }
    count
}
