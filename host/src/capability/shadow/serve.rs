//! Carrying requests out, and telling of them on the local topics.

use super::{Shadows, Turn};
use crate::capability::pubsub::{PayloadFormat, Publisher};
use gg_model::shadow::{
    Before, Refusal, Shadow, ShadowId, ShadowOperation, ShadowTopic, Suffix, UpdateRequest,
    Updated, client_token, rejected,
};
use serde_json::Value;

impl Shadows {
    /// Carry a request out, and tell of it.
    pub(super) async fn carry_out(
        &self,
        mut turn: Turn,
        id: &ShadowId,
        operation: ShadowOperation,
        payload: &[u8],
    ) -> Result<String, Refusal> {
        let allowed = self.take(&id.thing);
        let mut told = Told { voice: &mut turn, id, at: self.seconds(), token: None };
        let done = match (allowed, operation) {
            (Err(refusal), _) => Err(refusal),
            (Ok(()), ShadowOperation::Get) => self.do_get(&mut told, payload).await,
            (Ok(()), ShadowOperation::Update) => self.do_update(&mut told, payload).await,
            (Ok(()), ShadowOperation::Delete) => self.do_delete(&mut told, payload).await,
        };
        match done {
            Ok(answer) => Ok(told.tell(operation, Suffix::Accepted, &answer)),
            Err(refusal) => {
                let message = rejected(&refusal, told.at, told.token.as_deref());
                told.tell(operation, Suffix::Rejected, &message);
                Err(refusal)
            }
        }
    }

    async fn do_get(&self, told: &mut Told<'_>, payload: &[u8]) -> Result<Value, Refusal> {
        told.token = client_token(payload);
        let shadow = self.read(told.id).await?.present(told.id.name.as_ref())?;
        Ok(shadow.document(told.at, told.token.as_deref()))
    }

    async fn do_update(&self, told: &mut Told<'_>, payload: &[u8]) -> Result<Value, Refusal> {
        let request = UpdateRequest::parse(payload).map_err(|rejected| {
            told.token = rejected.client_token;
            rejected.refusal
        })?;
        told.token.clone_from(&request.client_token);
        let (at, most) = (told.at, self.settings().document_bytes);
        let updated = self
            .change(told.id, None, move |before| {
                let updated = before.update(&request, at, most)?;
                Ok((Before::Present(updated.shadow.clone()), updated))
            })
            .await?;
        self.tell_of_update(told, &updated);
        Ok(updated.accepted(at, told.token.as_deref()))
    }

    async fn do_delete(&self, told: &mut Told<'_>, payload: &[u8]) -> Result<Value, Refusal> {
        told.token = client_token(payload);
        let name = told.id.name.clone();
        let deleted = self
            .change(told.id, None, move |before| {
                let shadow = before.present(name.as_ref())?;
                Ok((Before::Absent(shadow.version + 1), shadow))
            })
            .await?;
        self.changed(told.id);
        Ok(deleted.deleted_message(told.at, told.token.as_deref()))
    }

    /// Whoever waits for a change of a shadow hears of it.
    fn changed(&self, id: &ShadowId) {
        self.inner.watched.wake(id);
        if let Some(due) = self.inner.due.get() {
            due.changed_here(id);
        }
    }

    pub(super) fn tell_of_deletion(&self, told: &mut Told<'_>, deleted: &Shadow) {
        self.changed(told.id);
        let message = deleted.deleted_message(told.at, told.token.as_deref());
        told.tell(ShadowOperation::Delete, Suffix::Accepted, &message);
    }

    pub(super) fn tell_of_update(&self, told: &mut Told<'_>, updated: &Updated) {
        self.changed(told.id);
        let (at, token) = (told.at, told.token.clone());
        if let Some(delta) = updated.shadow.delta_message(at, token.as_deref()) {
            told.tell(ShadowOperation::Update, Suffix::Delta, &delta);
        }
        let documents = updated.documents(at, token.as_deref());
        told.tell(ShadowOperation::Update, Suffix::Documents, &documents);
    }
}

/// Tells of one request on the local topics.
pub(super) struct Told<'a> {
    pub(super) voice: &'a mut Publisher,
    pub(super) id: &'a ShadowId,
    pub(super) at: u64,
    pub(super) token: Option<String>,
}

impl Told<'_> {
    /// Publish a document; gives its text.
    pub(super) fn tell(
        &mut self,
        operation: ShadowOperation,
        suffix: Suffix,
        document: &Value,
    ) -> String {
        let text = document.to_string();
        let topic = ShadowTopic { shadow: self.id.clone(), operation, suffix: Some(suffix) };
        let (topic, payload) = (topic.to_string(), text.clone().into_bytes());
        // Binary, as shadow manager does.
        if let Err(error) = self.voice.publish_at_once(&topic, payload, PayloadFormat::Binary) {
            tracing::warn!(topic, %error, "nobody hears of a shadow");
        }
        text
    }
}
