//! What a text message to the hostile guest may say. One command a line; the answers, a line each, come back as
//! one text. A command that begins with `@ID ` acts on that connection instead of the one that asks.
//!
//! | command | does | answer |
//! |---|---|---|
//! | any harm of [`crate::harm`] | it | none |
//! | `arm HOOK HARM` | does it at the next call of this hook: `connected`, `part`, `failure`, `removed`, `error`, `health`, `shutdown`, `save`, `success`, `disconnected`, `select`, `check-custom-header`, `message` | `armed` |
//! | `text T`, `binary T` | sends it | result |
//! | `plain T` | sends it as a text that is not compressed | result |
//! | `huge N` | sends a text of N bytes | result |
//! | `flood COUNT BYTES` | sends that often, whatever comes back | counts by result |
//! | `flood-forever BYTES` | the same without end | none |
//! | `more T`, `last T`, `more-binary T`, `last-binary T` | sends a fragment | result |
//! | `ping N`, `pong N` | with a payload of N bytes | result |
//! | `close CODE REASON` | | result |
//! | `codes FROM TO` | closes with each of these codes, both included | counts by result |
//! | `disconnect` | | result |
//! | `set NAME VALUE`, `set-bytes NAME N`, `get NAME`, `remove NAME` | attributes | result, or the value |
//! | `fill N` | N attributes of a byte | counts by result |
//! | `info` | | the record |
//! | `id` | | the connection's id |
//! | `clock` | | hours since this instance was asked first, by both of its clocks |
//! | `count` | | messages that this instance got |
//! | `reenter` | disconnects, then calls the host many times in the same call | whether a hook ran meanwhile |
//! | `burn N` | computes for N rounds | `burnt` |
//! | `keep N` | allocates N MiB and keeps them | `kept` |
//! | `lines N`, `long-line N`, `errors N` | writes N lines to stdout, a line of N bytes, N lines to stderr | `written` |
//! | `rest MS` | waits in the host | `rested` |
//! | `stdin` | reads it | bytes read |
//!
//! A result is `ok` or the name of the error as in `wit/connections.wit`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::hint::black_box;
use std::io::Read as _;
use std::time::{Duration, Instant, SystemTime};

use jackfield_guest::{AttributeError, CloseError, Connection, Message, SendError};

use crate::{Hostile, harm};

impl Hostile {
    /// Obeys every line of a text, and answers.
    pub(crate) fn obey(&mut self, connection: Connection, text: &str) {
        let answers: Vec<String> = text
            .lines()
            .map(|line| self.command(connection, line))
            .filter(|answer| !answer.is_empty())
            .collect();
        let answers = answers.join("\n");
        if let Err(error) = connection.send_text(&answers) {
            eprintln!("{connection}: not told ({error}): {answers}");
        }
    }

    fn command(&mut self, asking: Connection, line: &str) -> String {
        let other = line.strip_prefix('@').and_then(|rest| rest.split_once(' '));
        let (target, line) = match other {
            Some((id, rest)) => (id.parse().map_or(asking, Connection::from_id), rest),
            None => (asking, line),
        };
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Some(answer) = sending(target, verb, rest).or_else(|| attributes(target, verb, rest))
        {
            return answer;
        }
        match verb {
            "arm" => {
                let (hook, harm) = rest.split_once(' ').unwrap_or((rest, "panic"));
                self.armed.insert(hook.to_owned(), harm.to_owned());
                "armed".to_owned()
            }
            "close" => {
                let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
                closed(target.close(number(code), reason))
            }
            "codes" => {
                let (from, to) = rest.split_once(' ').unwrap_or((rest, rest));
                counted((number(from)..=number(to)).map(|code| closed(target.close(code, ""))))
            }
            "disconnect" => closed(target.disconnect()),
            "id" => target.id().to_string(),
            "clock" => {
                let (start, wall) = *self
                    .asked
                    .get_or_insert_with(|| (Instant::now(), SystemTime::now()));
                let hours = |time: Duration| time.as_secs() / 3600;
                let wall = wall.elapsed().map(hours);
                format!("{} {}", hours(start.elapsed()), wall.unwrap_or_default())
            }
            "count" => self.messages.to_string(),
            "reenter" => self.reenter(target),
            "burn" => {
                for round in 0..number::<u64>(rest) {
                    black_box(round);
                }
                "burnt".to_owned()
            }
            "keep" => {
                std::mem::forget(vec![1_u8; number::<usize>(rest) << 20]);
                "kept".to_owned()
            }
            "lines" | "errors" | "long-line" => {
                write(verb, number(rest));
                "written".to_owned()
            }
            "rest" => {
                std::thread::sleep(Duration::from_millis(number(rest)));
                "rested".to_owned()
            }
            "stdin" => {
                let mut read = Vec::new();
                match std::io::stdin().read_to_end(&mut read) {
                    Ok(bytes) => bytes.to_string(),
                    Err(error) => error.to_string(),
                }
            }
            _ => {
                harm::do_it(line);
                "unharmed".to_owned()
            }
        }
    }

    /// A host that told of the end at once would enter an instance that is inside a call. It must wait until
    /// this call has returned.
    fn reenter(&mut self, target: Connection) -> String {
        let before = self.disconnected;
        let result = closed(target.disconnect());
        for _ in 0..1000 {
            black_box(target.info());
            black_box(target.send_text("still there?").is_ok());
        }
        let entered = self.disconnected - before;
        println!("reenter {target} {result} {entered}");
        format!("{result} {entered}")
    }
}

fn sending(target: Connection, verb: &str, rest: &str) -> Option<String> {
    let text = || Message::from(rest);
    let binary = || Message::from(rest.as_bytes());
    let payload = || vec![b'p'; number(rest)];
    let result = match verb {
        "text" => target.send(&text()),
        "binary" => target.send(&binary()),
        "plain" => target.send_uncompressed(&text()),
        "huge" => target.send_text(&"h".repeat(number(rest))),
        "more" => target.send_fragment(&text(), false),
        "last" => target.send_fragment(&text(), true),
        "more-binary" => target.send_fragment(&binary(), false),
        "last-binary" => target.send_fragment(&binary(), true),
        "ping" => target.ping(&payload()),
        "pong" => target.pong(&payload()),
        "flood" => {
            let (count, bytes) = rest.split_once(' ').unwrap_or((rest, "1"));
            let message = "f".repeat(number(bytes));
            return Some(counted(
                (0..number::<u64>(count)).map(|_| sent(target.send_text(&message))),
            ));
        }
        "flood-forever" => {
            let message = "f".repeat(number(rest));
            loop {
                black_box(target.send_text(&message).is_ok());
            }
        }
        _ => return None,
    };
    Some(sent(result))
}

fn attributes(target: Connection, verb: &str, rest: &str) -> Option<String> {
    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
    Some(match verb {
        "set" => kept(target.set_attribute(name, value)),
        "set-bytes" => kept(target.set_attribute(name, vec![b'a'; number(value)])),
        "remove" => kept(target.remove_attribute(name)),
        "get" => match target.attribute(name) {
            Ok(Some(value)) => format!("= {}", String::from_utf8_lossy(&value)),
            Ok(None) => "none".to_owned(),
            Err(error) => kept(Err(error)),
        },
        "fill" => counted(
            (0..number::<u64>(rest)).map(|n| kept(target.set_attribute(&format!("fill-{n}"), "f"))),
        ),
        "info" => match target.info() {
            Some(info) => format!(
                "peer={} secure={} route={} protocol={} age={} idle={} backlog={}",
                info.peer,
                info.secure,
                info.route,
                info.protocol.as_deref().unwrap_or("none"),
                info.age.as_millis(),
                info.idle.as_millis(),
                info.backlog
            ),
            None => "none".to_owned(),
        },
        _ => return None,
    })
}

fn sent(result: Result<(), SendError>) -> String {
    named(result.map_err(|error| match error {
        SendError::Gone => "gone",
        SendError::BacklogFull => "backlog-full",
        SendError::TooLarge => "too-large",
        SendError::FragmentOrder => "fragment-order",
        SendError::ControlTooLarge => "control-too-large",
    }))
}

fn closed(result: Result<(), CloseError>) -> String {
    named(result.map_err(|error| match error {
        CloseError::Gone => "gone",
        CloseError::InvalidCode => "invalid-code",
    }))
}

fn kept(result: Result<(), AttributeError>) -> String {
    named(result.map_err(|error| match error {
        AttributeError::Gone => "gone",
        AttributeError::TooLarge => "too-large",
    }))
}

fn named(result: Result<(), &str>) -> String {
    result.err().unwrap_or("ok").to_owned()
}

fn write(what: &str, amount: usize) {
    match what {
        "lines" => (0..amount).for_each(|n| println!("line {n}")),
        "errors" => (0..amount).for_each(|n| eprintln!("error {n}")),
        _ => println!("{}", "x".repeat(amount)),
    }
}

/// How often each result came: `gone=3 ok=97`.
fn counted(results: impl Iterator<Item = String>) -> String {
    let mut counts = BTreeMap::<String, u64>::new();
    for result in results {
        *counts.entry(result).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(result, count)| format!("{result}={count}"))
        .collect();
    counts.join(" ")
}

/// A number of a command. A command without one is a mistake of the test: a trap shows it.
fn number<T: std::str::FromStr<Err: Display>>(text: &str) -> T {
    match text.parse() {
        Ok(number) => number,
        Err(error) => panic!("not a number: {text:?}: {error}"),
    }
}
