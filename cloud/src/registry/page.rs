//! Lists, a page at a time. A token says after which key the next page begins; one that was made up
//! reads nothing that its list would not show.

use super::Refusal;
use crate::state::{Key, Rows, Table};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Rows that are read at a time, where not all of them are shown.
const BATCH: usize = 250;

/// Which page is wanted.
#[derive(Clone, Debug)]
pub struct Paging {
    after: Option<Key>,
    size: usize,
}

/// A page, and the token of the next one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where it goes on; `None` at the end.
    pub next: Option<String>,
}

impl Paging {
    /// So many after the page that gave the token.
    ///
    /// # Errors
    /// It is no token.
    pub fn new(token: Option<&str>, size: usize) -> Result<Self, Refusal> {
        let read = |token: &str| match URL_SAFE_NO_PAD.decode(token) {
            Ok(bytes) => Ok(Key::from_bytes(bytes)),
            Err(_) => Err(Refusal::invalid("the token of the next page is none of this server's")),
        };
        Ok(Self { after: token.map(read).transpose()?, size: size.max(1) })
    }

    /// The page of what is in the order of its keys, upwards or downwards.
    pub(super) fn cut<T>(&self, all: Vec<(Key, T)>, descends: bool) -> Page<T> {
        let is_past = |key: &Key| match &self.after {
            None => true,
            Some(after) if descends => key < after,
            Some(after) => key > after,
        };
        let mut rest = all.into_iter().filter(|(key, _)| is_past(key));
        let (mut items, mut last) = (Vec::new(), None);
        for (key, item) in rest.by_ref().take(self.size) {
            items.push(item);
            last = Some(key);
        }
        let next = rest.next().and(last).map(|key| token(&key));
        Page { items, next }
    }

    /// All there is.
    pub fn all() -> Self {
        Self { after: None, size: usize::MAX }
    }
}

/// Rows of a table whose keys begin with the prefix, and which a function makes something of.
///
/// # Errors
/// The state cannot be read.
pub fn of<T: DeserializeOwned + Serialize, U>(
    table: &Table<T>,
    rows: &dyn Rows,
    prefix: &Key,
    paging: &Paging,
    mut show: impl FnMut(&Key, T) -> Option<U>,
) -> Result<Page<U>, Refusal> {
    let (mut items, mut after) = (Vec::new(), paging.after.clone());
    loop {
        let batch = table.scan(rows, prefix, after.as_ref(), BATCH)?;
        let is_last = batch.len() < BATCH;
        for (key, value) in batch {
            let Some(item) = show(&key, value) else {
                after = Some(key);
                continue;
            };
            if items.len() == paging.size {
                // There is one more: the page ends before it.
                return Ok(Page { items, next: after.map(|key| token(&key)) });
            }
            items.push(item);
            after = Some(key);
        }
        if is_last {
            return Ok(Page { items, next: None });
        }
    }
}

/// Names, which are in order.
pub fn of_names(names: impl IntoIterator<Item = String>, paging: &Paging) -> Page<String> {
    let key = |name: &str| Key::new().last(name);
    let after = paging.after.clone().unwrap_or_default();
    let mut rest = names.into_iter().skip_while(|name| key(name) <= after);
    let items: Vec<String> = rest.by_ref().take(paging.size).collect();
    let last = rest.next().and_then(|_| items.last());
    Page { next: last.map(|last| token(&key(last))), items }
}

fn token(key: &Key) -> String {
    URL_SAFE_NO_PAD.encode(key.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(page: &Page<String>) -> Vec<&str> {
        page.items.iter().map(String::as_str).collect()
    }

    #[test]
    fn names_come_a_page_at_a_time() {
        let all = || ["a", "b", "c"].map(str::to_owned);
        let first = of_names(all(), &Paging::new(None, 2).unwrap());
        assert_eq!(names(&first), ["a", "b"]);
        let second = of_names(all(), &Paging::new(first.next.as_deref(), 2).unwrap());
        assert_eq!((names(&second), second.next.as_deref()), (vec!["c"], None));
        assert_eq!(of_names(all(), &Paging::new(None, 3).unwrap()).next, None);
        assert!(Paging::new(Some("!"), 1).is_err());
    }
}
