//! Components that are told of deployments, and can put them off.
//!
//! A component that wants to be told holds [`Notices`]. A deployment [announces](Updates::announce)
//! itself and waits until all have agreed, and tells of its [end](Updates::ended).

use crate::capability::caller::{Caller, Operation};
use crate::error::{Error, Result};
use futures_util::future::join_all;
use gg_model::ComponentName;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Notices that wait for a component to read them.
const QUEUE: usize = 8;

/// What a component is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// A deployment has ended.
    After {
        /// Which.
        deployment: String,
    },
    /// A deployment is about to begin, and waits for the component.
    Before {
        /// Which.
        deployment: String,
        /// The nucleus restarts; nobody is told of the end then.
        restarting: bool,
    },
}

/// The components that are told. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Updates(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    listeners: HashMap<u64, Listener>,
    asked: HashMap<(ComponentName, String), oneshot::Sender<Duration>>,
    next: u64,
}

#[derive(Debug)]
struct Listener {
    component: ComponentName,
    notices: mpsc::Sender<Notice>,
}

/// What one component is told. Dropping it ends that.
#[derive(Debug)]
pub struct Notices {
    updates: Updates,
    id: u64,
    notices: mpsc::Receiver<Notice>,
}

impl Updates {
    /// Ask to be told.
    ///
    /// # Errors
    /// Unauthorized.
    pub fn listen(&self, caller: &Caller) -> Result<Notices> {
        caller.authorize(Operation::SubscribeToComponentUpdates, caller.name().as_ref())?;
        let (sender, notices) = mpsc::channel(QUEUE);
        let mut inner = self.lock();
        inner.next += 1;
        let (id, component) = (inner.next, caller.name().clone());
        inner.listeners.insert(id, Listener { component, notices: sender });
        Ok(Notices { updates: self.clone(), id, notices })
    }

    /// Answer a notice of what is about to begin: it may begin when so much time has passed and
    /// the component was asked again, or at once. `None` is no answer.
    ///
    /// # Errors
    /// Unauthorized; the component is not told of deployments; nobody waits for its answer.
    pub fn defer(&self, caller: &Caller, deployment: &str, by: Option<Duration>) -> Result<()> {
        caller.authorize(Operation::DeferComponentUpdate, caller.name().as_ref())?;
        let mut inner = self.lock();
        if !inner.listeners.values().any(|listener| listener.component == *caller.name()) {
            return Err(Error::invalid(format!(
                "{} is not subscribed to component updates",
                caller.name()
            )));
        }
        let Some(by) = by else { return Ok(()) };
        let late =
            || Error::unavailable("Time limit to respond to PreComponentUpdateEvent exceeded");
        let asked = inner.asked.remove(&(caller.name().clone(), deployment.to_owned()));
        asked.ok_or_else(late)?.send(by).map_err(|_| late())
    }

    /// Tell of a deployment that is about to begin, and wait until every component agrees. One that
    /// says nothing for so long agrees, too.
    pub async fn announce(&self, deployment: &str, restarting: bool, patience: Duration) {
        loop {
            let answers = self.ask(deployment, restarting);
            let answers = join_all(answers.into_iter().map(|answer| async {
                // One that went agrees.
                let answered = tokio::time::timeout(patience, answer).await;
                answered.ok().and_then(Result::ok).unwrap_or_default()
            }));
            let longest = answers.await.into_iter().max().unwrap_or_default();
            self.lock().asked.retain(|(_, of), _| of != deployment);
            if longest.is_zero() {
                return;
            }
            tracing::info!(deployment, ?longest, "put off by a component");
            tokio::time::sleep(longest).await;
        }
    }

    /// Tell of a deployment's end.
    pub fn ended(&self, deployment: &str) {
        for listener in self.lock().listeners.values() {
            let notice = Notice::After { deployment: deployment.to_owned() };
            // One that does not read misses it.
            let _full = listener.notices.try_send(notice);
        }
    }

    fn ask(&self, deployment: &str, restarting: bool) -> Vec<oneshot::Receiver<Duration>> {
        let mut inner = self.lock();
        let Inner { listeners, asked, .. } = &mut *inner;
        let mut answers = Vec::new();
        for listener in listeners.values() {
            let notice = Notice::Before { deployment: deployment.to_owned(), restarting };
            if listener.notices.try_send(notice).is_err() {
                continue;
            }
            let key = (listener.component.clone(), deployment.to_owned());
            asked.entry(key).or_insert_with(|| {
                let (sender, answer) = oneshot::channel();
                answers.push(answer);
                sender
            });
        }
        answers
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notices {
    /// Wait for the next one.
    pub async fn next(&mut self) -> Option<Notice> {
        self.notices.recv().await
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        let mut inner = self.updates.lock();
        let Some(Listener { component, .. }) = inner.listeners.remove(&self.id) else { return };
        if !inner.listeners.values().any(|listener| listener.component == component) {
            inner.asked.retain(|(asked, _), _| *asked != component);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::testing::{nobody, somebody};
    use crate::error::ErrorKind;

    const LONG: Duration = Duration::from_secs(60);

    fn before(deployment: &str) -> Option<Notice> {
        Some(Notice::Before { deployment: deployment.to_owned(), restarting: false })
    }

    #[test]
    fn without_a_policy_nobody_is_told_and_nobody_puts_off() {
        let updates = Updates::default();
        let error = updates.listen(&nobody("a")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        let error = updates.defer(&nobody("a"), "d", None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
    }

    #[tokio::test]
    async fn a_deployment_waits_until_all_agree_and_asks_again_after_a_delay() {
        let updates = Updates::default();
        let (a, b) = (somebody("a"), somebody("b"));
        let (mut of_a, mut of_b) = (updates.listen(&a).unwrap(), updates.listen(&b).unwrap());
        let answering = async {
            let soon = Some(Duration::from_millis(20));
            assert_eq!((of_a.next().await, of_b.next().await), (before("d"), before("d")));
            // No answer is none.
            updates.defer(&a, "d", None).unwrap();
            updates.defer(&a, "d", soon).unwrap();
            updates.defer(&b, "d", Some(Duration::ZERO)).unwrap();
            assert_eq!((of_a.next().await, of_b.next().await), (before("d"), before("d")));
            for caller in [&a, &b] {
                updates.defer(caller, "d", Some(Duration::ZERO)).unwrap();
                let again = updates.defer(caller, "d", Some(Duration::ZERO)).unwrap_err();
                assert_eq!(again.kind(), ErrorKind::Unavailable);
            }
        };
        tokio::join!(updates.announce("d", false, LONG), answering);
        updates.ended("d");
        assert_eq!(of_a.next().await, Some(Notice::After { deployment: "d".to_owned() }));
    }

    #[tokio::test]
    async fn who_is_not_there_and_who_says_nothing_agrees() {
        let updates = Updates::default();
        updates.announce("d", false, LONG).await;
        let a = somebody("a");
        let error = updates.defer(&a, "d", Some(Duration::ZERO)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "it is not told");
        let notices = updates.listen(&a).unwrap();
        updates.announce("d", false, Duration::from_millis(20)).await;
        tokio::join!(updates.announce("d", false, LONG), async { drop(notices) });
    }
}
