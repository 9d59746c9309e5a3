//! Why a swap did not happen. In every case the version that served goes on serving.

use jackfield_plugin::LoadError;

/// Why a swap was refused.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// No plugin of this name is configured.
    #[error("there is no plugin `{name}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// The name asked for.
        name: String,
        /// The most similar one.
        nearest: Option<String>,
    },
    /// Another swap of the same plugin is under way.
    #[error("plugin `{0}` is being swapped already; try again when that is done")]
    Busy(String),
    /// The file is larger than a component that would be looked at.
    #[error(
        "{bytes} bytes are too many for a component; one of at most {limit} bytes is looked at"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A limit above what the engine was started with.
    #[error(
        "limits.{key} = {wanted} needs a restart: this server was started with room for {most} at most in one instance"
    )]
    NeedsRestart {
        /// The limit's name.
        key: &'static str,
        /// What the configuration asks for.
        wanted: usize,
        /// What there is room for.
        most: usize,
    },
    /// The component does not fit the contract, or cannot be compiled.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No instance could be made, or a worker could not make its own ready, or `restore` refused.
    #[error("the new version does not start: {0}")]
    DoesNotStart(String),
    /// A canary must be promoted or rolled back first.
    #[error(
        "a canary of plugin `{0}` is under way: `jackfield plugin promote` or `rollback` it first"
    )]
    CanaryUnderWay(String),
    /// There is nothing to promote.
    #[error("no canary of plugin `{0}` is under way")]
    NoCanary(String),
    /// There is nothing to go back to.
    #[error("plugin `{0}` has no version before this one")]
    NothingBefore(String),
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

impl SwapError {
    pub(super) fn unknown<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Self {
        let nearest = names
            .map(|other| (strsim::damerau_levenshtein(name, other), other))
            .filter(|(distance, _)| *distance <= 3)
            .min()
            .map(|(_, other)| other.to_owned());
        SwapError::Unknown {
            name: name.to_owned(),
            nearest,
        }
    }
}
