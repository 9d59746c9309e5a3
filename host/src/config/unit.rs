//! Durations and sizes as people write them: `"10 s"`, `"500ms"`, `"1 MiB"`, `65536`. Pure functions.

use std::time::Duration;

/// What a duration looks like, for messages.
pub(super) const DURATION: &str = "a duration such as \"10 s\" (units ms, s, min, h)";
/// What a size looks like, for messages.
pub(super) const SIZE: &str =
    "a size in bytes such as 65536 or \"64 KiB\" (units B, KiB, MiB, GiB)";

/// Reads a duration; none when it is not one. Whole numbers and decimals, with a unit, blanks allowed
/// between the two. Exact to the millisecond.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    scaled(number, milliseconds).map(Duration::from_millis)
}

/// Reads a size in bytes; none when it is not one.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let bytes = match unit {
        "B" | "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    scaled(number, bytes)
}

/// A duration in the largest unit in which it is whole.
pub(super) fn show_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    for (unit, size) in [("h", 3_600_000), ("min", 60_000), ("s", 1_000)] {
        if ms > 0 && ms.is_multiple_of(size) {
            return format!("{} {unit}", ms / size);
        }
    }
    format!("{ms} ms")
}

/// A size in the largest unit in which it is whole.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes > 0 && bytes.is_multiple_of(1 << shift) {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} B")
}

fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    Some((number, unit.trim_start()))
}

/// `number * unit`, when that is a whole number that fits. Integer arithmetic, so nothing is rounded.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let ten = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let units = u128::from(unit);
    let whole = u128::from(whole.parse::<u64>().ok()?).checked_mul(units)?;
    let part = u128::from(fraction.parse::<u64>().ok()?).checked_mul(units)?;
    if !part.is_multiple_of(ten) {
        return None;
    }
    u64::try_from(whole.checked_add(part / ten)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ms) in [
            ("10 s", Some(10_000)),
            ("300s", Some(300_000)),
            ("500ms", Some(500)),
            (" 1.5  s ", Some(1_500)),
            ("2 min", Some(120_000)),
            ("1 h", Some(3_600_000)),
            ("0.0001 s", None),
            ("10", None),
            ("s", None),
            (".5 s", None),
            ("1. s", None),
            ("1.2.3 s", None),
            ("-1 s", None),
            ("10 S", None),
            ("10 s s", None),
            ("99999999999999999999 s", None),
            ("18446744073709551615 h", None),
            ("", None),
        ] {
            assert_eq!(duration(text), ms.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("1 MiB", Some(1 << 20)),
            ("16KiB", Some(16_384)),
            ("1.5 KiB", Some(1_536)),
            ("7 B", Some(7)),
            ("7", Some(7)),
            ("2 GiB", Some(2 << 30)),
            ("1 MB", None),
            ("1 mib", None),
            ("0.3 B", None),
            ("18446744073709551615 GiB", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    #[test]
    fn shown_in_the_largest_whole_unit() {
        assert_eq!(show_duration(Duration::from_secs(3600)), "1 h");
        assert_eq!(show_duration(Duration::from_secs(90)), "90 s");
        assert_eq!(show_duration(Duration::from_millis(1_500)), "1500 ms");
        assert_eq!(show_duration(Duration::ZERO), "0 ms");
        assert_eq!(show_size(1 << 20), "1 MiB");
        assert_eq!(show_size(1_000), "1000 B");
        assert_eq!(show_size(0), "0 B");
    }
}
