//! The format of transcripts: one step a line, indented lines under it for HTTP fields. Every mistake is told at once,
//! with its line.

use std::fmt;
use std::time::Duration;

use super::line::{Line, Token, quoted};
use crate::config::duration;

/// The largest payload that a transcript may write with `*`, in bytes.
const PAYLOAD_BYTES: usize = 256 * 1024 * 1024;

/// A transcript, ready to be played.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// What its file is called.
    pub name: String,
    pub(super) steps: Vec<Step>,
}

/// A line that is no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}: {problem}")]
pub struct Problem {
    /// What the file is called.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) action: Action,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Client(Vec<String>, Deed),
    TimePasses(Duration),
    Swap,
}

/// HTTP fields: name and value.
pub(super) type Fields = Vec<(String, String)>;

/// What a client does, or what happens to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deed {
    Connects {
        target: String,
        fields: Fields,
    },
    IsAccepted {
        fields: Fields,
    },
    IsRefused {
        status: u16,
        body: Option<String>,
        fields: Fields,
    },
    Says(Payload),
    Pings(Payload),
    Hears(Expected),
    HearsNothing,
    Closes(Option<(u16, String)>),
    IsClosed {
        code: Option<u16>,
        reason: Option<String>,
    },
    Leaves,
    IsCutOff,
    FallsSilent,
}

/// A message, or what a ping carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    Text(String),
    Bytes(Vec<u8>),
}

/// What is to be heard.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    Message(Payload),
    /// A text in which `*` stands for anything.
    Like(String),
    /// A text that is this JSON, however it is written.
    Json(serde_json::Value),
    Ping(Option<Payload>),
    Pong(Option<Payload>),
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Text(text) => f.write_str(&quoted(text)),
            Payload::Bytes(bytes) => {
                f.write_str("bytes")?;
                bytes.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
        }
    }
}

impl Payload {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Payload::Text(text) => text.as_bytes(),
            Payload::Bytes(bytes) => bytes,
        }
    }
}

/// Reads a transcript. `name` is what problems call its file.
///
/// # Errors
/// With every line that is no step.
pub fn parse(text: &str, name: &str) -> Result<Transcript, Vec<Problem>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut problems = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        let words = text.trim();
        if words.is_empty() || words.starts_with('#') {
            continue;
        }
        let read = if text.starts_with([' ', '\t']) {
            field(words, steps.last_mut())
        } else {
            action(words).map(|action| {
                steps.push(Step {
                    line: number,
                    text: words.to_owned(),
                    action,
                });
            })
        };
        if let Err(problem) = read {
            problems.push(Problem {
                name: name.to_owned(),
                line: number,
                problem,
            });
        }
    }
    if steps.is_empty() && problems.is_empty() {
        problems.push(Problem {
            name: name.to_owned(),
            line: 1,
            problem: "no step in it; a first one could be: ada connects to /".to_owned(),
        });
    }
    if problems.is_empty() {
        Ok(Transcript {
            name: name.to_owned(),
            steps,
        })
    } else {
        Err(problems)
    }
}

/// An indented line.
fn field(words: &str, step: Option<&mut Step>) -> Result<(), String> {
    const WHERE: &str =
        "an indented line is an HTTP field below `connects to`, `is accepted` or `is refused`";
    let Some(Action::Client(_, deed)) = step.map(|step| &mut step.action) else {
        return Err(WHERE.to_owned());
    };
    let (Deed::Connects { fields, .. }
    | Deed::IsAccepted { fields }
    | Deed::IsRefused { fields, .. }) = deed
    else {
        return Err(WHERE.to_owned());
    };
    let (name, value) = words
        .split_once(':')
        .ok_or("expected an HTTP field, such as Authorization: Bearer abc")?;
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return Err(format!(
            "{} cannot be the name of an HTTP field",
            quoted(name)
        ));
    }
    fields.push((name.to_owned(), value.trim().to_owned()));
    Ok(())
}

fn action(words: &str) -> Result<Action, String> {
    let mut line = Line::new(words)?;
    let action = if line.is("time") {
        const HOW: &str = "expected: time passes 5 min (units ms, s, min, h)";
        if !line.is("passes") {
            return Err(HOW.to_owned());
        }
        let time = duration(line.rest()).ok_or(HOW)?;
        Action::TimePasses(time)
    } else if line.is("the") {
        let swapped = line.is("plugins") && line.is("are") && line.is("swapped");
        if !swapped {
            return Err("expected: the plugins are swapped".to_owned());
        }
        Action::Swap
    } else {
        let who = names(&mut line)?;
        Action::Client(who, deed(&mut line)?)
    };
    line.end()?;
    Ok(action)
}

/// `ada` or `ada, grace`.
fn names(line: &mut Line<'_>) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    loop {
        match line.next() {
            Some(Token::Word(name)) if is_name(&name) => names.push(name),
            Some(token) => {
                return Err(format!(
                    "{token} cannot be the name of a client: expected letters and digits, as in: ada says \"hello\""
                ));
            }
            None => return Err("expected the name of a client".to_owned()),
        }
        if line.peek() != Some(&Token::Comma) {
            return Ok(names);
        }
        line.next();
    }
}

fn is_name(word: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.chars().all(known)
}

fn deed(line: &mut Line<'_>) -> Result<Deed, String> {
    const DEEDS: &str = "connects to, is accepted, is refused, says, hears, pings, closes, is closed, leaves, is cut off or falls silent";
    let Some(Token::Word(verb)) = line.next() else {
        return Err(format!("expected what the client does: {DEEDS}"));
    };
    Ok(match verb.as_str() {
        "connects" | "connect" => {
            let target = match (line.is("to"), line.next()) {
                (true, Some(Token::Word(target))) if target.starts_with('/') => target,
                _ => return Err("expected a path, as in: ada connects to /chat".to_owned()),
            };
            Deed::Connects {
                target,
                fields: Fields::new(),
            }
        }
        "says" | "say" => Deed::Says(payload(line)?.ok_or("expected \"a text\" or bytes 00 ff")?),
        "pings" | "ping" => Deed::Pings(payload(line)?.unwrap_or(Payload::Bytes(Vec::new()))),
        "hears" | "hear" if line.is("nothing") => Deed::HearsNothing,
        "hears" | "hear" => Deed::Hears(expected(line)?),
        "closes" | "close" => {
            let code = line.number();
            Deed::Closes(code.map(|code| (code, line.text().unwrap_or_default())))
        }
        "leaves" | "leave" => Deed::Leaves,
        "falls" | "fall" if line.is("silent") => Deed::FallsSilent,
        "is" | "are" => state(line)?,
        other => return Err(format!("nobody can '{other}': expected {DEEDS}")),
    })
}

/// What follows `is`.
fn state(line: &mut Line<'_>) -> Result<Deed, String> {
    if line.is("accepted") {
        return Ok(Deed::IsAccepted {
            fields: Fields::new(),
        });
    }
    if line.is("refused") {
        let status = line
            .number()
            .ok_or("expected a status, as in: ada is refused 401")?;
        let body = line.text();
        return Ok(Deed::IsRefused {
            status,
            body,
            fields: Fields::new(),
        });
    }
    if line.is("closed") {
        let code = line.number();
        return Ok(Deed::IsClosed {
            code,
            reason: line.text(),
        });
    }
    if line.is("cut") && line.is("off") {
        return Ok(Deed::IsCutOff);
    }
    Err("expected: is accepted, is refused 401, is closed 1000 or is cut off".to_owned())
}

fn expected(line: &mut Line<'_>) -> Result<Expected, String> {
    if line.is("like") {
        let pattern = line
            .text()
            .ok_or("expected a text, as in: ada hears like \"user * joined\"")?;
        return Ok(Expected::Like(pattern));
    }
    if line.is("json") {
        let value = serde_json::from_str(line.rest())
            .map_err(|error| format!("this is no JSON: {error}"))?;
        return Ok(Expected::Json(value));
    }
    if line.is("ping") {
        return Ok(Expected::Ping(payload(line)?));
    }
    if line.is("pong") {
        return Ok(Expected::Pong(payload(line)?));
    }
    let payload = payload(line)?;
    let payload = payload.ok_or(
        "expected \"a text\", bytes 00 ff, like \"a * b\", json {}, ping, pong or nothing",
    )?;
    Ok(Expected::Message(payload))
}

/// `"text"`, `bytes 00 ff` or either `* 1000`.
fn payload(line: &mut Line<'_>) -> Result<Option<Payload>, String> {
    let once = if let Some(text) = line.text() {
        Payload::Text(text)
    } else if line.is("bytes") {
        let mut bytes = Vec::new();
        while let Some(Token::Word(word)) = line.peek() {
            if word == "*" {
                break;
            }
            bytes.extend(hexadecimal(word).ok_or_else(|| {
                format!("'{word}' is no byte: expected two hexadecimal digits for each")
            })?);
            line.next();
        }
        Payload::Bytes(bytes)
    } else {
        return Ok(None);
    };
    if !line.is("*") {
        return Ok(Some(once));
    }
    let times: usize = line
        .number()
        .ok_or("expected how often, as in: \"x\" * 1000")?;
    let size = once.bytes().len().checked_mul(times);
    if size.is_none_or(|size| size > PAYLOAD_BYTES) {
        return Err("more than 256 MiB".to_owned());
    }
    Ok(Some(match once {
        Payload::Text(text) => Payload::Text(text.repeat(times)),
        Payload::Bytes(bytes) => Payload::Bytes(bytes.repeat(times)),
    }))
}

fn hexadecimal(word: &str) -> Option<Vec<u8>> {
    if !word.is_ascii() || !word.len().is_multiple_of(2) {
        return None;
    }
    let pairs = (0..word.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(word.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(text: &str) -> Vec<Action> {
        let transcript = parse(text, "t").unwrap_or_else(|problems| panic!("{problems:?}"));
        transcript
            .steps
            .into_iter()
            .map(|step| step.action)
            .collect()
    }

    #[test]
    fn every_step() {
        let text = r#"
# A comment.
ada, grace connect to /chat?room=1   # and another
    Authorization: Bearer abc
ada is accepted
    Sec-WebSocket-Protocol: chat.v1
eve is refused 401 "no"
ada says "a" * 3
ada says bytes 00ff 80
ada hears like "a * b"
ada hears json {"a": [1, 2]}
ada hears nothing
ada hears ping
ada pings "x"
ada hears pong "x"
time passes 5 min
the plugins are swapped
ada falls silent
ada closes 1000 "bye"
ada is closed 1000
grace leaves
eve is cut off
"#;
        let steps = actions(text);
        assert_eq!(steps.len(), 18);
        let Action::Client(who, Deed::Connects { target, fields }) = &steps[0] else {
            panic!("{:?}", steps[0]);
        };
        assert_eq!(
            (who.len(), target.as_str(), fields.len()),
            (2, "/chat?room=1", 1)
        );
        let says = |payload| Action::Client(vec!["ada".into()], Deed::Says(payload));
        assert_eq!(steps[3], says(Payload::Text("aaa".into())));
        assert_eq!(steps[4], says(Payload::Bytes(vec![0, 255, 128])));
        assert_eq!(steps[11], Action::TimePasses(Duration::from_secs(300)));
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        for (line, said) in [
            ("ada", "expected what the client does"),
            ("ada shouts", "nobody can 'shouts'"),
            ("ada says", "expected \"a text\""),
            ("ada says hello", "expected \"a text\""),
            ("ada says \"a\" \"b\"", "did not expect \"b\""),
            ("ada says bytes 0", "'0' is no byte"),
            ("ada says \"xx\" * 999999999", "256 MiB"),
            ("ada connects to chat", "expected a path"),
            ("ada is refused", "expected a status"),
            ("ada is happy", "expected: is accepted"),
            ("ada hears json {", "no JSON"),
            ("time passes", "time passes 5 min"),
            ("the end", "the plugins are swapped"),
            ("1da says \"a\"", "name of a client"),
            ("    Host: a", "an indented line"),
        ] {
            let problems = parse(&format!("# first\n{line}\n"), "t").unwrap_err();
            let problem = problems[0].to_string();
            assert!(
                problem.starts_with("t:2: ") && problem.contains(said),
                "{line}: {problem}"
            );
        }
        assert_eq!(parse("ada x\nada y\n", "t").unwrap_err().len(), 2);
        assert!(
            parse("# nothing\n", "t").unwrap_err()[0]
                .problem
                .contains("no step")
        );
    }
}
