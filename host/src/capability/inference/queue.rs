//! PURE: what waits, fair between those who asked: one of each in turn.

use gg_model::ComponentName;
use std::collections::VecDeque;

/// What waits.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    /// Who is next comes first. No lane is empty.
    lanes: VecDeque<(ComponentName, VecDeque<T>)>,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { lanes: VecDeque::new() }
    }
}

impl<T> FairQueue<T> {
    /// Take one in, behind those of the same component. Given back when as many of that wait as may.
    pub(super) fn push(&mut self, who: &ComponentName, most: usize, one: T) -> Result<(), T> {
        match self.lanes.iter_mut().find(|(lane, _)| lane == who) {
            Some((_, lane)) if lane.len() >= most => Err(one),
            Some((_, lane)) => {
                lane.push_back(one);
                Ok(())
            }
            None => {
                self.lanes.push_back((who.clone(), VecDeque::from([one])));
                Ok(())
            }
        }
    }

    /// The next one.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.pop_if(|_| true)
    }

    /// The next one that suits, of those that are the first of their component.
    pub(super) fn pop_if(&mut self, suits: impl Fn(&T) -> bool) -> Option<T> {
        let suited = |(_, lane): &(_, VecDeque<T>)| lane.front().is_some_and(&suits);
        let at = self.lanes.iter().position(suited)?;
        let (who, mut lane) = self.lanes.remove(at)?;
        let one = lane.pop_front();
        if !lane.is_empty() {
            self.lanes.push_back((who, lane));
        }
        one
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lanes.iter().map(|(_, lane)| lane.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::testing::component;

    #[test]
    fn components_take_turns_and_keep_their_order() {
        let mut queue = FairQueue::default();
        let [a, b, c] = ["a", "b", "c"].map(component);
        for number in 0..4 {
            queue.push(&a, 4, format!("a{number}")).unwrap();
        }
        assert_eq!(queue.push(&a, 4, "one too many".to_owned()), Err("one too many".to_owned()));
        // Who has none waiting always finds room.
        queue.push(&b, 1, "b0".to_owned()).unwrap();
        queue.push(&c, 1, "c0".to_owned()).unwrap();
        assert_eq!(queue.len(), 6);
        assert_eq!(queue.pop().unwrap(), "a0");
        assert_eq!(queue.pop().unwrap(), "b0");
        queue.push(&b, 1, "b1".to_owned()).unwrap();
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(rest, ["c0", "a1", "b1", "a2", "a3"]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn what_suits_is_taken_out_of_turn_but_not_out_of_order() {
        let mut queue = FairQueue::default();
        let [a, b] = ["a", "b"].map(component);
        queue.push(&a, 9, 1).unwrap();
        queue.push(&a, 9, 2).unwrap();
        queue.push(&b, 9, 4).unwrap();
        let even = |number: &i32| number % 2 == 0;
        assert_eq!(queue.pop_if(even), Some(4));
        // The 2 of `a` waits behind its 1.
        assert_eq!(queue.pop_if(even), None);
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.pop_if(even), Some(2));
        assert_eq!(queue.pop(), None);
    }
}
