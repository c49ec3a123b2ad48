//! The documents that answer requests and tell of changes (developer guide, "Device Shadow service
//! documents", "Response state documents"). Times are in seconds since the Unix epoch.

use super::{Refusal, Section, Shadow, Updated};
use serde_json::{Value, json};

/// Longest document that is read, in bytes: a largest shadow with what is said about its leaves.
const MAX_DOCUMENT: usize = 1 << 20;

impl Shadow {
    /// The answer to who asks for it.
    pub fn document(&self, at: u64, client_token: Option<&str>) -> Value {
        let mut state = sections(&self.desired, &self.reported);
        if let Some([delta, _]) = self.delta() {
            state.insert("delta".to_owned(), delta.into());
        }
        let metadata = sections(&self.desired_metadata, &self.reported_metadata);
        let document = json!({
            "state": state, "metadata": metadata, "version": self.version, "timestamp": at,
        });
        with_token(document, client_token)
    }

    /// Read the answer to who asks for one: its state and its version. `None`: it is none.
    pub fn read(document: &[u8]) -> Option<Self> {
        if document.len() > MAX_DOCUMENT {
            return None;
        }
        let mut document: Section = serde_json::from_slice(document).ok()?;
        let version = document.get("version")?.as_u64()?;
        let Value::Object(mut state) = document.remove("state")? else { return None };
        let mut section = |name| match state.remove(name) {
            None => Some(Section::new()),
            Some(Value::Object(section)) => Some(section),
            Some(_) => None,
        };
        let (desired, reported) = (section("desired")?, section("reported")?);
        Some(Self { desired, reported, version, ..Self::default() })
    }

    /// What of the desired state is not reported; `None` if all is.
    pub fn delta_message(&self, at: u64, client_token: Option<&str>) -> Option<Value> {
        let [state, metadata] = self.delta()?;
        let message = json!({
            "state": state, "metadata": metadata, "version": self.version, "timestamp": at,
        });
        Some(with_token(message, client_token))
    }

    /// The answer to who has deleted it.
    pub fn deleted_message(&self, at: u64, client_token: Option<&str>) -> Value {
        with_token(json!({ "version": self.version, "timestamp": at }), client_token)
    }

    /// The shadow without the difference: one side of a message of both.
    fn side(&self) -> Value {
        json!({
            "state": sections(&self.desired, &self.reported),
            "metadata": sections(&self.desired_metadata, &self.reported_metadata),
            "version": self.version,
        })
    }
}

impl Updated {
    /// The answer: what was asked for, and what is said about it.
    pub fn accepted(&self, at: u64, client_token: Option<&str>) -> Value {
        let message = json!({
            "state": self.state,
            "metadata": self.metadata,
            "version": self.shadow.version,
            "timestamp": at,
        });
        with_token(message, client_token)
    }

    /// The shadow before and after.
    pub fn documents(&self, at: u64, client_token: Option<&str>) -> Value {
        let message = json!({
            "previous": self.previous.as_ref().map(Shadow::side),
            "current": self.shadow.side(),
            "timestamp": at,
        });
        with_token(message, client_token)
    }
}

/// The answer to a request that is refused.
pub fn rejected(refusal: &Refusal, at: u64, client_token: Option<&str>) -> Value {
    let message =
        json!({ "code": refusal.code(), "message": refusal.to_string(), "timestamp": at });
    with_token(message, client_token)
}

fn sections(desired: &Section, reported: &Section) -> Section {
    let named = [("desired", desired), ("reported", reported)];
    let there = named.into_iter().filter(|(_, section)| !section.is_empty());
    there.map(|(name, section)| (name.to_owned(), section.clone().into())).collect()
}

fn with_token(mut message: Value, client_token: Option<&str>) -> Value {
    if let Some(token) = client_token {
        message["clientToken"] = token.into();
    }
    message
}
