//! One block of PEM (RFC 7468): a label, and bytes in base64.

use crate::error::KeyError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Most bytes of a text that holds a key; a private one of RSA with 4096 bits has 3.3 KB, and is
/// encrypted in base64 within base64.
pub(crate) const LONGEST: usize = 16 * 1024;

/// Most characters in a line (RFC 7468, section 2).
const LINE: usize = 64;

/// What stands between the two lines of hyphens.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// Read a text that is one block and nothing else but white space.
pub(crate) fn read(text: &str) -> Result<Block<'_>, KeyError> {
    if text.len() > LONGEST {
        return Err(KeyError::TooLong { length: text.len() });
    }
    let inside = |text: &'_ str| -> Option<(usize, usize, usize)> {
        let label = text.strip_prefix("-----BEGIN ")?.find("-----")?;
        let begin = "-----BEGIN -----".len() + label;
        let end = text.find("-----END ")?;
        (begin <= end).then_some((label, begin, end))
    };
    let text = text.trim();
    let (label, begin, end) = inside(text).ok_or(KeyError::NotPem)?;
    let label = &text["-----BEGIN ".len()..][..label];
    if text[end..] != *format!("-----END {label}-----") {
        return Err(KeyError::NotPem);
    }
    let mut digits = Zeroizing::new(String::with_capacity(text.len()));
    digits.extend(text[begin..end].split_ascii_whitespace());
    // Some bytes more than needed, so that none is left behind when it grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    STANDARD.decode_vec(digits.as_bytes(), &mut bytes).map_err(|_| KeyError::NotPem)?;
    Ok(Block { label, bytes })
}

/// The text of a block.
pub(crate) fn write(label: &str, bytes: &[u8]) -> Zeroizing<String> {
    let digits = Zeroizing::new(STANDARD.encode(bytes));
    let mut text = Zeroizing::new(String::with_capacity(digits.len() * 2 + 2 * label.len() + 64));
    text.extend(["-----BEGIN ", label, "-----\n"]);
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(LINE.min(rest.len()));
        text.extend([line, "\n"]);
        rest = after;
    }
    text.extend(["-----END ", label, "-----\n"]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for length in [0, 1, 47, 48, 49, 500] {
            let text = write("PUBLIC KEY", &vec![9; length]);
            let block = read(&text).unwrap();
            assert_eq!((block.label, block.bytes.as_slice()), ("PUBLIC KEY", &vec![9; length][..]));
        }
    }

    #[test]
    fn what_is_not_one_block_is_refused() {
        let one = write("A", b"bytes");
        for wrong in [
            String::new(),
            "-----BEGIN A-----".into(),
            "-----END A----------BEGIN A-----".into(),
            one.replace("END A", "END B"),
            one.replace("END A-----", "END A-----x"),
            format!("{}{}", *one, *one),
            format!("text {}", *one),
            one.replace('=', ""),
            one.replace("BEGIN A", "BEGIN -----"),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
        let long = format!("{}{}", " ".repeat(LONGEST), *one);
        assert!(matches!(read(&long), Err(KeyError::TooLong { .. })));
    }
}
