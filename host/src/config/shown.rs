//! How a resolved configuration is written out as data (`GET /v1/config`): as in the file, so that durations are texts
//! with a unit and sizes are bytes.

use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::resolved::{Origins, SwapPolicy};
use super::unit;

/// A duration, such as `"10 s"`.
pub(super) fn duration<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&unit::show_duration(*value))
}

/// A duration, or `false` for none.
pub(super) fn duration_or_false<S: Serializer>(
    value: &Option<Duration>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => duration(value, to),
        None => to.serialize_bool(false),
    }
}

/// A number, or `false` for none.
pub(super) fn or_false<T: Serialize, S: Serializer>(
    value: &Option<T>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(to),
        None => to.serialize_bool(false),
    }
}

impl Serialize for SwapPolicy {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            SwapPolicy::Live => to.serialize_str("live"),
            SwapPolicy::Drain { limit } => {
                let mut table = to.serialize_map(Some(1))?;
                table.serialize_entry("drain", &unit::show_duration(*limit))?;
                table.end()
            }
            SwapPolicy::Canary { share } => {
                let mut table = to.serialize_map(Some(1))?;
                table.serialize_entry("canary", &(f64::from(*share) / 10_000.0))?;
                table.end()
            }
        }
    }
}

impl Serialize for Origins {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Origins::Same => to.serialize_str("same"),
            Origins::Any => to.serialize_str("any"),
            Origins::List(origins) => origins.serialize(to),
        }
    }
}
