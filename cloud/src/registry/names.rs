//! What things, groups, policies and role aliases can be called (AWS IoT API reference).

use super::Refusal;

/// Most letters in a name.
const LONGEST: usize = 128;

/// Letters, digits and some others, of which there are up to 128.
///
/// # Errors
/// The name is another.
pub(super) fn check(what: &'static str, name: &str, others: &str) -> Result<(), Refusal> {
    let fine = (1..=LONGEST).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c));
    match fine {
        true => Ok(()),
        false => Err(Refusal::invalid(format!(
            "a {what} is called by 1 to {LONGEST} letters, digits and characters of {others}"
        ))),
    }
}

/// Of a thing or a group.
///
/// # Errors
/// It can be none.
pub(super) fn check_thing(what: &'static str, name: &str) -> Result<(), Refusal> {
    check(what, name, ":_-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for fine in ["a", "A:b_c-9", "a".repeat(128).as_str()] {
            assert!(check_thing("thing", fine).is_ok(), "{fine}");
        }
        for wrong in ["", "a/b", "a b", "ä", "a+", "#", "a\0", "a".repeat(129).as_str()] {
            assert!(check_thing("thing", wrong).is_err(), "{wrong}");
        }
    }
}
