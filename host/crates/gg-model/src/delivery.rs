//! How messages reach a subscriber: which of them, from where, and what happens when it is slow.

/// Which messages a subscription receives (Greengrass developer guide, `SubscribeToTopic`,
/// `receiveMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiveMode {
    /// All, those of the subscribing component included.
    All,
    /// Only those that other components published.
    FromOthers,
}

impl ReceiveMode {
    /// What Greengrass takes when a subscriber does not say: messages from others alone for a
    /// filter with a wildcard, all for one topic.
    pub fn default_for(filter: &crate::topic::TopicFilter) -> Self {
        if filter.has_wildcard() { Self::FromOthers } else { Self::All }
    }
}

/// What happens to a message for which a subscription's queue has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WhenFull {
    /// The oldest message in the queue makes room, and is counted as lost.
    #[default]
    DropOldest,
    /// The new message is dropped, and counted as lost.
    DropNewest,
    /// The publisher waits for room.
    Block,
}

/// Where a message comes from, or a subscription is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Origin {
    /// Another component on this device.
    #[default]
    Local,
    /// The cloud's MQTT broker.
    Cloud,
}
