//! Runs a command and keeps the end of what it writes: stdout and stderr as one stream, in the order in
//! which they were written. Bounded in memory; the wait ends with the command.

use std::collections::VecDeque;
use std::io::{self, PipeReader, Read};
use std::ops::ControlFlow;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How often `tell` is called at least.
const TICK: Duration = Duration::from_millis(100);
/// How long output is awaited after the command's end, when a process it left behind holds the pipe.
const STRAGGLERS: Duration = Duration::from_millis(300);

/// What a command wrote.
pub(super) struct Captured {
    /// The last of it, byte for byte.
    pub(super) bytes: Vec<u8>,
    /// How many bytes before that were dropped.
    pub(super) dropped: u64,
}

/// Runs the command to its end. `tell` hears for how long it runs and the last line it wrote, and may have it ended:
/// then there is no result.
pub(super) fn run(
    mut command: Command,
    limit: usize,
    tell: &mut dyn FnMut(Duration, String) -> ControlFlow<()>,
) -> io::Result<Option<(ExitStatus, Captured)>> {
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // The command holds this process's ends of the pipe: without this, the reader never sees its end.
    drop(command);
    let (sender, chunks) = sync_channel(16);
    // Ends when the pipe does. When a process that was left behind keeps the pipe open, it ends with the
    // next line of that process, because nobody receives any more.
    let thread = std::thread::Builder::new().name("build-output".to_owned());
    thread.spawn(move || read(reader, &sender))?;

    let start = Instant::now();
    let mut kept = Kept::new(limit);
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        match chunks.recv_timeout(TICK) {
            Ok(chunk) => kept.add(&chunk),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let status = match ended {
                    Some((status, _)) => status,
                    None => child.wait()?,
                };
                return Ok(Some((status, kept.into())));
            }
        }
        if ended.is_none() {
            ended = child.try_wait()?.map(|status| (status, Instant::now()));
        }
        match ended {
            Some((status, since)) if since.elapsed() > STRAGGLERS => {
                return Ok(Some((status, kept.into())));
            }
            _ => {
                if tell(start.elapsed(), kept.last_line()).is_break() {
                    child.kill()?;
                    child.wait()?;
                    return Ok(None);
                }
            }
        }
    }
}

fn read(mut reader: PipeReader, sender: &SyncSender<Vec<u8>>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let chunk = match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => buffer.get(..length).unwrap_or_default().to_vec(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        if sender.send(chunk).is_err() {
            return;
        }
    }
}

struct Kept {
    bytes: VecDeque<u8>,
    limit: usize,
    dropped: u64,
}

impl Kept {
    fn new(limit: usize) -> Kept {
        Kept {
            bytes: VecDeque::new(),
            limit,
            dropped: 0,
        }
    }

    fn add(&mut self, chunk: &[u8]) {
        self.bytes.extend(chunk);
        let excess = self.bytes.len().saturating_sub(self.limit);
        self.bytes.drain(..excess);
        self.dropped += excess as u64;
    }

    /// The last line that is not blank, as plain text for a status line.
    fn last_line(&self) -> String {
        const LONGEST: usize = 400;
        let mut line: Vec<u8> = Vec::new();
        for byte in self.bytes.iter().rev() {
            match byte {
                b'\n' | b'\r' if line.iter().all(u8::is_ascii_whitespace) => line.clear(),
                b'\n' | b'\r' => break,
                _ if line.len() == LONGEST => break,
                byte => line.push(*byte),
            }
        }
        line.reverse();
        plain(&String::from_utf8_lossy(&line)).trim().to_owned()
    }
}

impl From<Kept> for Captured {
    fn from(kept: Kept) -> Captured {
        Captured {
            bytes: kept.bytes.into(),
            dropped: kept.dropped,
        }
    }
}

/// Without control characters and without the escape sequences that set colours (ECMA-48 section 5.4).
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' {
            if characters.next() == Some('[') {
                // Parameters and intermediates, up to the final byte.
                characters.by_ref().find(|c| ('@'..='~').contains(c));
            }
        } else if !c.is_control() {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_plain() {
        let mut kept = Kept::new(1024);
        assert_eq!(kept.last_line(), "");
        kept.add(b"first\n\x1b[1m\x1b[32m   Compiling\x1b[0m echo \x07v0.1.0\n\n");
        assert_eq!(kept.last_line(), "Compiling echo v0.1.0");
        kept.add(b"\xff\xfe half a line");
        assert_eq!(kept.last_line(), "\u{fffd}\u{fffd} half a line");
        kept.add(&[b'x'; 5000]);
        assert_eq!(kept.last_line().len(), 400);
    }

    #[test]
    fn the_end_is_kept() {
        let mut kept = Kept::new(4);
        kept.add(b"abc");
        kept.add(b"defg");
        assert_eq!((kept.dropped, kept.bytes.len()), (3, 4));
        assert_eq!(Captured::from(kept).bytes, b"defg");
    }
}
