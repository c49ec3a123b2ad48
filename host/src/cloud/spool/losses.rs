//! What the spool has lost and refused, and one warning for all of it until nothing waits any more.

/// Why a message was lost or refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Loss {
    /// Its time was over before it could be sent.
    Expired,
    /// Another took its room.
    Full,
    /// Its QoS is 0, and the connection was lost.
    Offline,
    /// There was no room for it, and its publisher was told.
    Refused,
}

/// Each, and its word where it is counted.
const WORDS: [(Loss, &str); 4] = [
    (Loss::Expired, "expired"),
    (Loss::Full, "full"),
    (Loss::Offline, "offline"),
    (Loss::Refused, "refused"),
];

/// What was lost so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Losses {
    counts: [u64; WORDS.len()],
    /// What it was when the warning was given.
    warned: Option<[u64; WORDS.len()]>,
}

impl Losses {
    /// One more.
    pub(super) fn add(&mut self, loss: Loss) {
        let before = self.counts;
        self.counts[loss as usize] += 1;
        // Without a connection they are to be lost.
        if loss == Loss::Offline || self.warned.is_some() {
            return;
        }
        self.warned = Some(before);
        match loss {
            Loss::Expired => tracing::warn!("messages to the cloud expire before they can be sent"),
            Loss::Refused => tracing::warn!(
                "the spool is full, and messages to the cloud are refused; \
                 see mqtt.spooler.maxSizeInBytes"
            ),
            Loss::Full | Loss::Offline => tracing::warn!(
                "the spool is full, and older messages to the cloud make room for new ones; \
                 see mqtt.spooler.maxSizeInBytes"
            ),
        }
    }

    /// Nothing waits any more.
    pub(super) fn is_empty_again(&mut self) {
        let Some(before) = self.warned.take() else { return };
        let since = |loss: Loss| self.counts[loss as usize] - before[loss as usize];
        tracing::warn!(
            expired = since(Loss::Expired),
            made_room = since(Loss::Full),
            refused = since(Loss::Refused),
            "all messages to the cloud that were not lost are sent"
        );
    }

    /// How many, by reason.
    pub(super) fn counts(&self) -> [(&'static str, u64); WORDS.len()] {
        WORDS.map(|(loss, word)| (word, self.counts[loss as usize]))
    }
}
