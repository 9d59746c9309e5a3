//! The smallest plugin: every message goes back to where it came from, text as text, binary as binary.

use jackfield_guest::{Connection, Handler, Message};

#[derive(Default)]
struct Echo;

impl Handler for Echo {
    fn business_handler(&mut self, connection: Connection, message: Message) {
        if let Err(error) = connection.send(&message) {
            eprintln!("not echoed: {error}");
        }
    }
}

jackfield_guest::export!(Echo: Handler);
