//! Who has which token. A sample's table: replace this file by whatever your users are kept in.

use std::hint::black_box;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// May connect.
    Welcome,
    /// Is known, and may not connect.
    Barred,
}

/// Token, user and standing.
const ACCOUNTS: &[(&str, &str, Standing)] = &[
    ("let-me-in", "ada", Standing::Welcome),
    ("me-too", "grace", Standing::Welcome),
    ("keep-me-out", "mallory", Standing::Barred),
];

/// The user and the standing of the account with this token.
///
/// Every account is compared, and each of them to its last byte: how long it takes tells a guesser nothing but
/// the lengths of the tokens.
pub(crate) fn find(token: &str) -> Option<(&'static str, Standing)> {
    let mut found = None;
    for (candidate, user, standing) in ACCOUNTS {
        if are_equal(candidate.as_bytes(), token.as_bytes()) {
            found = Some((*user, *standing));
        }
    }
    found
}

fn are_equal(ours: &[u8], theirs: &[u8]) -> bool {
    if ours.len() != theirs.len() {
        return false;
    }
    let pairs = ours.iter().zip(theirs);
    // The optimiser may not see that a difference once found stays.
    let difference = pairs.fold(0, |difference, (ours, theirs)| {
        black_box(difference | (ours ^ theirs))
    });
    difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_their_whole_token() {
        assert_eq!(find("let-me-in"), Some(("ada", Standing::Welcome)));
        assert_eq!(find("me-too"), Some(("grace", Standing::Welcome)));
        assert_eq!(find("keep-me-out"), Some(("mallory", Standing::Barred)));
        assert_eq!(find("let-me-in "), None);
        assert_eq!(find("met-me-in"), None);
        assert_eq!(find(""), None);
    }
}
