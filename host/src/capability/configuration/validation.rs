//! Components that are asked before a deployment changes their configuration.
//!
//! A component that wants to be asked holds [`Proposals`]. The deployment [proposes](Validation::propose)
//! and waits for the component's answer.

use crate::capability::caller::{Caller, Operation};
use crate::error::{Error, Result};
use gg_model::ComponentName;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Proposals that wait for a component to read them.
const QUEUE: usize = 4;

/// What a deployment wants a component's configuration to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The deployment.
    pub deployment: String,
    /// All of it.
    pub configuration: Value,
}

/// What the component says to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is good.
    Accepted,
    /// It is not, and why.
    Rejected(String),
}

/// The components that are asked. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Validation(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    listeners: HashMap<ComponentName, Listener>,
    asked: HashMap<(ComponentName, String), oneshot::Sender<Verdict>>,
    next: u64,
}

#[derive(Debug)]
struct Listener {
    id: u64,
    proposals: mpsc::Sender<Proposal>,
}

/// What a component is asked. Dropping it ends that.
#[derive(Debug)]
pub struct Proposals {
    validation: Validation,
    component: ComponentName,
    id: u64,
    proposals: mpsc::Receiver<Proposal>,
}

impl Validation {
    /// Ask to be asked. A later one takes the place of an earlier one.
    ///
    /// # Errors
    /// Unauthorized.
    pub fn listen(&self, caller: &Caller) -> Result<Proposals> {
        let operation = Operation::SubscribeToValidateConfigurationUpdates;
        caller.authorize(operation, caller.name().as_ref())?;
        let (sender, proposals) = mpsc::channel(QUEUE);
        let mut inner = self.lock();
        inner.next += 1;
        let (component, id) = (caller.name().clone(), inner.next);
        inner.listeners.insert(component.clone(), Listener { id, proposals: sender });
        Ok(Proposals { validation: self.clone(), component, id, proposals })
    }

    /// Answer a proposal.
    ///
    /// # Errors
    /// Unauthorized; nobody waits for it, or not any more.
    pub fn report(&self, caller: &Caller, deployment: &str, verdict: Verdict) -> Result<()> {
        let operation = Operation::SendConfigurationValidityReport;
        caller.authorize(operation, caller.name().as_ref())?;
        let asked = self.lock().asked.remove(&(caller.name().clone(), deployment.to_owned()));
        let late = || Error::invalid("Validation request either timed out or was never made");
        asked.ok_or_else(late)?.send(verdict).map_err(|_| late())
    }

    /// Ask a component, and wait for its answer for so long. One that does not want to be asked
    /// accepts all.
    pub async fn propose(
        &self,
        component: &ComponentName,
        proposal: Proposal,
        patience: Duration,
    ) -> Verdict {
        let key = (component.clone(), proposal.deployment.clone());
        let answer = {
            let mut inner = self.lock();
            let Some(listener) = inner.listeners.get(component) else { return Verdict::Accepted };
            if listener.proposals.try_send(proposal).is_err() {
                return Verdict::Rejected("it does not read what it is asked".to_owned());
            }
            let (asked, answer) = oneshot::channel();
            inner.asked.insert(key.clone(), asked);
            answer
        };
        let answer = tokio::time::timeout(patience, answer).await;
        self.lock().asked.remove(&key);
        match answer {
            Ok(Ok(verdict)) => verdict,
            _ => Verdict::Rejected(format!("it did not answer within {patience:?}")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proposals {
    /// Wait for the next one. `None`: another listener has taken this one's place.
    pub async fn next(&mut self) -> Option<Proposal> {
        self.proposals.recv().await
    }
}

impl Drop for Proposals {
    fn drop(&mut self) {
        let mut inner = self.validation.lock();
        if inner.listeners.get(&self.component).is_some_and(|listener| listener.id == self.id) {
            inner.listeners.remove(&self.component);
            // Nobody is there to answer.
            inner.asked.retain(|(component, _), _| *component != self.component);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::testing::{nobody, somebody};
    use crate::error::ErrorKind;
    use serde_json::json;

    const SOON: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    fn proposal(deployment: &str) -> Proposal {
        Proposal { deployment: deployment.to_owned(), configuration: json!({ "a": 1 }) }
    }

    #[test]
    fn without_a_policy_nobody_is_asked_and_nobody_answers() {
        let validation = Validation::default();
        let error = validation.listen(&nobody("a")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        let error = validation.report(&nobody("a"), "d", Verdict::Accepted).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
    }

    #[tokio::test]
    async fn the_answer_is_the_components_own_and_counts_once() {
        let validation = Validation::default();
        let (a, b) = (somebody("a"), somebody("b"));
        let mut proposals = validation.listen(&a).unwrap();
        let answering = async {
            let asked = proposals.next().await.unwrap();
            assert_eq!(asked, proposal("d"));
            assert!(validation.report(&b, "d", Verdict::Accepted).is_err(), "not b's to answer");
            assert!(validation.report(&a, "e", Verdict::Accepted).is_err(), "never asked");
            let verdict = Verdict::Rejected("no".to_owned());
            validation.report(&a, "d", verdict).unwrap();
            assert!(validation.report(&a, "d", Verdict::Accepted).is_err());
        };
        let (verdict, ()) =
            tokio::join!(validation.propose(a.name(), proposal("d"), LONG), answering);
        assert_eq!(verdict, Verdict::Rejected("no".to_owned()));
    }

    #[tokio::test]
    async fn one_who_is_not_there_accepts_and_one_who_does_not_answer_rejects() {
        let validation = Validation::default();
        let a = somebody("a");
        let asked = validation.propose(a.name(), proposal("d"), LONG).await;
        assert_eq!(asked, Verdict::Accepted);
        let mut first = validation.listen(&a).unwrap();
        let second = validation.listen(&a).unwrap();
        assert_eq!(first.next().await, None, "the second has taken its place");
        drop(first);
        let asked = validation.propose(a.name(), proposal("d"), SOON).await;
        assert!(matches!(asked, Verdict::Rejected(_)), "{asked:?}");
        assert!(validation.report(&a, "d", Verdict::Accepted).is_err(), "too late");
        let (asked, ()) = tokio::join!(validation.propose(a.name(), proposal("d"), LONG), async {
            drop(second);
        });
        assert!(matches!(asked, Verdict::Rejected(_)), "it went instead of answering");
    }
}
