//! As much of DER (ITU-T X.690) as keys are written in.

/// The tags of what is read and written here.
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;

/// What the value at the front of `input` holds, if it has this tag; `input` is then what follows
/// it. Lengths of more than 65,535 bytes are refused, and so are those that are not written as
/// short as they can be.
pub(crate) fn read<'a>(tag: u8, input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let rest = input.strip_prefix(&[tag])?;
    let (length, rest) = match rest {
        [short @ ..=0x7f, rest @ ..] => (usize::from(*short), rest),
        [0x81, length, rest @ ..] if *length > 0x7f => (usize::from(*length), rest),
        [0x82, high, low, rest @ ..] if *high > 0 => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *input = rest;
    Some(content)
}

/// A value with this tag; what it holds has at most 65,535 bytes.
pub(crate) fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let mut value = vec![tag];
    match (high, low) {
        (0, ..=0x7f) => value.push(low),
        (0, _) => value.extend([0x81, low]),
        _ => value.extend([0x82, high, low]),
    }
    value.extend(content);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff] {
            let content = vec![7; length];
            let mut value = write(SEQUENCE, &content);
            value.extend(b"rest");
            let mut input = &value[..];
            assert_eq!(read(SEQUENCE, &mut input), Some(&content[..]), "{length}");
            assert_eq!(input, b"rest");
        }
    }

    #[test]
    fn what_is_cut_or_longer_than_it_must_be_is_refused() {
        for wrong in [
            &[][..],
            &[SEQUENCE],
            &[INTEGER, 0],
            &[SEQUENCE, 2, 0],
            &[SEQUENCE, 0x80, 0, 0],
            &[SEQUENCE, 0x81, 1, 0],
            &[SEQUENCE, 0x82, 0, 1, 0],
            &[SEQUENCE, 0x83, 0, 0, 1, 0],
        ] {
            assert_eq!(read(SEQUENCE, &mut &wrong[..]), None, "{wrong:?}");
        }
    }
}
