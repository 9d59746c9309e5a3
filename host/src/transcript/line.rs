//! One line of a transcript, in words, quoted texts and commas.

use std::fmt;
use std::iter::Peekable;
use std::vec::IntoIter;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    /// In quotes, as in JSON.
    Text(String),
    Comma,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(word) => write!(f, "'{word}'"),
            Token::Text(text) => write!(f, "{}", quoted(text)),
            Token::Comma => f.write_str("','"),
        }
    }
}

/// A text as a transcript has it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The pieces of a line, read one after the other.
pub(super) struct Line<'a> {
    tokens: Peekable<IntoIter<(Token, usize)>>,
    text: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn new(text: &'a str) -> Result<Line<'a>, String> {
        let mut tokens = Vec::new();
        let mut rest = text;
        loop {
            rest = rest.trim_start();
            let at = text.len() - rest.len();
            let Some(first) = rest.chars().next() else {
                break;
            };
            // Behind this is JSON, which has brackets, colons and whatever; whoever wants it asks for the rest.
            if matches!(first, '{' | '[') {
                tokens.push((Token::Word(rest.to_owned()), at));
                break;
            }
            let (token, length) = match first {
                '#' => break,
                ',' => (Token::Comma, 1),
                '"' => {
                    let length = end_of_text(rest).ok_or("a text without its closing '\"'")?;
                    let text = rest.get(..length).unwrap_or_default();
                    let text = serde_json::from_str(text)
                        .map_err(|error| format!("{text} is no text as JSON writes it: {error}"))?;
                    (Token::Text(text), length)
                }
                _ => {
                    let ends = |c: char| c.is_whitespace() || c == ',' || c == '"';
                    let length = rest.find(ends).unwrap_or(rest.len());
                    let word = rest.get(..length).unwrap_or_default();
                    (Token::Word(word.to_owned()), length)
                }
            };
            tokens.push((token, at));
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(Line {
            tokens: tokens.into_iter().peekable(),
            text,
        })
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        self.tokens.next().map(|(token, _)| token)
    }

    pub(super) fn peek(&mut self) -> Option<&Token> {
        self.tokens.peek().map(|(token, _)| token)
    }

    /// Takes the next word when it is this one.
    pub(super) fn is(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        if found {
            self.next();
        }
        found
    }

    /// Takes the next piece when it is a text.
    pub(super) fn text(&mut self) -> Option<String> {
        match self
            .tokens
            .next_if(|(token, _)| matches!(token, Token::Text(_)))
        {
            Some((Token::Text(text), _)) => Some(text),
            _ => None,
        }
    }

    /// Takes the next piece when it is a number.
    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        let Some(Token::Word(word)) = self.peek() else {
            return None;
        };
        let number = word.parse().ok()?;
        self.next();
        Some(number)
    }

    /// Everything that was not taken yet, as it is written.
    pub(super) fn rest(&mut self) -> &'a str {
        let at = self.tokens.peek().map(|(_, at)| *at);
        while self.tokens.next().is_some() {}
        at.and_then(|at| self.text.get(at..)).unwrap_or_default()
    }

    /// Nothing may be left.
    pub(super) fn end(&mut self) -> Result<(), String> {
        match self.next() {
            None => Ok(()),
            Some(token) => Err(format!("did not expect {token} here")),
        }
    }
}

/// Where a quoted text at the beginning ends: behind its second quote that no backslash stands before.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = true;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_texts_and_comments() {
        let mut line = Line::new(r#"ada, grace hear "a \"b\" # c" * 3 # why"#).unwrap();
        let word = |word: &str| Some(Token::Word(word.to_owned()));
        assert_eq!(line.next(), word("ada"));
        assert_eq!(line.next(), Some(Token::Comma));
        assert_eq!(line.next(), word("grace"));
        assert!(!line.is("hears") && line.is("hear"));
        assert_eq!(line.text().as_deref(), Some("a \"b\" # c"));
        assert!(line.is("*"));
        assert_eq!(line.number::<usize>(), Some(3));
        assert!(line.end().is_ok());
    }

    #[test]
    fn what_is_no_text_is_said() {
        for (line, said) in [
            ("ada says \"x", "closing"),
            (r#"ada says "\q""#, "no text as JSON"),
        ] {
            let error = Line::new(line).err().unwrap();
            assert!(error.contains(said), "{error}");
        }
    }
}
