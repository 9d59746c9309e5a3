//! What the admin API asks a worker about its connections. An answer is bounded, and so is the work for it: whoever
//! wants more asks again, and the worker serves its connections in between.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use jackfield_hub::{CloseError, ConnectionId, Entry, Phase};
use tokio::sync::oneshot;

use super::Worker;
use crate::admin::model;
use crate::clock;
use crate::server::PluginIndex;

/// Places of the table that are looked at for one answer.
const LOOKED_AT: usize = 4096;

/// A question with the way back for its answer.
pub(crate) enum Question {
    /// Some of the connections.
    Connections {
        filter: Arc<Filter>,
        /// The place in the table to begin at.
        from: usize,
        /// Connections in the answer, at most.
        limit: usize,
        reply: oneshot::Sender<Part>,
    },
    /// Start the closing handshake of a connection.
    Close {
        id: ConnectionId,
        code: u16,
        reason: String,
        reply: oneshot::Sender<Result<(), NotClosed>>,
    },
}

/// Which connections are asked for; what is not given does not matter.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) plugin: Option<PluginIndex>,
    /// By its number.
    pub(crate) route: Option<u16>,
    /// The address of the peer, with its port or without.
    pub(crate) peer: Option<String>,
}

/// A part of a worker's connections.
pub(crate) struct Part {
    pub(crate) connections: Vec<model::Connection>,
    /// The place behind the last that was looked at; none at the end of the table.
    pub(crate) next: Option<usize>,
}

/// Why a connection was not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotClosed {
    /// There is none with this id.
    Unknown,
    /// Its upgrade request is not answered yet.
    Handshaking,
    /// It is being closed already.
    Closing,
    /// A code that no server may send.
    InvalidCode,
}

impl Worker {
    /// Answers a question.
    pub(super) fn answer(self: &Rc<Self>, question: Question) {
        // Whoever asked may have gone; then nobody wants the answer.
        match question {
            Question::Connections {
                filter,
                from,
                limit,
                reply,
            } => drop(reply.send(self.part(&filter, from, limit))),
            Question::Close {
                id,
                code,
                reason,
                reply,
            } => drop(reply.send(self.close_for_admin(id, code, &reason))),
        }
    }

    fn part(&self, filter: &Filter, from: usize, limit: usize) -> Part {
        let shard = self.shard.borrow();
        let now = clock::now();
        let end = from.saturating_add(LOOKED_AT).min(shard.places());
        let mut part = Part {
            connections: Vec::new(),
            next: (end < shard.places()).then_some(end),
        };
        for (place, id) in shard.ids_in(from..end) {
            let Some(entry) = shard.entry(id) else {
                continue;
            };
            if !self.is_meant(filter, entry) {
                continue;
            }
            if part.connections.len() >= limit {
                part.next = Some(place);
                break;
            }
            part.connections.push(self.described(id, entry, now));
        }
        part
    }

    fn is_meant(&self, filter: &Filter, entry: &Entry) -> bool {
        let route = self.route_of(entry);
        let peer = filter.peer.as_deref().is_none_or(|wanted| {
            let host = entry.peer.rsplit_once(':').map_or("", |(host, _)| host);
            *wanted == *entry.peer || wanted == host.trim_matches(['[', ']'])
        });
        peer && (filter.route.is_none() || filter.route == entry.route)
            && filter
                .plugin
                .is_none_or(|plugin| route.is_some_and(|route| route.plugins.contains(&plugin)))
    }

    fn described(&self, id: ConnectionId, entry: &Entry, now: Instant) -> model::Connection {
        let route = self.route_of(entry);
        let plugins = route.map_or(&[][..], |route| &route.plugins);
        let millis = |since: Instant| now.saturating_duration_since(since).as_millis() as u64;
        model::Connection {
            id: id.as_u64(),
            peer: entry.peer.to_string(),
            state: match entry.phase() {
                Phase::Handshaking => "handshaking",
                Phase::Open => "open",
                Phase::Closing => "closing",
            }
            .to_owned(),
            worker: self.index,
            route: route.map(|route| route.path.clone()),
            protocol: entry.protocol.as_deref().map(str::to_owned),
            plugins: plugins
                .iter()
                .map(|plugin| {
                    let placement = self.placement(*plugin);
                    let generation = placement.generation(Some(id));
                    model::Served {
                        plugin: placement.name().to_owned(),
                        version: generation.version().plugin.digest().to_string(),
                    }
                })
                .collect(),
            age_ms: millis(entry.accepted),
            idle_ms: millis(entry.last_traffic()),
            backlog_bytes: entry.outbox.len() as u64,
            attributes: entry.attribute_names().map(str::to_owned).collect(),
        }
    }

    fn close_for_admin(&self, id: ConnectionId, code: u16, reason: &str) -> Result<(), NotClosed> {
        let mut shard = self.shard.borrow_mut();
        match shard.entry(id).map(Entry::phase) {
            None => return Err(NotClosed::Unknown),
            Some(Phase::Handshaking) => return Err(NotClosed::Handshaking),
            Some(Phase::Closing) => return Err(NotClosed::Closing),
            Some(Phase::Open) => {}
        }
        shard
            .close(id, clock::now(), code, reason)
            .map_err(|error| match error {
                CloseError::Gone => NotClosed::Unknown,
                CloseError::InvalidCode => NotClosed::InvalidCode,
            })
    }
}
