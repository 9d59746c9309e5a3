//! Says which version it is, for tests of swaps: the same source built with the feature `v2`, and without it,
//! gives two components that differ in nothing else.
//!
//! Any message is answered with `v1 N` or `v2 N`; N counts this connection's messages over all versions (it is
//! an attribute), so that a test sees an answer that was lost, doubled or given by an older version again.

use jackfield_guest::{AttributeError, Connection, Handler, Message};

const VERSION: &str = if cfg!(feature = "v2") { "v2" } else { "v1" };

#[derive(Default)]
struct Version;

impl Handler for Version {
    fn business_handler(&mut self, connection: Connection, _message: Message) {
        let answer = match count(connection) {
            Ok(number) => format!("{VERSION} {number}"),
            Err(error) => format!("{VERSION} {error}"),
        };
        if let Err(error) = connection.send_text(&answer) {
            eprintln!("{connection}: {answer} was not sent: {error}");
        }
    }
}

jackfield_guest::export!(Version: Handler);

fn count(connection: Connection) -> Result<u64, AttributeError> {
    let before = connection.attribute("messages")?;
    let before = before.and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
    let number = before.unwrap_or(0) + 1;
    connection.set_attribute("messages", number.to_le_bytes())?;
    Ok(number)
}
