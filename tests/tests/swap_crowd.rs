//! Many swaps under thousands of open connections: none is closed, every message is answered exactly once, in
//! order and by one version, and no connection ever sees an older version again.

use std::time::{Duration, Instant};

use e2e::versions::{Answer, PluginFile, stamped};
use e2e::{Crowd, PATIENCE, crowd};

/// Open connections of the ordinary run. `JACKFIELD_SWAP_CONNECTIONS` asks for another number.
const CONNECTIONS: usize = 5_000;
const SWAPS: u32 = 100;
/// Between two looks at what has arrived.
const PAUSE: Duration = Duration::from_millis(5);
/// Descriptors that a test program and a server need beside the connections.
const SPARE: u64 = 200;

/// What one connection has seen.
#[derive(Clone, Default)]
struct Seen {
    sent: u64,
    answered: u64,
    generation: u32,
    versions: u32,
}

impl Seen {
    /// An answer is to the message whose turn it is, from a version that is not older than the last.
    #[track_caller]
    fn answer(&mut self, member: usize, text: &str) {
        let answer = Answer::parse(text);
        self.answered += 1;
        assert!(
            self.answered <= self.sent,
            "connection {member}: {text:?} answers nothing"
        );
        assert_eq!(
            (answer.count, answer.text.as_str()),
            (self.answered, format!("message {}", self.answered).as_str()),
            "connection {member}: lost, doubled or out of order"
        );
        assert!(
            answer.generation >= self.generation,
            "connection {member}: back from version {} to {}",
            self.generation,
            answer.generation
        );
        self.versions += u32::from(answer.generation > self.generation);
        self.generation = answer.generation;
    }

    fn next(&mut self) -> String {
        self.sent += 1;
        format!("message {}", self.sent)
    }
}

fn connections() -> usize {
    let wanted = std::env::var("JACKFIELD_SWAP_CONNECTIONS");
    let wanted = wanted.map_or(CONNECTIONS, |number| number.parse().expect("a number"));
    let allowed = crowd::raise_descriptors().saturating_sub(SPARE);
    let number = wanted.min(usize::try_from(allowed).unwrap_or(usize::MAX));
    if number < wanted {
        eprintln!(
            "only {number} of {wanted} connections: the limit of open files (ulimit -Hn) is too low"
        );
    }
    number
}

#[test]
fn a_hundred_swaps_under_open_connections() {
    let connections = connections();
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = file.setup().variable("RUST_LOG", "info").start();
    let mut crowd = Crowd::open(&server, "/", connections);
    let busy = connections / 2;
    let mut seen = vec![Seen::default(); connections];
    for (member, seen) in seen.iter_mut().enumerate().take(busy) {
        crowd.text(member, &seen.next());
    }
    let began = Instant::now();
    std::thread::scope(|scope| {
        let swaps = scope.spawn(|| {
            for generation in 1..=SWAPS {
                file.swap(&server, &stamped(generation, ""));
            }
        });
        // Every busy connection has one message under way at any time, but for this pause: the swaps need the
        // processor as well.
        while !swaps.is_finished() {
            std::thread::sleep(PAUSE);
            for (member, text) in crowd.texts(PATIENCE) {
                seen[member].answer(member, &text);
                crowd.text(member, &seen[member].next());
            }
        }
        swaps.join().expect("the swaps");
    });
    let elapsed = began.elapsed();
    // The last answers, and then one more from everybody, by the last version.
    drain(&mut crowd, &mut seen);
    for (member, seen) in seen.iter_mut().enumerate() {
        crowd.text(member, &seen.next());
    }
    drain(&mut crowd, &mut seen);
    assert!(seen.iter().all(|seen| seen.generation == SWAPS));
    // Had the busy ones not been busy over the swaps, nothing would have been shown.
    let versions: u64 = seen[..busy]
        .iter()
        .map(|seen| u64::from(seen.versions))
        .sum();
    assert!(
        versions / busy as u64 > u64::from(SWAPS) / 10,
        "{versions} versions in all"
    );
    let messages: u64 = seen.iter().map(|seen| seen.answered).sum();
    eprintln!(
        "{connections} connections, {SWAPS} swaps in {elapsed:.1?}, {messages} messages, {} versions seen by a busy connection on average",
        versions / busy as u64
    );
    assert_eq!(server.log().count(&["a plugin's call failed"]), 0);
}

/// Waits until every message is answered, and then that nothing more comes.
fn drain(crowd: &mut Crowd, seen: &mut [Seen]) {
    let deadline = Instant::now() + PATIENCE;
    while seen.iter().any(|seen| seen.answered < seen.sent) {
        assert!(
            Instant::now() < deadline,
            "messages are left without an answer"
        );
        for (member, text) in crowd.texts(PATIENCE) {
            seen[member].answer(member, &text);
        }
    }
    let more = crowd.pending(Duration::from_millis(100));
    assert!(more.is_empty(), "answers to nothing: {more:?}");
}
