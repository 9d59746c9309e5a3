//! Functions and types as the contract and a component both have them: without names of types, which a
//! component may choose, but with the names of fields and cases, which are part of a type.

use std::fmt;

use crate::error::Mismatch;

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) is_async: bool,
    pub(super) params: Vec<(String, Shape)>,
    pub(super) result: Option<Shape>,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A primitive, or anything that the contract has no use for, in words.
    Named(&'static str),
    Record(Vec<(String, Shape)>),
    Variant(Vec<(String, Option<Shape>)>),
    Enum(Vec<String>),
    Flags(Vec<String>),
    Tuple(Vec<Shape>),
    List(Box<Shape>),
    Option(Box<Shape>),
    Result(Option<Box<Shape>>, Option<Box<Shape>>),
}

/// Characters of a type that a message shows.
const SHOWN: usize = 400;

/// The difference between two signatures, if there is one: as small as it can be named.
pub(super) fn compare(
    what: String,
    expected: Option<&Signature>,
    found: Option<&Signature>,
) -> Option<Mismatch> {
    let difference = match (expected, found) {
        (Some(expected), Some(found)) => expected.difference(found)?,
        (expected, found) => Difference::whole(
            expected.map_or("nothing of that name".into(), Signature::to_string),
            found.map_or("nothing".into(), Signature::to_string),
        ),
    };
    let mut what = what;
    for step in difference.path.iter().rev() {
        what.push_str(", ");
        what.push_str(step);
    }
    Some(Mismatch {
        what,
        expected: shorten(difference.expected),
        found: shorten(difference.found),
    })
}

/// Two things that differ, and the way to them, innermost step first.
struct Difference {
    path: Vec<String>,
    expected: String,
    found: String,
}

impl Difference {
    fn whole(expected: String, found: String) -> Difference {
        Difference {
            path: Vec::new(),
            expected,
            found,
        }
    }

    fn within(mut self, step: String) -> Difference {
        self.path.push(step);
        self
    }
}

impl Signature {
    fn difference(&self, found: &Signature) -> Option<Difference> {
        let whole = || Some(Difference::whole(self.to_string(), found.to_string()));
        if self.is_async != found.is_async || self.params.len() != found.params.len() {
            return whole();
        }
        // The names of parameters play no part in a call.
        for ((name, expected), (_, found)) in self.params.iter().zip(&found.params) {
            if let Some(difference) = expected.difference(found) {
                return Some(difference.within(format!("parameter {name}")));
            }
        }
        match (&self.result, &found.result) {
            (None, None) => None,
            (Some(expected), Some(found)) => expected
                .difference(found)
                .map(|difference| difference.within("result".into())),
            _ => whole(),
        }
    }
}

impl Shape {
    fn difference(&self, found: &Shape) -> Option<Difference> {
        if self == found {
            return None;
        }
        let deeper = match (self, found) {
            (Shape::Record(a), Shape::Record(b)) if same_names(a, b) => {
                a.iter().zip(b).find_map(|((name, a), (_, b))| {
                    a.difference(b)
                        .map(|difference| difference.within(format!("field {name}")))
                })
            }
            (Shape::Variant(a), Shape::Variant(b)) if same_names(a, b) => {
                a.iter().zip(b).find_map(|((name, a), (_, b))| {
                    optional(a.as_ref(), b.as_ref())
                        .map(|difference| difference.within(format!("case {name}")))
                })
            }
            (Shape::List(a), Shape::List(b)) => a
                .difference(b)
                .map(|difference| difference.within("elements".into())),
            (Shape::Option(a), Shape::Option(b)) => a.difference(b),
            (Shape::Result(a, x), Shape::Result(b, y)) => optional(a.as_deref(), b.as_deref())
                .map(|difference| difference.within("ok".into()))
                .or_else(|| {
                    optional(x.as_deref(), y.as_deref())
                        .map(|difference| difference.within("error".into()))
                }),
            _ => None,
        };
        deeper.or_else(|| Some(Difference::whole(self.to_string(), found.to_string())))
    }
}

fn same_names<T>(a: &[(String, T)], b: &[(String, T)]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|((a, _), (b, _))| a == b)
}

fn optional(expected: Option<&Shape>, found: Option<&Shape>) -> Option<Difference> {
    match (expected, found) {
        (None, None) => None,
        (Some(expected), Some(found)) => expected.difference(found),
        _ => {
            let text = |shape: Option<&Shape>| shape.map_or("no value".into(), Shape::to_string);
            Some(Difference::whole(text(expected), text(found)))
        }
    }
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_async {
            "async func("
        } else {
            "func("
        })?;
        separated(f, &self.params, |f, (name, shape)| {
            write!(f, "{name}: {shape}")
        })?;
        f.write_str(")")?;
        match &self.result {
            Some(result) => write!(f, " -> {result}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Named(name) => f.write_str(name),
            Shape::Record(fields) => {
                f.write_str("record { ")?;
                separated(f, fields, |f, (name, shape)| write!(f, "{name}: {shape}"))?;
                f.write_str(" }")
            }
            Shape::Variant(cases) => {
                f.write_str("variant { ")?;
                separated(f, cases, |f, (name, shape)| match shape {
                    Some(shape) => write!(f, "{name}({shape})"),
                    None => f.write_str(name),
                })?;
                f.write_str(" }")
            }
            Shape::Enum(names) => write!(f, "enum {{ {} }}", names.join(", ")),
            Shape::Flags(names) => write!(f, "flags {{ {} }}", names.join(", ")),
            Shape::Tuple(shapes) => {
                f.write_str("tuple<")?;
                separated(f, shapes, |f, shape| shape.fmt(f))?;
                f.write_str(">")
            }
            Shape::List(element) => write!(f, "list<{element}>"),
            Shape::Option(shape) => write!(f, "option<{shape}>"),
            Shape::Result(None, None) => f.write_str("result"),
            Shape::Result(Some(ok), None) => write!(f, "result<{ok}>"),
            Shape::Result(None, Some(error)) => write!(f, "result<_, {error}>"),
            Shape::Result(Some(ok), Some(error)) => write!(f, "result<{ok}, {error}>"),
        }
    }
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    mut write: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}
