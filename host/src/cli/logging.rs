//! The log: one compact line an event on stderr. What is logged is decided by `-v`, or else by `RUST_LOG`,
//! or else by the default below.

use tracing_subscriber::EnvFilter;

use super::console::Console;

/// The host's own events from INFO on, the libraries' from WARN on.
const DEFAULT: &str =
    "warn,plugin=info,jackfield=info,jackfield_hub=info,jackfield_plugin=info,jackfield_proto=info";

/// Starts logging, once per process.
///
/// # Errors
/// When `RUST_LOG` is not a filter; the text says what is wrong with it.
pub(super) fn start(verbosity: u8, console: &Console) -> Result<(), String> {
    let filter = filter(verbosity, std::env::var("RUST_LOG").ok().as_deref())?;
    let subscriber = tracing_subscriber::fmt()
        .compact()
        .with_ansi(console.colour())
        .with_env_filter(filter)
        .with_writer(console.log_writer());
    // Fails when there is a log already, as in a test that calls this twice; the first one stays.
    let _ = subscriber.try_init();
    Ok(())
}

fn filter(verbosity: u8, environment: Option<&str>) -> Result<EnvFilter, String> {
    let directives = match (verbosity, environment) {
        (0, Some(text)) if !text.trim().is_empty() => text,
        (0, _) => DEFAULT,
        (1, _) => {
            "info,jackfield=debug,jackfield_hub=debug,jackfield_plugin=debug,jackfield_proto=debug"
        }
        (2, _) => {
            "info,jackfield=trace,jackfield_hub=trace,jackfield_plugin=trace,jackfield_proto=trace"
        }
        _ => "trace",
    };
    EnvFilter::try_new(directives).map_err(|error| {
        format!("RUST_LOG is not a log filter: {error}\n  such as RUST_LOG=info or RUST_LOG=warn,jackfield=debug")
    })
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn flags_before_the_environment_before_the_default() {
        let shown = |verbosity, text| filter(verbosity, text).map(|filter| filter.to_string());
        let with = |text: &str, part: &str| text.split(',').any(|directive| directive == part);
        assert!(with(&shown(0, None).unwrap(), "jackfield=info"));
        assert!(with(&shown(0, Some(" ")).unwrap(), "jackfield=info"));
        assert_eq!(shown(0, Some("error")).unwrap(), "error");
        assert!(with(&shown(1, Some("error")).unwrap(), "jackfield=debug"));
        assert!(with(&shown(2, None).unwrap(), "jackfield=trace"));
        assert_eq!(shown(7, None).unwrap(), "trace");
        assert!(
            shown(0, Some("jackfield=loud"))
                .unwrap_err()
                .starts_with("RUST_LOG is not")
        );
    }
}
