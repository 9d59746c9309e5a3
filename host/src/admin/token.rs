//! The token that opens the admin API: read once at the start, kept as a digest, compared in constant time.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::resolved::TokenSource;

/// A shorter token can be guessed.
pub const TOKEN_BYTES_MIN: usize = 16;
/// A longer one is not a token but some other file; it would not fit into a request's head either.
const TOKEN_BYTES_MAX: usize = 4096;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The variable is not set.
    #[error("the environment variable {0} is not set")]
    NoVariable(String),
    /// The file is not there or cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Too short to be a secret.
    #[error("the token in {place} has {bytes} bytes; at least {TOKEN_BYTES_MIN} are needed")]
    Short {
        /// The file or variable.
        place: String,
        /// Its length.
        bytes: usize,
    },
    /// Too long to be sent.
    #[error("what is in {0} is longer than {TOKEN_BYTES_MAX} bytes, so it is not a token")]
    Long(String),
    /// It could not stand in a header field.
    #[error("the token in {0} has a character that is not printable ASCII, or a blank")]
    NotAToken(String),
}

/// A token in the clear, for whoever has to send it.
pub struct Secret(String);

/// What is kept of the token to recognise it.
pub(super) struct Token {
    digest: [u8; 32],
}

impl Secret {
    /// Reads a token from where the configuration says.
    ///
    /// # Errors
    /// When there is none, or it is too short, too long, or not printable.
    pub fn read(source: &TokenSource) -> Result<Secret, TokenError> {
        let (text, place) = match source {
            TokenSource::Env(name) => (from_variable(name)?, name.clone()),
            TokenSource::File(path) => (from_file(path)?, path.display().to_string()),
        };
        let text = text.trim();
        if text.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Long(place));
        }
        // RFC 6750 section 2.1 allows less; whatever can stand in a field value without blanks is fine here.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::NotAToken(place));
        }
        if text.len() < TOKEN_BYTES_MIN {
            return Err(TokenError::Short {
                place,
                bytes: text.len(),
            });
        }
        Ok(Secret(text.to_owned()))
    }

    /// The token.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Token {
    pub(super) fn new(secret: &Secret) -> Token {
        Token {
            digest: Sha256::digest(secret.0.as_bytes()).into(),
        }
    }

    /// Whether this is the token. Takes as long for one wrong guess as for another: digests of equal length are
    /// compared, to the end.
    pub(super) fn is(&self, guess: &[u8]) -> bool {
        let guess: [u8; 32] = Sha256::digest(guess).into();
        self.digest.ct_eq(&guess).into()
    }
}

/// Says when every user of the machine can read the token.
pub(super) fn warn_about(source: &TokenSource) {
    let TokenSource::File(path) = source else {
        return;
    };
    let mode = path
        .metadata()
        .map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o004 != 0) {
        tracing::warn!(
            file = %path.display(),
            "every user of this machine can read the admin API's token; chmod 600 keeps it from them"
        );
    }
}

fn from_variable(name: &str) -> Result<String, TokenError> {
    let value = std::env::var_os(name).ok_or_else(|| TokenError::NoVariable(name.to_owned()))?;
    value
        .into_string()
        .map_err(|_| TokenError::NotAToken(name.to_owned()))
}

fn from_file(path: &Path) -> Result<String, TokenError> {
    let shown = || path.display().to_string();
    let unreadable = |source| TokenError::Unreadable {
        path: shown(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // A little more than the limit, so that a longer file is noticed.
    file.take(2 * TOKEN_BYTES_MAX as u64)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| TokenError::NotAToken(shown()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_the_token() {
        let token = Token::new(&Secret("correct horse battery".to_owned()));
        assert!(token.is(b"correct horse battery"));
        for guess in [
            "",
            "correct",
            "correct horse battery ",
            "Correct horse battery",
        ] {
            assert!(!token.is(guess.as_bytes()), "{guess}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_in_words() {
        let folder = std::env::temp_dir().join(format!("jackfield-token-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let read = |content: &[u8]| {
            let path = folder.join("token");
            std::fs::write(&path, content).unwrap();
            Secret::read(&TokenSource::File(path)).map(|secret| secret.reveal().to_owned())
        };
        assert_eq!(read(b"  0123456789abcdef\n").unwrap(), "0123456789abcdef");
        let said = |content: &[u8]| read(content).unwrap_err().to_string();
        assert!(said(b"0123456789abcde\n").contains("has 15 bytes; at least 16"));
        assert!(said(b"").contains("has 0 bytes"));
        assert!(said("0123456789abcdé-------".as_bytes()).contains("printable"));
        assert!(said(b"two words are no token").contains("blank"));
        assert!(said(&[0xff; 20]).contains("printable"));
        assert!(said(&[b'a'; 5000]).contains("longer than 4096"));
        assert!(said(&[b'a'; 50_000]).contains("longer than 4096"));
        let none = Secret::read(&TokenSource::File(folder.join("none")));
        assert!(none.is_err_and(|error| error.to_string().contains("none: ")));
        let unset = TokenSource::Env("JACKFIELD_TEST_UNSET".to_owned());
        assert!(Secret::read(&unset).is_err_and(|error| error.to_string().contains("not set")));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
