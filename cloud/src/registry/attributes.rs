//! What is noted of a thing or a group: names and texts (AWS IoT API reference, `AttributePayload`).

use super::{Kind, Refusal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most of one thing. AWS allows so many to things that have a type.
const MOST: usize = 50;
const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 800;

/// Names and texts, none of them empty.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// Those with a text; an empty one means that there is none.
    ///
    /// # Errors
    /// One is not well formed, or there are too many.
    pub fn new(given: BTreeMap<String, String>) -> Result<Self, Refusal> {
        let mut attributes = Self::default();
        attributes.merge(given)?;
        Ok(attributes)
    }

    /// Add to them, put others in their place, and take away those that are empty.
    ///
    /// # Errors
    /// One is not well formed, or there are too many.
    pub fn merge(&mut self, given: BTreeMap<String, String>) -> Result<(), Refusal> {
        for (name, value) in given {
            check(&name, &value)?;
            match value.is_empty() {
                true => drop(self.0.remove(&name)),
                false => drop(self.0.insert(name, value)),
            }
        }
        match self.0.len() <= MOST {
            true => Ok(()),
            false => Err(Refusal::new(Kind::Limit, format!("there can be {MOST} attributes"))),
        }
    }

    /// The text of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Names and texts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn check(name: &str, value: &str) -> Result<(), Refusal> {
    let plain =
        |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.,@/:#=[]-".contains(c));
    let fine = (1..=LONGEST_NAME).contains(&name.len())
        && value.len() <= LONGEST_VALUE
        && plain(name)
        && plain(value);
    match fine {
        true => Ok(()),
        false => Err(Refusal::invalid(format!(
            "an attribute has a name of 1 to {LONGEST_NAME} and a value of up to {LONGEST_VALUE} \
             letters, digits and characters of _.,@/:#=[]-"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn empty_ones_are_taken_away() {
        let mut attributes = Attributes::new(given(&[("a", "1"), ("b", "2"), ("c", "")])).unwrap();
        attributes.merge(given(&[("a", ""), ("d", "4")])).unwrap();
        assert_eq!(attributes.iter().collect::<Vec<_>>(), [("b", "2"), ("d", "4")]);
        assert_eq!(attributes.get("a"), None);
    }

    #[test]
    fn those_that_are_not_plain_or_too_many_are_refused() {
        for (name, value) in [("", "x"), ("a b", "x"), ("a", "x y"), ("a", "\u{e9}")] {
            assert!(Attributes::new(given(&[(name, value)])).is_err(), "{name} {value}");
        }
        let many = (0..=MOST).map(|number| (number.to_string(), "x".to_owned())).collect();
        assert_eq!(Attributes::new(many).unwrap_err().kind, Kind::Limit);
    }
}
