//! Parts of objects (RFC 9110, 14).

use crate::registry::Refusal;

/// Bytes from the first to the last of an object of this size that a header asks for. `None`: all of
/// it, as also for what is no range, or several.
pub(super) fn read(header: Option<&str>, size: u64) -> Result<Option<(u64, u64)>, Refusal> {
    let range = header.and_then(|header| header.trim().strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.trim().split_once('-')) else {
        return Ok(None);
    };
    let number = |text: &str| text.parse::<u64>().ok();
    let (from, to) = match (first, last) {
        ("", suffix) => match number(suffix) {
            Some(length) if length > 0 && size > 0 => (size.saturating_sub(length), size - 1),
            Some(_) => return Err(unsatisfiable(size)),
            None => return Ok(None),
        },
        (first, "") => match number(first) {
            Some(first) => (first, size.saturating_sub(1)),
            None => return Ok(None),
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
            _ => return Ok(None),
        },
    };
    if from >= size { Err(unsatisfiable(size)) } else { Ok(Some((from, to))) }
}

fn unsatisfiable(size: u64) -> Refusal {
    Refusal::invalid(format!("the range is not in the object, which has {size} bytes"))
        .about("range", size.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_within_the_object() {
        for (header, wanted) in [
            ("bytes=0-3", Some((0, 3))),
            ("bytes=2-", Some((2, 9))),
            ("bytes=-3", Some((7, 9))),
            ("bytes=-100", Some((0, 9))),
            ("bytes=5-100", Some((5, 9))),
            ("bytes=3-2", None),
            ("bytes=0-1,4-5", None),
            ("lines=0-1", None),
            ("bytes=a-b", None),
            ("bytes=99999999999999999999-", None),
        ] {
            assert_eq!(read(Some(header), 10).unwrap(), wanted, "{header}");
        }
        assert_eq!(read(None, 10).unwrap(), None);
        for (header, size) in
            [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-0", 0)]
        {
            assert!(read(Some(header), size).is_err(), "{header}");
        }
    }
}
