//! From a key path to its line: the text of a document is read once more, now for places.
//!
//! Values do not know where they stood; only when something is wrong are its keys looked up. JSON
//! is read as the YAML that it nearly is. What the text has in other words (an alias, a merge
//! key, a default) has the place of the nearest key around it.

use super::path::{KeyPath, KeyStep};
use serde_saphyr::granit_parser::{Event, Parser, Span};
use std::fmt;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Where the keys that paths lead to stand in a text, or the last of their keys that are there.
pub(super) fn places(text: &str, paths: &[&KeyPath]) -> Vec<Option<Place>> {
    let mut search =
        Search { paths, found: vec![Found::default(); paths.len()], containers: Vec::new() };
    for event in Parser::new_from_str(text) {
        // What cannot be read has been said already; what was found before it counts.
        let Ok((event, span)) = event else { break };
        match event {
            Event::Scalar(text, ..) => drop(search.node(Some(&text), span)),
            Event::Alias(_) => drop(search.node(None, span)),
            Event::MappingStart(..) => search.enter(Kind::Mapping { at_key: true }, span),
            Event::SequenceStart(..) => search.enter(Kind::Sequence { next: 0 }, span),
            Event::MappingEnd | Event::SequenceEnd => drop(search.containers.pop()),
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    search.found.into_iter().map(|found| found.place).collect()
}

struct Search<'a> {
    paths: &'a [&'a KeyPath],
    found: Vec<Found>,
    /// Those that are open, the innermost last.
    containers: Vec<Container>,
}

/// The best place so far for one path.
#[derive(Clone, Default)]
struct Found {
    steps: usize,
    exact: bool,
    place: Option<Place>,
}

struct Container {
    kind: Kind,
    /// The paths that lead into it.
    paths: Vec<usize>,
    /// The paths that lead to the value of the key just read.
    value: Vec<usize>,
}

enum Kind {
    Mapping { at_key: bool },
    Sequence { next: usize },
}

impl Search<'_> {
    fn enter(&mut self, kind: Kind, span: Span) {
        let paths = self.node(None, span);
        self.containers.push(Container { kind, paths, value: Vec::new() });
    }

    /// Take in a key or a value, and tell which paths lead into it.
    fn node(&mut self, text: Option<&str>, span: Span) -> Vec<usize> {
        let depth = self.containers.len();
        let Some(container) = self.containers.last_mut() else {
            return (0..self.paths.len()).collect();
        };
        let matching = |step: &dyn Fn(&KeyStep) -> bool| -> Vec<usize> {
            let leads = |path: &&usize| self.paths[**path].steps().get(depth - 1).is_some_and(step);
            container.paths.iter().filter(leads).copied().collect()
        };
        match &mut container.kind {
            Kind::Sequence { next } => {
                let index = *next;
                *next += 1;
                let paths = matching(&|step| matches!(step, KeyStep::Index(i) if *i == index));
                paths.iter().for_each(|path| self.found[*path].improve(depth, true, span));
                paths
            }
            Kind::Mapping { at_key: at_key @ false } => {
                *at_key = true;
                std::mem::take(&mut container.value)
            }
            Kind::Mapping { at_key } => {
                *at_key = false;
                let Some(text) = text else { return Vec::new() };
                container.value = matching(
                    &|step| matches!(step, KeyStep::Key(wanted) if same_but_for_case(wanted, text)),
                );
                for path in &container.value {
                    let wanted = &self.paths[*path].steps()[depth - 1];
                    let exact = matches!(wanted, KeyStep::Key(wanted) if wanted == text);
                    self.found[*path].improve(depth, exact, span);
                }
                Vec::new()
            }
        }
    }
}

impl Found {
    /// Of keys that differ only in case the one that is written so counts, and of equals the last.
    fn improve(&mut self, steps: usize, exact: bool, span: Span) {
        if (steps, exact) >= (self.steps, self.exact) {
            let place = Place { line: span.start.line(), column: span.start.col() + 1 };
            *self = Self { steps, exact, place: Some(place) };
        }
    }
}

/// There may be many keys, so nothing is allocated.
fn same_but_for_case(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests;
