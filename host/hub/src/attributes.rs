//! What plugins remember about a connection: a small bounded map that lives in the host, so that it
//! survives a trap or a swap of the plugin.

use std::collections::BTreeMap;

/// Names that one connection can have, however short they are. Bounds the map's own overhead.
pub const MAX_ENTRIES: usize = 256;

/// A value does not fit below the connection's attribute limit; the old one is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributesFull;

/// The attributes of one connection. Most connections have none, and then this is one null pointer.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    map: Option<Box<Map>>,
}

#[derive(Debug, Default)]
struct Map {
    entries: BTreeMap<Box<str>, Box<[u8]>>,
    bytes: usize,
}

impl Attributes {
    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        self.map.as_ref()?.entries.get(name).map(|value| &**value)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let entries = self.map.iter().flat_map(|map| map.entries.keys());
        entries.map(|name| &**name)
    }

    /// Sets a value. `limit` bounds the bytes of all names and values together.
    pub(crate) fn set(
        &mut self,
        name: &str,
        value: &[u8],
        limit: usize,
    ) -> Result<(), AttributesFull> {
        let map = self.map.get_or_insert_default();
        let old = map.entries.get(name).map(|value| name.len() + value.len());
        let bytes = (map.bytes - old.unwrap_or(0))
            .saturating_add(name.len())
            .saturating_add(value.len());
        if bytes > limit || (old.is_none() && map.entries.len() >= MAX_ENTRIES) {
            return Err(AttributesFull);
        }
        map.bytes = bytes;
        map.entries.insert(name.into(), value.into());
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(map) = &mut self.map
            && let Some(value) = map.entries.remove(name)
        {
            map.bytes -= name.len() + value.len();
            if map.entries.is_empty() {
                self.map = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_names_and_values_and_keeps_the_old_value() {
        let mut attributes = Attributes::default();
        assert_eq!(attributes.set("user", b"ada", 10), Ok(()));
        assert_eq!(
            attributes.set("user", b"grace-hopper", 10),
            Err(AttributesFull)
        );
        assert_eq!(attributes.value("user"), Some(&b"ada"[..]));
        assert_eq!(attributes.set("user", b"mary", 10), Ok(()));
        assert_eq!(attributes.set("x", b"12", 10), Err(AttributesFull));
        attributes.remove("user");
        assert_eq!(attributes.value("user"), None);
        assert_eq!(attributes.set("x", b"123456789", 10), Ok(()));
    }

    #[test]
    fn many_tiny_names_are_bounded() {
        let mut attributes = Attributes::default();
        for n in 0..MAX_ENTRIES {
            attributes.set(&n.to_string(), b"", usize::MAX).unwrap();
        }
        assert_eq!(attributes.set("more", b"", usize::MAX), Err(AttributesFull));
        assert_eq!(attributes.set("0", b"new", usize::MAX), Ok(()));
    }
}
