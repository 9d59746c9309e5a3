//! What a guest writes to stdout and stderr reaches the host as lines, with the connection it was written for.

mod support;

use jackfield_plugin::{CallError, ConnectionId, InstanceLimits, MessageRef};
use support::{Host, load};

const ID: ConnectionId = ConnectionId(7);

/// A guest that writes each message to stdout (text) or stderr (binary). A message that begins with `!` makes
/// it trap afterwards; one that begins with `?` makes it end its program.
fn writer() -> Vec<u8> {
    wat::parse_str(include_str!("guests/writer.wat")).unwrap()
}

async fn start() -> (jackfield_plugin::Instance, support::Log) {
    let host = Host::default();
    let log = host.log.clone();
    let guest = load(&writer())
        .instantiate(Box::new(host), &InstanceLimits::default())
        .await
        .unwrap();
    (guest, log)
}

#[tokio::test]
async fn lines_are_told_apart_by_stream_and_connection() {
    let (mut guest, log) = start().await;
    guest
        .business_handler(ID, MessageRef::Text("one\ntwo\n"))
        .await
        .unwrap();
    guest
        .business_handler(ConnectionId(8), MessageRef::Binary(b"three\r\n"))
        .await
        .unwrap();
    assert_eq!(
        log.take(),
        [
            "Stdout for 7: one",
            "Stdout for 7: two",
            "Stderr for 8: three"
        ]
    );
}

#[tokio::test]
async fn the_end_of_a_call_ends_the_line() {
    let (mut guest, log) = start().await;
    guest
        .business_handler(ID, MessageRef::Text("\nno newline"))
        .await
        .unwrap();
    assert_eq!(log.take(), ["Stdout for 7: ", "Stdout for 7: no newline"]);
    guest
        .business_handler(ID, MessageRef::Text(""))
        .await
        .unwrap();
    assert!(log.take().is_empty());
}

#[tokio::test]
async fn what_is_not_utf_8_is_shown_as_far_as_it_goes() {
    let (mut guest, log) = start().await;
    guest
        .business_handler(ID, MessageRef::Binary(b"a\xffb"))
        .await
        .unwrap();
    assert_eq!(log.take(), ["Stderr for 7: a\u{fffd}b"]);
}

#[tokio::test]
async fn a_long_line_comes_in_pieces_cut_between_characters() {
    let (mut guest, log) = start().await;
    let long = "ä".repeat(2000) + "x" + &"ä".repeat(500);
    guest
        .business_handler(ID, MessageRef::Text(&long))
        .await
        .unwrap();
    let lines = log.take();
    assert_eq!(lines.len(), 2);
    let text: String = lines
        .iter()
        .map(|line| line.strip_prefix("Stdout for 7: ").unwrap())
        .collect();
    assert_eq!(text, long);
}

#[tokio::test]
async fn what_was_written_before_a_trap_comes_before_its_error() {
    let (mut guest, log) = start().await;
    let error = guest
        .business_handler(ID, MessageRef::Binary(b"!panicked at 42"))
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::Trap { .. }), "{error}");
    assert_eq!(log.take(), ["Stderr for 7: !panicked at 42"]);
    assert_eq!(error.stderr(), "!panicked at 42");
}

#[tokio::test]
async fn of_what_was_written_before_a_trap_the_end_goes_with_the_error() {
    let (mut guest, _log) = start().await;
    let earlier = MessageRef::Binary(b"of an earlier call");
    guest.business_handler(ID, earlier).await.unwrap();
    let long = format!("!{}\nthe reason\n", "x".repeat(10_000));
    let error = guest
        .business_handler(ID, MessageRef::Binary(long.as_bytes()))
        .await
        .unwrap_err();
    let said = error.stderr();
    assert!(said.ends_with("x\nthe reason"), "{said}");
    assert!((1000..=2048).contains(&said.len()), "{} bytes", said.len());
    // What goes to stdout does not.
    let (mut guest, _log) = start().await;
    let error = guest.business_handler(ID, MessageRef::Text("!out"));
    assert_eq!(error.await.unwrap_err().stderr(), "");
}

#[tokio::test]
async fn a_guest_that_ends_its_program_only_ends_itself() {
    let (mut guest, log) = start().await;
    let error = guest
        .business_handler(ID, MessageRef::Text("?"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CallError::Trap { message, .. } if message.contains("exit")),
        "{error}"
    );
    assert_eq!(log.take(), ["Stdout for 7: ?"]);
    assert!(guest.is_poisoned());
}
