//! Subscriptions between two instances of a component: while one is replaced by the next, its
//! queues go on filling, and the next picks them up by subscribing to the same again.

use super::{Message, SubscribeOptions};
use crate::capability::queue::Reader;
use gg_model::{ComponentName, TopicFilter};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A subscription without a reader.
#[derive(Debug)]
pub(super) struct Shelved {
    pub(super) id: u64,
    pub(super) filter: TopicFilter,
    pub(super) options: SubscribeOptions,
    pub(super) reader: Reader<Message>,
}

/// The shelved subscriptions of all components.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    by_owner: Mutex<HashMap<ComponentName, Vec<Shelved>>>,
}

impl Shelf {
    pub(super) fn put(&self, owner: &ComponentName, shelved: Shelved) {
        let mut all = self.by_owner.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(owner.clone()).or_default().push(shelved);
    }

    /// The oldest one that was made with the same words.
    pub(super) fn take(
        &self,
        owner: &ComponentName,
        filter: &TopicFilter,
        options: SubscribeOptions,
    ) -> Option<Shelved> {
        let mut all = self.by_owner.lock().unwrap_or_else(PoisonError::into_inner);
        let shelved = all.get_mut(owner)?;
        let same =
            shelved.iter().position(|one| one.filter == *filter && one.options == options)?;
        Some(shelved.remove(same))
    }

    /// Everything of one component that nobody picked up.
    pub(super) fn clear(&self, owner: &ComponentName) -> Vec<Shelved> {
        let mut all = self.by_owner.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(owner).unwrap_or_default()
    }
}
