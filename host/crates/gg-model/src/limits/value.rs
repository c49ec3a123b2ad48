//! Reading and writing the values of limits: sizes, counts, shares and times.

use std::time::Duration;

/// Why a text is not a limit's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitValueError {
    /// It is not a size.
    #[error(
        "expected bytes as a whole number, with a unit if you like: `65536`, `64KiB`, `64MB`, `1GiB`"
    )]
    Size,
    /// It is not a count.
    #[error("expected a whole number")]
    Count,
    /// It is not a share.
    #[error("expected a number such as `0.5`, above 0 and at most 1024")]
    Share,
    /// It is not a time.
    #[error("expected a whole number with a unit: `500ms`, `2s`, `1m`, `1h`")]
    Time,
    /// The number is larger than can be kept.
    #[error("the number is too large")]
    TooLarge,
    /// The number is smaller than makes sense.
    #[error("the number is too small; the least is {least}")]
    TooSmall {
        /// The least value in the limit's base unit: bytes, a count, or milliseconds.
        least: u64,
    },
}

/// A limit's value together with its kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum LimitValue {
    Size(u64),
    Count(u32),
    Share(f64),
    Time(Duration),
}

const SIZES: [(&str, u64); 13] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kb", 1000),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mb", 1000 * 1000),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gb", 1000 * 1000 * 1000),
    ("gib", 1 << 30),
    ("tb", 1000 * 1000 * 1000 * 1000),
    ("tib", 1 << 40),
];

const TIMES: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60 * 1000), ("h", 60 * 60 * 1000)];

/// The longest time that can be set: a year.
const LONGEST_MS: u64 = 366 * 24 * 60 * 60 * 1000;

/// Bytes: a whole number with or without a unit; `MiB` is 1024 and `MB` is 1000 kilobytes.
pub(crate) fn size(text: &str) -> Result<u64, LimitValueError> {
    with_unit(text, &SIZES, LimitValueError::Size)
}

/// A whole number; `_` may part its digits.
pub(super) fn count(text: &str) -> Result<u32, LimitValueError> {
    let number = with_unit(text, &[("", 1)], LimitValueError::Count)?;
    u32::try_from(number).map_err(|_| LimitValueError::TooLarge)
}

/// A share of a core, above 0.
pub(super) fn share(text: &str) -> Result<f64, LimitValueError> {
    match text.trim().parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 1024.0 => Ok(share),
        _ => Err(LimitValueError::Share),
    }
}

/// A time: a whole number and a unit.
pub(super) fn time(text: &str) -> Result<Duration, LimitValueError> {
    let ms = with_unit(text, &TIMES, LimitValueError::Time)?;
    if ms > LONGEST_MS { Err(LimitValueError::TooLarge) } else { Ok(Duration::from_millis(ms)) }
}

fn with_unit(
    text: &str,
    units: &[(&str, u64)],
    error: LimitValueError,
) -> Result<u64, LimitValueError> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
    let Some((_, factor)) = factor else { return Err(error) };
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(error);
    }
    let number = number.replace('_', "").parse::<u64>().map_err(|_| LimitValueError::TooLarge)?;
    number.checked_mul(*factor).ok_or(LimitValueError::TooLarge)
}

impl LimitValue {
    /// The value as people write it; reading it back gives the same value.
    pub(super) fn text(self) -> String {
        match self {
            Self::Size(bytes) => match bytes {
                0 => "0".into(),
                _ if bytes % (1 << 30) == 0 => format!("{} GiB", bytes >> 30),
                _ if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
                _ if bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
                _ => bytes.to_string(),
            },
            Self::Count(count) => count.to_string(),
            Self::Share(share) => share.to_string(),
            Self::Time(time) => match time.as_millis() {
                ms if ms % 1000 == 0 => format!("{} s", ms / 1000),
                ms => format!("{ms} ms"),
            },
        }
    }
}
