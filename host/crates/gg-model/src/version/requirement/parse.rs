//! From a requirement's text to its ranges.

use super::range::{Operator, Partial, Range};
use crate::text::excerpt;
use semver::Version;

/// The ranges between `||`, or what is wrong.
pub(super) fn alternatives(text: &str) -> Result<Vec<Range>, String> {
    text.split("||").map(range).collect()
}

fn range(text: &str) -> Result<Range, String> {
    let mut range = Range::default();
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [lower, "-", upper] = words[..] {
        range.add(Operator::GreaterOrEqual, partial(lower)?);
        range.add(Operator::LessOrEqual, partial(upper)?);
        return Ok(range);
    }
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (operator, after) = operator(rest);
        let after = after.trim_start();
        let end = |c: char| c.is_whitespace() || "<>=^~|".contains(c);
        let (word, after) = after.split_at(after.find(end).unwrap_or(after.len()));
        range.add(operator, partial(word)?);
        rest = after.trim_start();
    }
    Ok(range)
}

/// The operator that a text begins with, and what follows.
fn operator(text: &str) -> (Operator, &str) {
    const OPERATORS: [(&str, Operator); 7] = [
        (">=", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("=", Operator::Equal),
        ("^", Operator::Caret),
        ("~", Operator::Tilde),
    ];
    let found = OPERATORS.iter().find_map(|(sign, operator)| {
        let rest = text.strip_prefix(sign)?;
        Some((*operator, rest))
    });
    found.unwrap_or((Operator::Equal, text))
}

/// `1.2.3-rc.1`, `1.2`, `1.x`, `*`; a `v` before it does not count.
fn partial(word: &str) -> Result<Partial, String> {
    let version = word.strip_prefix(['v', 'V']).unwrap_or(word);
    let fault = || match word {
        "" => "a version is missing at the end or before another sign".to_owned(),
        "-" => "`-` stands between two versions and nothing else".to_owned(),
        word if word.contains(',') => "write a space instead of the comma".to_owned(),
        word => format!("`{}` is not a version such as `1.2.3`, `1.2` or `1.x`", excerpt(word)),
    };
    let parts: Vec<&str> = version.splitn(3, '.').collect();
    let (known, wildcards) =
        parts.split_at(parts.iter().take_while(|part| !is_wildcard(part)).count());
    if known.len() == 3 {
        return Version::parse(version).map(Partial::Full).map_err(|_| fault());
    }
    let numbers: Option<Vec<u64>> = known.iter().map(|part| number(part)).collect();
    match numbers.as_deref() {
        // After a wildcard there are only others.
        _ if !wildcards.iter().all(|part| is_wildcard(part)) => Err(fault()),
        Some([]) => Ok(Partial::Any),
        Some([major]) => Ok(Partial::Major(*major)),
        Some([major, minor]) => Ok(Partial::Minor(*major, *minor)),
        _ => Err(fault()),
    }
}

fn is_wildcard(part: &str) -> bool {
    matches!(part, "x" | "X" | "*")
}

/// A number without a leading zero.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok())?
}
