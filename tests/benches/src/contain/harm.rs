//! The kinds of harm: what the clients of the misbehaving plugin say to it, again and again. What it does then is in
//! `tests/guests/hostile`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::site::Site;
use super::villain::Villain;

/// Between two attempts of a client that could not connect.
const AGAIN: Duration = Duration::from_millis(20);
/// Between two new versions: more than the server waits until a file is quiet.
const SWAP_EVERY: Duration = Duration::from_millis(1000);

/// One kind.
pub(super) struct Harm {
    /// On the command line.
    pub(super) name: &'static str,
    /// In the table.
    pub(super) what: &'static str,
    does: Does,
    /// Keys of the plugin's limits.
    pub(super) limits: &'static str,
}

enum Does {
    /// Says these in turn, and connects again when that ended the connection.
    Says(&'static [&'static str]),
    /// The same, and reads nothing.
    SaysAndReadsNothing(&'static str),
    /// Says this, then the plugin is replaced.
    IsReplaced(&'static str),
}

pub(super) const HARMS: [Harm; 10] = [
    Harm {
        name: "loops",
        what: "loops in every call",
        does: Does::Says(&["spin"]),
        limits: "",
    },
    Harm {
        name: "traps",
        what: "traps in every third call",
        does: Does::Says(&["count", "count", "panic"]),
        limits: "",
    },
    Harm {
        name: "allocates",
        what: "allocates up to its limit",
        does: Does::Says(&["memory"]),
        limits: "",
    },
    Harm {
        name: "floods",
        what: "floods sends",
        does: Does::Says(&["flood-forever 1024"]),
        limits: "",
    },
    Harm {
        name: "floods-nobody",
        what: "floods who does not read",
        does: Does::SaysAndReadsNothing("flood-forever 1024"),
        limits: "",
    },
    Harm {
        name: "logs",
        what: "floods logs, in lines",
        does: Does::Says(&["print"]),
        limits: "",
    },
    Harm {
        name: "complains",
        what: "floods logs, without an end of line",
        does: Does::Says(&["complain"]),
        limits: "",
    },
    Harm {
        name: "shutdown",
        what: "never returns from on-shutdown",
        does: Does::IsReplaced("arm shutdown spin"),
        limits: "",
    },
    Harm {
        name: "saves",
        what: "saves 1 GiB",
        does: Does::IsReplaced("arm save 1024"),
        limits: "",
    },
    Harm {
        name: "saves-all",
        what: "saves 1 GiB, and may have 2 GiB and 10 s",
        does: Does::IsReplaced("arm save 1024"),
        limits: "memory_bytes = \"2 GiB\"\ncall_time = \"10 s\"\n",
    },
];

impl Harm {
    /// How many clients do it.
    pub(super) fn villains(&self, most: usize) -> usize {
        match self.does {
            Does::IsReplaced(_) => 1,
            _ => most,
        }
    }

    /// Does it until `stop`, and counts how often.
    pub(super) fn go_on(&self, site: &Site, number: usize, stop: &AtomicBool, times: &AtomicU64) {
        let goes_on = || !stop.load(Ordering::Relaxed);
        let mut version = 0;
        while goes_on() {
            let Ok(mut villain) = Villain::connect(site.address, "/hostile") else {
                std::thread::sleep(AGAIN);
                continue;
            };
            match &self.does {
                Does::Says(lines) => {
                    // Not all of them in step.
                    for line in lines.iter().cycle().skip(number) {
                        if !goes_on() || villain.say(line).is_err() {
                            break;
                        }
                        times.fetch_add(1, Ordering::Relaxed);
                        if villain.hear(&goes_on).is_err() {
                            break;
                        }
                    }
                }
                Does::SaysAndReadsNothing(line) => {
                    if villain.say(line).is_ok() {
                        times.fetch_add(1, Ordering::Relaxed);
                        villain.wait_for_the_end(&goes_on);
                    }
                }
                Does::IsReplaced(line) => {
                    let told = villain.say(line).is_ok() && villain.hear(&goes_on).is_ok();
                    version += 1;
                    if told && site.replace(version).is_ok() {
                        times.fetch_add(1, Ordering::Relaxed);
                    }
                    std::thread::sleep(SWAP_EVERY);
                }
            }
        }
    }
}
