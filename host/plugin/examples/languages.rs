//! Measures components in this crate's engine: size, compiling, starting, memory, calls. What docs/languages.md shows is
//! made by `bash tests/languages/measure`, which builds the echo samples and gives them to this.
//!
//! usage: cargo run --release -p jackfield-plugin --example languages -- LABEL=COMPONENT[=BUILD_SECONDS]...
//!
//! The host is a stand-in that takes what is sent and forgets it: what is measured is the way from the host into the
//! plugin and back into the host. Compiling is told in processor time, of all threads; of other times the shortest
//! counts: a busy machine only ever adds.

use std::error::Error;
use std::time::{Duration, Instant};

use jackfield_plugin::{
    AttributeError, CloseError, ConnectionId, ConnectionInfo, Engine, EngineConfig, GuestStream,
    Instance, InstanceLimits, MessageRef, Plugin, Reply, SendError, Services,
};

/// Instances that are made to see what one costs.
const INSTANCES: usize = 16;
/// Calls before anything is timed: interpreters and collectors settle.
const WARM_UP: usize = 500;
/// How often a component is compiled.
const COMPILATIONS: u32 = 3;
/// Timed batches, and the calls in each.
const BATCHES: usize = 51;
const CALLS: usize = 100;

/// A host that takes everything.
struct Sink;

impl Services for Sink {
    fn send(&mut self, _: ConnectionId, message: MessageRef<'_>) -> Result<(), SendError> {
        std::hint::black_box(message.bytes());
        Ok(())
    }
    fn send_uncompressed(&mut self, _: ConnectionId, _: MessageRef<'_>) -> Result<(), SendError> {
        Ok(())
    }
    fn send_fragment(
        &mut self,
        _: ConnectionId,
        _: MessageRef<'_>,
        _: bool,
    ) -> Result<(), SendError> {
        Ok(())
    }
    fn ping(&mut self, _: ConnectionId, _: &[u8]) -> Result<(), SendError> {
        Ok(())
    }
    fn pong(&mut self, _: ConnectionId, _: &[u8]) -> Result<(), SendError> {
        Ok(())
    }
    fn close(&mut self, _: ConnectionId, _: u16, _: &str) -> Result<(), CloseError> {
        Ok(())
    }
    fn disconnect(&mut self, _: ConnectionId) -> Result<(), CloseError> {
        Ok(())
    }
    fn attribute(
        &mut self,
        _: ConnectionId,
        _: &str,
    ) -> Reply<Result<Option<Vec<u8>>, AttributeError>> {
        Reply::Now(Ok(None))
    }
    fn set_attribute(
        &mut self,
        _: ConnectionId,
        _: &str,
        _: &[u8],
    ) -> Reply<Result<(), AttributeError>> {
        Reply::Now(Ok(()))
    }
    fn remove_attribute(&mut self, _: ConnectionId, _: &str) -> Reply<Result<(), AttributeError>> {
        Reply::Now(Ok(()))
    }
    fn info(&mut self, _: ConnectionId) -> Reply<Option<ConnectionInfo>> {
        Reply::Now(None)
    }
    fn guest_line(&mut self, _: GuestStream, _: Option<ConnectionId>, line: &str) {
        eprintln!("the plugin printed: {line}");
    }
}

/// What is known of one component.
struct Measured {
    size: usize,
    /// Processor time of one compilation.
    compile: Duration,
    start: Duration,
    /// Linear memory of an instance, in bytes, after a call.
    memory: usize,
    /// What an instance adds to the process's resident memory, in bytes, after a call.
    resident: usize,
    small: Duration,
    large: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    println!(
        "| language | component | build | compile (CPU) | start | memory of an instance | resident | call, 5 B | call, 64 KiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for argument in std::env::args().skip(1) {
        let mut parts = argument.split('=');
        let (Some(label), Some(file)) = (parts.next(), parts.next()) else {
            return Err(format!("{argument}: not LABEL=COMPONENT[=BUILD_SECONDS]").into());
        };
        let build = parts
            .next()
            .map_or("".to_owned(), |text| format!("{text} s"));
        let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        let measured = runtime
            .block_on(measure(label, &bytes))
            .map_err(|error| format!("{label}: {error}"))?;
        println!("| {label} | {} | {build} | {measured}", size(measured.size));
    }
    Ok(())
}

async fn measure(name: &str, bytes: &[u8]) -> Result<Measured, Box<dyn Error>> {
    // No cache: what is compiled is timed.
    let engine = Engine::new(EngineConfig::default())?;
    let began = processor_time()?;
    let mut plugin = engine.load(name, bytes)?;
    for _ in 1..COMPILATIONS {
        plugin = engine.load(name, bytes)?;
    }
    let compile = processor_time()?.saturating_sub(began) / COMPILATIONS;
    let limits = InstanceLimits {
        call_time: Duration::from_secs(20),
        ..InstanceLimits::default()
    };
    // The first pays for what is set up once.
    drop(serving(&plugin, &limits).await?);
    let before = resident()?;
    let mut starts = Vec::new();
    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        let began = Instant::now();
        let mut instance = plugin.instantiate(Box::new(Sink), &limits).await?;
        starts.push(began.elapsed());
        call(&mut instance, MessageRef::Text("hello")).await?;
        instances.push(instance);
    }
    let resident = resident()?.saturating_sub(before) / INSTANCES;
    let memory = instances[0].memory_bytes();
    drop(instances);
    let small = calls(&plugin, &limits, "hello").await?;
    let large = calls(&plugin, &limits, &"x".repeat(64 << 10)).await?;
    Ok(Measured {
        size: bytes.len(),
        compile,
        start: shortest(&starts),
        memory,
        resident,
        small,
        large,
    })
}

async fn serving(plugin: &Plugin, limits: &InstanceLimits) -> Result<Instance, Box<dyn Error>> {
    let mut instance = plugin.instantiate(Box::new(Sink), limits).await?;
    call(&mut instance, MessageRef::Text("hello")).await?;
    Ok(instance)
}

async fn call(instance: &mut Instance, message: MessageRef<'_>) -> Result<(), Box<dyn Error>> {
    Ok(instance.business_handler(ConnectionId(1), message).await?)
}

/// The mean of the fastest batch.
async fn calls(
    plugin: &Plugin,
    limits: &InstanceLimits,
    text: &str,
) -> Result<Duration, Box<dyn Error>> {
    let mut instance = serving(plugin, limits).await?;
    for _ in 0..WARM_UP {
        call(&mut instance, MessageRef::Text(text)).await?;
    }
    let mut batches = Vec::new();
    for _ in 0..BATCHES {
        let began = Instant::now();
        for _ in 0..CALLS {
            call(&mut instance, MessageRef::Text(text)).await?;
        }
        batches.push(began.elapsed() / CALLS as u32);
    }
    Ok(shortest(&batches))
}

fn shortest(times: &[Duration]) -> Duration {
    times.iter().min().copied().unwrap_or_default()
}

/// Processor time of all threads of this process so far. In clock ticks of 10 ms, which every Linux has in what it shows.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name of the program, in brackets, may hold anything; utime and stime are the 14th and 15th fields.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || -> Result<u64, Box<dyn Error>> {
        Ok(fields.next().ok_or("stat is too short")?.parse()?)
    };
    Ok(Duration::from_millis((ticks()? + ticks()?) * 10))
}

/// Resident memory of this process, in bytes.
fn resident() -> Result<usize, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmRSS")?.parse::<usize>()? << 10)
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_000_000 => format!("{} KB", bytes / 1000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        write!(
            f,
            "{} ms | {:.0} µs | {} KiB | {} KiB | {:.2} µs | {:.1} µs |",
            self.compile.as_millis(),
            micros(self.start),
            self.memory >> 10,
            self.resident >> 10,
            micros(self.small),
            micros(self.large),
        )
    }
}
