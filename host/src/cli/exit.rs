//! The exit codes: one list for the program, for `--help` and for the README.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; for a server: stopped as asked, every connection closed or out of time.
    Ok = 0,
    /// The configuration, a plugin or a transcript is wrong; nothing was started.
    Refused = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A plugin's build failed, or a tool that it needs is not there.
    Build = 3,
    /// The address cannot be listened on.
    Listen = 4,
    /// Something else failed that the message names.
    Failed = 5,
    /// A second Ctrl-C: stopped at once, connections cut.
    Interrupted = 130,
}

impl Exit {
    /// Every code.
    pub const ALL: [Exit; 7] = [
        Exit::Ok,
        Exit::Refused,
        Exit::Usage,
        Exit::Build,
        Exit::Listen,
        Exit::Failed,
        Exit::Interrupted,
    ];

    /// What it tells the caller.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Ok => "done; a server: stopped as asked",
            Exit::Refused => {
                "the configuration, a plugin or a transcript is wrong, or the server refused"
            }
            Exit::Usage => "the command line is wrong",
            Exit::Build => "a plugin's build failed, or a tool that it needs was not found",
            Exit::Listen => "the address cannot be listened on",
            Exit::Failed => "something else failed; the message says what",
            Exit::Interrupted => "a second Ctrl-C: stopped at once",
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_readme_has_this_table() {
        let readme = include_str!("../../../README.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {} |", exit.code(), exit.meaning());
            assert!(readme.contains(&row), "README.md lacks: {row}");
        }
    }
}
