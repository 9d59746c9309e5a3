//! Children of a test: signals by process id, bounded waits, and what `/proc` says about them.

use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Sends a signal (`TERM`, `INT`, `STOP`, …) to exactly this process.
///
/// # Panics
/// When there is no such process.
#[track_caller]
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid.to_string())
        .stderr(Stdio::null())
        .status()
        .expect("the program kill");
    assert!(
        status.success(),
        "kill -{name} {pid}: no such process any more"
    );
}

/// Waits for a child, but not for ever; none when it still runs after `bound`.
///
/// # Panics
/// When the child cannot be waited for.
pub fn wait(child: &mut Child, bound: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + bound;
    loop {
        if let Some(status) = child.try_wait().expect("waiting for a child") {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a command to its end and returns what it printed. It is killed after `bound`.
///
/// # Panics
/// When it cannot be started or does not end in time.
#[track_caller]
pub fn run(command: &mut Command, bound: Duration) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let status = wait(&mut child, bound);
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let stdout = stdout.join().expect("the reader of a child's output");
    let stderr = stderr.join().expect("the reader of a child's errors");
    match status {
        Some(status) => Output {
            status,
            stdout,
            stderr,
        },
        None => panic!(
            "{command:?} did not end within {bound:?}:\n{}\n{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        ),
    }
}

/// Open descriptors of a process.
///
/// # Panics
/// When there is no such process.
pub fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("the descriptors of the server")
        .count()
}

/// Resident memory of a process in KiB.
///
/// # Panics
/// When there is no such process.
pub fn resident_kib(pid: u32) -> u64 {
    status_field(pid, "VmRSS:")
}

/// Threads of a process.
///
/// # Panics
/// When there is no such process.
pub fn threads(pid: u32) -> u64 {
    status_field(pid, "Threads:")
}

/// Processor time that a process has used, in clock ticks (a hundredth of a second).
///
/// # Panics
/// When there is no such process.
pub fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("/proc/PID/stat");
    // Behind the name in brackets; user and system time are the 14th and 15th field of all.
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = behind.split_whitespace().collect();
    [11, 12]
        .iter()
        .filter_map(|index| fields.get(*index)?.parse::<u64>().ok())
        .sum()
}

fn status_field(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("/proc/PID/status");
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{name} in /proc/{pid}/status"))
}

fn drain(stream: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}
