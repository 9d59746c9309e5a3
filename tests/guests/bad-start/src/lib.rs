//! Never gets through `on-started`: panics, or with the feature `spin` does not return.

use std::hint::black_box;

use jackfield_guest::{Connection, Handler, Message, ServerEvents};

#[derive(Default)]
struct BadStart;

impl ServerEvents for BadStart {
    fn on_started(&mut self) {
        while cfg!(feature = "spin") {
            black_box(());
        }
        panic!("cannot start");
    }
}

impl Handler for BadStart {
    fn business_handler(&mut self, connection: Connection, _message: Message) {
        let _ = connection.send_text("called before on-started");
    }
}

jackfield_guest::export!(BadStart: ServerEvents, Handler);
