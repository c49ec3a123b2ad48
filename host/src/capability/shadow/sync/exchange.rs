//! Requests to the cloud, by messages: each is known by its client token.

use crate::cloud::rate::Bucket;
use crate::cloud::{Link, Publication, Qos};
use bytes::Bytes;
use gg_model::shadow::{ShadowId, ShadowOperation, ShadowTopic};
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the cloud answers.
#[derive(Debug)]
pub(super) struct Answer {
    /// Whether it is done.
    pub(super) is_done: bool,
    /// The document.
    pub(super) payload: Bytes,
}

/// Asks, and waits for answers.
#[derive(Debug)]
pub(super) struct Exchange {
    link: Link,
    waiting: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    random: RandomState,
    count: AtomicU64,
    /// What may be changed in the cloud, and for which rate that was made.
    changes: tokio::sync::Mutex<Option<(u32, Bucket)>>,
}

impl Exchange {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            waiting: Mutex::default(),
            random: RandomState::new(),
            count: AtomicU64::new(0),
            changes: tokio::sync::Mutex::default(),
        }
    }

    /// Ask for something of a shadow, and wait for the answer.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn ask(
        &self,
        shadow: &ShadowId,
        operation: ShadowOperation,
        mut request: Value,
    ) -> Result<Answer, String> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        // No other device, and no other run of this one, has the same.
        let token = format!("{:016x}-{count}", self.random.hash_one(count));
        request["clientToken"] = token.as_str().into();
        let topic = ShadowTopic { shadow: shadow.clone(), operation, suffix: None };
        let mut publication =
            Publication::new(topic.to_string(), request.to_string(), Qos::AtMostOnce);
        // Nobody waits for the answer any more then.
        publication.message_expiry = Some(10);
        let (sender, answer) = oneshot::channel();
        self.waiting().insert(token.clone(), sender);
        let answer = async {
            self.link.publish(publication).await.map_err(|error| error.to_string())?;
            let answer = tokio::time::timeout(PATIENCE, answer).await;
            answer.ok().and_then(Result::ok).ok_or_else(|| "the cloud does not answer".to_owned())
        };
        let answer = answer.await;
        self.waiting().remove(&token);
        answer
    }

    /// Wait until a change may be asked for, at so many in a second.
    pub(super) async fn may_change(&self, rate: u32) {
        let mut changes = self.changes.lock().await;
        changes.take_if(|(made_for, _)| *made_for != rate);
        let new = || (rate, Bucket::new(Some(rate.into()), Instant::now()));
        let (_, bucket) = changes.get_or_insert_with(new);
        loop {
            let wait = bucket.wait(1, Instant::now());
            if wait.is_zero() {
                return bucket.take(1);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// An answer has come; says whether somebody here has asked.
    pub(super) fn answered(&self, token: &str, is_done: bool, payload: Bytes) -> bool {
        match self.waiting().remove(token) {
            None => false,
            Some(waiting) => {
                // Who has asked may have gone in between.
                let _gone = waiting.send(Answer { is_done, payload });
                true
            }
        }
    }

    /// There will be no answers to what was asked.
    pub(super) fn give_up(&self) {
        self.waiting().clear();
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
