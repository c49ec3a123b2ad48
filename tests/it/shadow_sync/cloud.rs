//! The device shadow service, as a device sees it, and somebody else who uses it.

use crate::broker::Peer;
use gg_host::cloud::{Publication, Qos};
use gg_model::shadow::{
    Before, Refusal, ShadowId, ShadowOperation, ShadowTopic, Suffix, UpdateRequest, client_token,
    rejected,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::host::DEADLINE;

/// When all of its answers are given, in seconds since the Unix epoch.
const AT: u64 = 1_700_000_000;

/// The device shadow service, as much of it as a device sees.
#[derive(Clone, Default)]
pub(crate) struct Cloud {
    shadows: Arc<Mutex<HashMap<ShadowId, Before>>>,
    /// Requests to answer with this code instead.
    pub(crate) busy: Arc<Mutex<u32>>,
    /// Requests to carry out without an answer.
    pub(crate) mute: Arc<Mutex<u32>>,
    /// What it was asked for so far.
    requests: Arc<Mutex<Vec<ShadowOperation>>>,
    changed: Arc<Notify>,
}

impl Cloud {
    /// Serve at a broker, until it is told to end.
    pub(crate) async fn serve(port: u16) -> (Self, AbortHandle) {
        Self::default().serve_on(port).await
    }

    /// The same with these shadows.
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no host here whose end it would outlive"
    )]
    pub(crate) async fn serve_on(self, port: u16) -> (Self, AbortHandle) {
        let cloud = self;
        let mut peer = Peer::connect(port, "shadow-service", &["$aws/things/+/shadow/#"]).await;
        let serving = cloud.clone();
        let served = tokio::spawn(async move {
            loop {
                // What it says itself comes back to it, and is no request.
                let message = peer.next().await;
                let Some(topic) = ShadowTopic::parse(&message.topic) else { continue };
                if topic.suffix.is_some() {
                    continue;
                }
                for (suffix, document) in serving.answer(&topic, &message.payload) {
                    let topic = ShadowTopic { suffix: Some(suffix), ..topic.clone() };
                    let payload = document.to_string();
                    let answer = Publication::new(topic.to_string(), payload, Qos::AtMostOnce);
                    peer.publish(&answer).await;
                }
                serving.changed.notify_waiters();
            }
        });
        (cloud, served.abort_handle())
    }

    fn answer(&self, topic: &ShadowTopic, payload: &[u8]) -> Vec<(Suffix, Value)> {
        self.requests.lock().unwrap().push(topic.operation);
        let token = client_token(payload);
        let refused =
            |refusal: Refusal| vec![(Suffix::Rejected, rejected(&refusal, AT, token.as_deref()))];
        let mut busy = self.busy.lock().unwrap();
        if *busy > 0 {
            *busy -= 1;
            return refused(Refusal::TooManyRequests);
        }
        let mut shadows = self.shadows.lock().unwrap();
        let before = shadows.get(&topic.shadow).cloned().unwrap_or_default();
        let done = match topic.operation {
            ShadowOperation::Get => {
                before.present(None).map(|shadow| (None, shadow.document(AT, token.as_deref())))
            }
            ShadowOperation::Delete => before.present(None).map(|shadow| {
                let message = shadow.deleted_message(AT, token.as_deref());
                (Some(Before::Absent(shadow.version + 1)), message)
            }),
            ShadowOperation::Update => UpdateRequest::parse(payload)
                .map_err(|rejected| rejected.refusal)
                .and_then(|request| before.update(&request, AT, 8192))
                .map(|updated| {
                    let message = updated.accepted(AT, token.as_deref());
                    (Some(Before::Present(updated.shadow)), message)
                }),
        };
        match done {
            Err(refusal) => refused(refusal),
            Ok((after, message)) => {
                let changes = after.is_some();
                shadows.extend(after.map(|after| (topic.shadow.clone(), after)));
                let mut mute = self.mute.lock().unwrap();
                if changes && *mute > 0 {
                    *mute -= 1;
                    return Vec::new();
                }
                vec![(Suffix::Accepted, message)]
            }
        }
    }

    pub(crate) fn state(&self, id: &ShadowId) -> Option<Value> {
        match self.shadows.lock().unwrap().get(id)? {
            Before::Absent(_) => None,
            Before::Present(shadow) => Some(shadow.document(AT, None)["state"].clone()),
        }
    }

    /// How often it was asked for a change.
    pub(crate) fn updates(&self) -> usize {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|one| **one == ShadowOperation::Update).count()
    }

    /// Wait until a shadow is like this in the cloud; `None`: not there.
    pub(crate) async fn until(&self, id: &ShadowId, wanted: Option<Value>) {
        let there = async {
            loop {
                let changed = self.changed.notified();
                if self.state(id) == wanted {
                    return;
                }
                changed.await;
            }
        };
        let there = timeout(DEADLINE, there).await;
        assert!(there.is_ok(), "{id} is {:?} in the cloud, not {wanted:?}", self.state(id));
    }
}

/// Somebody else who changes shadows in the cloud.
pub(crate) struct Somebody(Peer);

impl Somebody {
    pub(crate) async fn connect(port: u16) -> Self {
        Self(Peer::connect(port, "somebody", &[]).await)
    }

    pub(crate) async fn ask(&mut self, id: &ShadowId, operation: ShadowOperation, request: Value) {
        let topic = ShadowTopic { shadow: id.clone(), operation, suffix: None };
        let request = request.to_string();
        self.0.publish(&Publication::new(topic.to_string(), request, Qos::AtLeastOnce)).await;
    }

    pub(crate) async fn update(&mut self, id: &ShadowId, state: Value) {
        self.ask(id, ShadowOperation::Update, json!({ "state": state })).await;
    }
}
