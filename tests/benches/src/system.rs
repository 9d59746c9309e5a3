//! What the measurement needs of Linux: cores to pin to, descriptors, and what `/proc` says about a process.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The CPU time of a process since it started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// Time on a core, over all threads that still live; from the scheduler, so exact to about a millisecond.
    pub busy: Duration,
    /// Clock ticks (10 ms) in user mode, all threads.
    pub user_ticks: u64,
    /// Clock ticks in the kernel.
    pub kernel_ticks: u64,
}

impl Cpu {
    /// Reads `/proc/PID`.
    ///
    /// # Errors
    /// There is no such process, or no `/proc`.
    pub fn of(pid: u32) -> io::Result<Cpu> {
        let mut busy = 0;
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end between the listing and the reading.
            let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            busy += number(text.split_whitespace().next());
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name in brackets may hold anything; `utime` and `stime` are the 12th and 13th field behind it.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut fields = fields.split_whitespace().skip(11);
        Ok(Cpu {
            busy: Duration::from_nanos(busy),
            user_ticks: number(fields.next()),
            kernel_ticks: number(fields.next()),
        })
    }

    /// What was used since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Cpu) -> Cpu {
        Cpu {
            busy: self.busy.saturating_sub(earlier.busy),
            user_ticks: self.user_ticks.saturating_sub(earlier.user_ticks),
            kernel_ticks: self.kernel_ticks.saturating_sub(earlier.kernel_ticks),
        }
    }

    /// The part of the time that was spent in user mode, 0 to 1; 0 when nothing was counted.
    pub fn user_share(self) -> f64 {
        let all = self.user_ticks + self.kernel_ticks;
        if all == 0 {
            return 0.0;
        }
        self.user_ticks as f64 / all as f64
    }
}

/// Anonymous memory that a process really has, in bytes: its heaps, stacks and guests' memories, without files.
///
/// # Errors
/// There is no such process, or no `/proc`.
pub fn anonymous_memory(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Anonymous:"));
    Ok(1024 * number(line.and_then(|line| line.split_whitespace().next())))
}

/// Cores that this thread may run on.
pub fn cores() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap_or_default();
    (0..CpuSet::MAX_CPU)
        .filter(|core| set.is_set(*core))
        .collect()
}

/// Keeps this thread, and every thread and process that it starts from now on, on one core.
///
/// # Errors
/// There is no such core, or it may not be used.
pub fn pin(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Does something, such as starting a process, while this thread is on one core, which a child inherits.
///
/// # Errors
/// As [`pin`], and what `act` gives.
pub fn pinned<T>(core: Option<usize>, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let Some(core) = core else { return act() };
    let before = sched_getaffinity(None)?;
    pin(core)?;
    let done = act();
    sched_setaffinity(None, &before)?;
    done
}

/// Raises the limit of open descriptors, for this process and its children, to `wanted` or as near as is allowed.
pub fn allow_descriptors(wanted: u64) {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let ceiling = now.maximum.map_or(wanted, |maximum| maximum.max(wanted));
    let raised = Rlimit {
        current: Some(wanted),
        maximum: Some(ceiling),
    };
    if setrlimit(Resource::Nofile, raised).is_err() {
        // Without the right to raise the ceiling, what is below it is still ours.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: now.maximum,
                ..now
            },
        );
    }
}

/// Descriptors that this process, and a child, may have open.
pub fn descriptors() -> usize {
    let current = getrlimit(Resource::Nofile).current;
    current.map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    })
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_time_and_memory() {
        let pid = std::process::id();
        let before = Cpu::of(pid).unwrap();
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_millis(30) {
            std::hint::black_box(vec![1_u8; 4096]);
        }
        let used = Cpu::of(pid).unwrap().since(before);
        assert!(used.busy > Duration::ZERO, "{used:?}");
        assert!(anonymous_memory(pid).unwrap() > 0);
    }

    #[test]
    fn a_child_inherits_the_core() {
        let core = cores()[0];
        let before = cores();
        let status = pinned(Some(core), || {
            fs::read_to_string("/proc/thread-self/status")
        })
        .unwrap();
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        assert_eq!(list.map(str::trim), Some(core.to_string().as_str()));
        assert_eq!(cores(), before);
    }
}
