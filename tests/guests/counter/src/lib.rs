//! A number in guest memory, which shows who shares an instance with whom, what a trap costs, and what a swap
//! carries over.
//!
//! Every message adds one and is answered with the number. `trap` traps instead; `add N` adds N.

use jackfield_guest::{Connection, Handler, Message, State};

#[derive(Default)]
struct Counter {
    number: u64,
}

impl Handler for Counter {
    fn business_handler(&mut self, connection: Connection, message: Message) {
        let text = message.as_text().unwrap_or_default();
        let addend = match text.strip_prefix("add ") {
            Some(addend) => addend.parse().unwrap_or(0),
            None if text == "trap" => panic!("asked to, at {}", self.number),
            None => 1,
        };
        self.number = self.number.wrapping_add(addend);
        if let Err(error) = connection.send_text(&self.number.to_string()) {
            eprintln!("{connection}: {} was not sent: {error}", self.number);
        }
    }
}

impl State for Counter {
    fn save(&mut self) -> Result<Vec<u8>, String> {
        Ok(self.number.to_string().into_bytes())
    }

    fn restore(&mut self, from_version: String, state: Vec<u8>) -> Result<(), String> {
        let number = String::from_utf8(state)
            .ok()
            .and_then(|text| text.parse().ok());
        self.number = number.ok_or_else(|| format!("what {from_version} saved is no number"))?;
        Ok(())
    }
}

jackfield_guest::export!(Counter: Handler, State);
