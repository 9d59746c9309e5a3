//! Plays a transcript: one worker, its clients on streams in memory, and after each step a rest in which everything that
//! follows from it happens.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jackfield_plugin::Plugin;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::client::{Client, Heard, opcode};
use super::difference::{compare, lines, what};
use super::line::quoted;
use super::parked::Parked;
use super::parse::{Action, Deed, Expected, Fields, Step, Transcript};
use super::{NotMet, PlayError};
use crate::config::Config;
use crate::connection::Connection;
use crate::dispatch;
use crate::instances::Step as SwapStep;
use crate::server::{Entrance, Peer, Place, PluginIndex, Site};
use crate::swap::Version;
use crate::worker::{self, Arrival, Letter, Mailbox, Stream, TICK, Worker};

/// What a stream holds on its way, in bytes.
const PIPE: usize = 64 * 1024;
/// Ticks that a passing of time has at most, so that a day does not take a day.
const TICKS: u32 = 8192;
/// The first port that clients have.
const FIRST_PORT: u16 = 50_000;

/// A stage in the middle of a transcript.
pub(super) struct Player {
    worker: Rc<Worker>,
    entrance: Arc<Entrance>,
    places: Arc<Semaphore>,
    parked: Parked,
    clients: BTreeMap<String, Client>,
    arrived: u16,
    /// One worker sends itself no letters.
    _letters: mpsc::Receiver<Letter>,
}

impl Player {
    pub(super) async fn new(
        config: Config,
        plugins: &[Plugin],
        parked: Parked,
    ) -> Result<Player, PlayError> {
        let settings = config.listen.listener.clone();
        let entrance = Entrance::new(&settings, &config).map_err(|_| PlayError::Broken)?;
        let places = Arc::new(Semaphore::new(
            config.limits.connections.min(Semaphore::MAX_PERMITS),
        ));
        let site = Arc::new(Site::new(config));
        let versions = site.versions(plugins.to_vec());
        let (mailbox, letters) = Mailbox::new(1);
        let worker = worker::assemble(0, site, versions, vec![mailbox]).await;
        let worker = worker.map_err(|failure| PlayError::Start {
            plugin: failure.plugin,
            reason: failure.failure.to_string(),
        })?;
        Ok(Player {
            worker,
            entrance: Arc::new(entrance),
            places,
            parked,
            clients: BTreeMap::new(),
            arrived: 0,
            _letters: letters,
        })
    }

    /// Plays every step.
    pub(super) async fn play(mut self, transcript: &Transcript) -> Result<(), NotMet> {
        for step in &transcript.steps {
            let played = self.step(&step.action).await;
            played.map_err(|what| not_met(transcript, step, what))?;
        }
        if let Some(last) = transcript.steps.last() {
            self.nothing_is_left()
                .map_err(|what| not_met(transcript, last, what))?;
        }
        self.clients.clear();
        self.settle().await;
        dispatch::shutting_down(&self.worker).await;
        Ok(())
    }

    async fn step(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::TimePasses(time) => self.pass(*time).await,
            Action::Swap => self.swap().await?,
            Action::Client(names, deed) => {
                for name in names {
                    self.client(name, deed)
                        .await
                        .map_err(|what| match names.len() {
                            1 => what,
                            _ => format!("  of these, {name}:\n{what}"),
                        })?;
                }
            }
        }
        self.settle().await;
        Ok(())
    }

    async fn client(&mut self, name: &str, deed: &Deed) -> Result<(), String> {
        if let Deed::Connects { target, fields } = deed {
            return self.connect(name, target, fields).await;
        }
        if matches!(deed, Deed::Leaves) {
            return match self.clients.remove(name) {
                Some(_) => Ok(()),
                None => Err(unknown(name)),
            };
        }
        let client = self.clients.get(name).ok_or_else(|| unknown(name))?;
        match deed {
            Deed::Says(payload) => {
                self.written(client.say(opcode(payload), payload.bytes()))
                    .await?
            }
            Deed::Pings(payload) => self.written(client.say(0x9, payload.bytes())).await?,
            Deed::Closes(ending) => self.written(client.close(ending.as_ref())).await?,
            Deed::FallsSilent => client.fall_silent(),
            Deed::IsAccepted { fields } => answered(client, 101, None, fields)?,
            Deed::IsRefused {
                status,
                body,
                fields,
            } => answered(client, *status, body.as_deref(), fields)?,
            Deed::Hears(expected) => hears(client, expected)?,
            Deed::HearsNothing => hears_nothing(client)?,
            Deed::IsClosed { code, reason } => is_closed(client, *code, reason.as_deref())?,
            Deed::IsCutOff => is_cut_off(client)?,
            // Above.
            Deed::Connects { .. } | Deed::Leaves => {}
        }
        Ok(())
    }

    async fn connect(&mut self, name: &str, target: &str, fields: &Fields) -> Result<(), String> {
        if let Some(known) = self.clients.get(name)
            && !matches!(known.peek(), Some(Heard::End))
        {
            return Err(format!(
                "  {name} is connected already; a second connection needs a name of its own"
            ));
        }
        let (ours, theirs) = tokio::io::duplex(PIPE);
        self.arrived = self.arrived.wrapping_add(1) % 10_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST_PORT + self.arrived));
        let arrival = Arrival {
            stream: Stream::Other(Box::new(theirs)),
            peer: Peer::Internet(address),
            entrance: self.entrance.clone(),
            accepted: crate::clock::now(),
            place: Place::take(&self.places, &self.entrance),
            refusal: None,
        };
        let connection =
            Connection::new(&self.worker, arrival).map_err(|error| format!("  {error}"))?;
        tokio::task::spawn_local(Box::new(connection).serve());
        self.clients
            .insert(name.to_owned(), Client::connect(ours, target, fields).await);
        Ok(())
    }

    /// Waits for a write, unless the server reads no more.
    async fn written(&self, write: impl Future<Output = ()>) -> Result<(), String> {
        let rest = async {
            loop {
                self.parked.at_rest().await;
                if !self.is_busy() {
                    return;
                }
                wait_a_moment().await;
            }
        };
        tokio::select! {
            biased;
            () = write => Ok(()),
            () = rest => Err("  the server does not read this: the connection's rates (limits.…_per_second) allow no more until time passes".to_owned()),
        }
    }

    /// Everything that follows from what was done so far.
    async fn settle(&self) {
        loop {
            self.parked.at_rest().await;
            if !self.is_busy() {
                return;
            }
            // A plugin waits for something outside, for as long as its limits let it.
            wait_a_moment().await;
        }
    }

    fn is_busy(&self) -> bool {
        self.worker
            .placements
            .iter()
            .any(|placement| placement.is_busy())
    }

    async fn pass(&self, time: Duration) {
        let step = TICK.max(time / TICKS);
        let mut left = time;
        while !left.is_zero() {
            let some = left.min(step);
            crate::clock::pass(some);
            left -= some;
            worker::tick(&self.worker).await;
            self.settle().await;
        }
        // A deadline at this very moment is due with the tick behind it.
        crate::clock::pass(TICK);
        worker::tick(&self.worker).await;
    }

    /// A new instance of every plugin takes over, and what the old one remembers if it saves it.
    async fn swap(&self) -> Result<(), String> {
        for (index, placement) in self.worker.placements.iter().enumerate() {
            let old = placement.generation(None);
            let (plugin, config) = (old.version().plugin.clone(), old.version().config.clone());
            drop(old);
            let carry = plugin.exports().state;
            let version = Version::new(plugin, config, 1);
            let (reply, prepared) = oneshot::channel();
            let prepare = SwapStep::Prepare {
                version,
                carry,
                reply,
            };
            let refused =
                |why: String| format!("  plugin '{}' was not swapped: {why}", placement.name());
            self.worker
                .placement(PluginIndex(index))
                .step(&self.worker, prepare)
                .await;
            prepared
                .await
                .unwrap_or_else(|_| Err("it was given up".to_owned()))
                .map_err(refused)?;
            let (reply, _) = oneshot::channel();
            placement
                .step(&self.worker, SwapStep::Commit { reply })
                .await;
        }
        Ok(())
    }

    /// At the end, everything that was said has been heard.
    fn nothing_is_left(&self) -> Result<(), String> {
        for (name, client) in &self.clients {
            hears_nothing(client).map_err(|_| {
                let heard = client.peek().map(|heard| heard.to_string()).unwrap_or_default();
                format!("  this was the last step, but {name} heard something more:\n  heard     {heard}")
            })?;
        }
        Ok(())
    }
}

async fn wait_a_moment() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn not_met(transcript: &Transcript, step: &Step, what: String) -> NotMet {
    NotMet {
        name: transcript.name.clone(),
        line: step.line,
        text: step.text.clone(),
        what,
    }
}

fn unknown(name: &str) -> String {
    format!("  {name} is not connected; first: {name} connects to /")
}

fn answered(
    client: &Client,
    status: u16,
    body: Option<&str>,
    fields: &Fields,
) -> Result<(), String> {
    let Some(response) = client.response() else {
        let heard = client
            .peek()
            .map_or("no answer".to_owned(), |heard| heard.to_string());
        return Err(lines(&format!("the status {status}"), &heard));
    };
    if response.status != status {
        let body = if response.body.is_empty() {
            String::new()
        } else {
            format!(": {}", quoted(&response.body))
        };
        return Err(lines(
            &format!("the status {status}"),
            &format!("the status {}{body}", response.status),
        ));
    }
    if let Some(body) = body
        && response.body.trim_end() != body.trim_end()
    {
        return Err(lines(
            &format!("the body {}", quoted(body)),
            &quoted(&response.body),
        ));
    }
    for (name, value) in fields {
        let mut same = response
            .fields
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        if !same.clone().any(|(_, other)| other == value) {
            let heard = same.next().map_or(format!("no {name}"), |(name, value)| {
                format!("{name}: {value}")
            });
            return Err(lines(&format!("{name}: {value}"), &heard));
        }
    }
    // A refusal ends with the connection.
    if status != 101 && matches!(client.peek(), Some(Heard::End)) {
        client.take();
    }
    Ok(())
}

/// What was heard next. Pings and pongs count only for those who ask for them.
fn next(client: &Client, expected: Option<&Expected>) -> Option<Heard> {
    loop {
        match client.peek() {
            Some(Heard::Ping(_)) if !matches!(expected, Some(Expected::Ping(_))) => client.take(),
            Some(Heard::Pong(_)) if !matches!(expected, Some(Expected::Pong(_))) => client.take(),
            other => return other,
        }
    }
}

fn hears(client: &Client, expected: &Expected) -> Result<(), String> {
    let Some(heard) = next(client, Some(expected)) else {
        return Err(lines(&what(expected), "nothing"));
    };
    compare(expected, &heard)?;
    client.take();
    Ok(())
}

fn hears_nothing(client: &Client) -> Result<(), String> {
    match next(client, None) {
        None => Ok(()),
        Some(heard) => Err(lines("nothing", &heard.to_string())),
    }
}

fn is_closed(client: &Client, code: Option<u16>, reason: Option<&str>) -> Result<(), String> {
    let expected = match (code, reason) {
        (None, _) => "closed".to_owned(),
        (Some(code), None) => format!("closed {code}"),
        (Some(code), Some(reason)) => format!("closed {code} {}", quoted(reason)),
    };
    let heard = next(client, None);
    let met = match &heard {
        Some(Heard::Closed(None)) => code.is_none() || code == Some(1005),
        Some(Heard::Closed(Some((other, why)))) => {
            code.is_none_or(|code| code == *other) && reason.is_none_or(|reason| reason == why)
        }
        _ => false,
    };
    if !met {
        let heard = heard.map_or("nothing".to_owned(), |heard| heard.to_string());
        return Err(lines(&expected, &heard));
    }
    client.take();
    if matches!(client.peek(), Some(Heard::End)) {
        client.take();
    }
    Ok(())
}

fn is_cut_off(client: &Client) -> Result<(), String> {
    match next(client, None) {
        Some(Heard::End) => {
            client.take();
            Ok(())
        }
        heard => {
            let heard = heard.map_or("nothing".to_owned(), |heard| heard.to_string());
            Err(lines(
                "the end of the connection, without a close frame",
                &heard,
            ))
        }
    }
}
