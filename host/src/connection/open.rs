//! An upgraded connection: input becomes events, events become calls, replies are written once per turn.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use jackfield_hub::{Entry, Phase};
use jackfield_plugin::ErrorKind;
use jackfield_proto::{Event, Status};

use super::{Connection, READ_BELOW, Turn};
use crate::clock;
use crate::dispatch::{self, Delivery};
use crate::instances::Message;
use crate::worker::Worker;

/// How long a connection may go on with the input of one read while others wait.
const LONGEST_TURN: Duration = Duration::from_millis(2);

impl Connection {
    /// Serves until the protocol is done, or the socket.
    pub(super) async fn open(&mut self) {
        loop {
            match self.turn().await {
                Turn::Input(mut buffer, count) => {
                    self.process(buffer.get_mut(..count).unwrap_or_default())
                        .await;
                    self.give_back(buffer);
                }
                Turn::Eof => self.worker.shard.borrow_mut().handle_eof(self.id),
                Turn::Broken(error) => {
                    self.worker.shard.borrow_mut().handle_eof(self.id);
                    self.broken(&error);
                    return;
                }
                // Set when the last bytes of a finished connection wait for a peer that does not read.
                Turn::Expired | Turn::Disconnect | Turn::Finished => return,
            }
        }
    }

    /// Handles what came behind the upgrade request.
    pub(super) async fn catch_up(&mut self, mut leftover: Vec<u8>) {
        if !leftover.is_empty() {
            self.process(&mut leftover).await;
        }
    }

    fn broken(&self, error: &std::io::Error) {
        let detail = error.to_string();
        dispatch::report_error(&self.worker, self.id, ErrorKind::Transport, &detail);
    }

    /// Handles input to its end, each event before the next is looked for: answers to earlier input go out
    /// before anything that later input causes.
    async fn process(&mut self, input: &mut [u8]) {
        let worker = self.worker.clone();
        let mut rest = input;
        // A clock is not free beside a small message: it is looked at once for each.
        let mut now = clock::now();
        let mut began = now;
        self.set_in_turn(true);
        loop {
            let (event, behind) = self
                .worker
                .shard
                .borrow_mut()
                .handle_input(self.id, now, rest);
            rest = behind;
            // One place to wait in, whatever came: each would have its own room in the task of every connection.
            let delivery = match event {
                None => break,
                Some(Event::Text(text)) => self.begin_call(&worker, Message::Text(text)),
                Some(Event::Binary(bytes)) => self.begin_call(&worker, Message::Binary(bytes)),
                Some(Event::Failed(error)) => {
                    dispatch::offence(&worker, self.id, error);
                    None
                }
                Some(Event::PeerClosed | Event::Unhealthy | Event::CloseTimedOut) => None,
            };
            if let Some((plugin, call)) = delivery
                && let Err(failure) = self.attend(call).await
            {
                dispatch::not_delivered(&worker, plugin, self.id, &failure);
            }
            if self.waiting() > READ_BELOW || (!rest.is_empty() && self.is_throttled()) {
                poll_fn(|cx| self.poll_drain(cx)).await;
                now = clock::now();
                began = now;
            } else if !rest.is_empty() {
                now = clock::now();
                if now.duration_since(began) > LONGEST_TURN {
                    self.step_aside().await;
                    now = clock::now();
                    began = now;
                }
            }
        }
        self.set_in_turn(false);
    }

    /// Lets others have the worker; what has been answered so far goes out.
    async fn step_aside(&mut self) {
        // An error stays with the socket; the next turn meets it.
        let _ = poll_fn(|cx| Poll::Ready(self.poll_write(cx))).await;
        tokio::task::yield_now().await;
    }

    /// What a message leads to, if that is a call.
    fn begin_call<'m>(&self, worker: &'m Rc<Worker>, message: Message<'m>) -> Option<Delivery<'m>> {
        let phase = worker.shard.borrow().entry(self.id).map(Entry::phase);
        // The contract: after `close`, messages from the peer are no longer delivered.
        if phase != Some(Phase::Open) {
            return None;
        }
        dispatch::message(worker, self.id, message)
    }

    /// Awaits a call. Whenever the call is suspended, what was sent so far is written, and whatever others send
    /// meanwhile too.
    async fn attend<T>(&mut self, mut call: Pin<Box<impl Future<Output = T> + ?Sized>>) -> T {
        let mut paused = false;
        let answer = poll_fn(|cx| {
            self.set_in_turn(true);
            let polled = call.as_mut().poll(cx);
            if polled.is_pending() {
                paused = true;
                self.set_in_turn(false);
                if let Some(entry) = self.worker.shard.borrow_mut().entry_mut(self.id) {
                    entry.register(cx.waker());
                    entry.paused = true;
                }
                // An error stays with the socket; the next turn meets it.
                let _ = self.poll_write(cx);
            }
            polled
        })
        .await;
        if paused {
            let now = clock::now();
            self.worker.shard.borrow_mut().resume(self.id, now);
        }
        answer
    }

    /// Ready when enough was written that more input may cause more output, and the peer's rates allow more; or when
    /// that will never be.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_write(cx).is_err() {
            return Poll::Ready(());
        }
        let mut shard = self.worker.shard.borrow_mut();
        let Some(entry) = shard.entry_mut(self.id) else {
            return Poll::Ready(());
        };
        if (entry.outbox.len() <= READ_BELOW && entry.throttled.is_none())
            || entry.disconnect
            || entry.status() != Some(Status::Open)
        {
            entry.in_turn = true;
            return Poll::Ready(());
        }
        entry.in_turn = false;
        entry.register(cx.waker());
        Poll::Pending
    }

    fn set_in_turn(&self, in_turn: bool) {
        if let Some(entry) = self.worker.shard.borrow_mut().entry_mut(self.id) {
            entry.in_turn = in_turn;
        }
    }

    /// Whether the peer was faster than its rates allow.
    fn is_throttled(&self) -> bool {
        let shard = self.worker.shard.borrow();
        let entry = shard.entry(self.id);
        entry.is_some_and(|entry| entry.throttled.is_some())
    }

    /// Bytes that wait to be written.
    fn waiting(&self) -> usize {
        let shard = self.worker.shard.borrow();
        shard.entry(self.id).map_or(0, |entry| entry.outbox.len())
    }
}
