//! Whole numbers as ranges: those of a queue are mostly one.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A set of whole numbers; those next to one another are kept as one range.
#[derive(Debug, Default)]
pub(super) struct Ranges(BTreeMap<i64, i64>);

impl Ranges {
    /// Add numbers of which none is in it.
    pub(super) fn add(&mut self, numbers: RangeInclusive<i64>) {
        let (mut first, mut last) = numbers.into_inner();
        if let Some((&before, &end)) = self.0.range(..first).next_back()
            && end.checked_add(1) == Some(first)
        {
            first = before;
        }
        if let Some(end) = last.checked_add(1).and_then(|after| self.0.remove(&after)) {
            last = end;
        }
        self.0.insert(first, last);
    }

    /// How many ranges there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All ranges, which are in it no more.
    pub(super) fn take(&mut self) -> Vec<RangeInclusive<i64>> {
        std::mem::take(&mut self.0).into_iter().map(|(first, last)| first..=last).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn holds_what_was_added_in_as_few_ranges_as_there_are(
            numbers in proptest::collection::hash_set(0_i64..60, 0..60)
        ) {
            let mut ranges = Ranges::default();
            for number in &numbers {
                ranges.add(*number..=*number);
            }
            let sorted: BTreeSet<i64> = numbers.into_iter().collect();
            let starts = sorted.iter().filter(|number| !sorted.contains(&(*number - 1))).count();
            prop_assert_eq!(ranges.len(), starts);
            let all: Vec<i64> = ranges.take().into_iter().flatten().collect();
            prop_assert_eq!(all, sorted.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(ranges.len(), 0);
        }
    }
}
