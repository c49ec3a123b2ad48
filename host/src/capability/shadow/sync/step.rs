//! Bringing one shadow in step.

use super::due::Asked;
use super::exchange::{Answer, Exchange};
use crate::capability::shadow::Shadows;
use crate::capability::shadow::serve::Told;
use gg_model::shadow::{
    Before, Refusal, Sent, Shadow, ShadowId, ShadowOperation, Suffix, SyncStep, Synced,
    UpdateRequest, plan_sync,
};
use serde_json::{Value, json};

/// Why a shadow is not in step.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Somebody else has changed it in between.
    Again,
    /// It may be later.
    Later(String),
    /// It will not be, unless it changes.
    Never(String),
}

/// Look at both sides, and do on each what brings it in step.
pub(super) async fn bring(
    shadows: &Shadows,
    exchange: &Exchange,
    id: &ShadowId,
    asked: Asked,
) -> Result<(), Trouble> {
    let store = shadows.store().await.map_err(later)?;
    let stored = store.synced_shadow(id.clone()).await.map_err(later)?;
    let sent = store.sent_shadow(id.clone()).await.map_err(later)?;
    let local = store.shadow(id.clone()).await.map_err(later)?;
    // It is what came from there.
    if asked == Asked::Here && stored.as_ref().is_some_and(|last| last.local == local.version()) {
        return Ok(());
    }
    let cloud = look(exchange, id, stored.as_ref()).await?;
    let last = sent.and_then(|sent| sent.arrived(&cloud)).or_else(|| stored.clone());
    let settings = shadows.settings();
    let plan = plan_sync(&local, &cloud, last.as_ref(), settings.direction);
    if plan.cloud == SyncStep::Nothing && plan.local != SyncStep::Nothing {
        // At once: whatever the power does, what came from the cloud is no change that was made here.
        let synced = Synced { local: 0, cloud: cloud.version(), state: plan.state };
        let changed = change_here(shadows, id, plan.local, local.version(), Some(synced));
        return changed.await.map(drop);
    }
    let local = match plan.local {
        SyncStep::Nothing => local.version(),
        step => change_here(shadows, id, step, local.version(), None).await?,
    };
    let cloud = match plan.cloud {
        SyncStep::Nothing => cloud.version(),
        step => {
            exchange.may_change(settings.outbound_rate).await;
            if let Some(state) = plan.state.clone() {
                let sent = Sent { local, state };
                store.save_sent_shadow(id.clone(), sent).await.map_err(later)?;
            }
            change_there(exchange, id, step, &cloud).await?
        }
    };
    let synced = Synced { local, cloud, state: plan.state };
    if stored.as_ref() == Some(&synced) {
        return Ok(());
    }
    store.save_synced_shadow(id.clone(), synced).await.map_err(later)
}

/// The shadow as it is in the cloud.
async fn look(
    exchange: &Exchange,
    id: &ShadowId,
    last: Option<&Synced>,
) -> Result<Before, Trouble> {
    let answer = exchange.ask(id, ShadowOperation::Get, json!({})).await.map_err(Trouble::Later)?;
    if answer.is_done {
        let read = Shadow::read(&answer.payload);
        return read.map(Before::Present).ok_or_else(|| Trouble::Never(not_read()));
    }
    match refusal(&answer) {
        // Its deletion has a version that nobody tells.
        Refused::Absent => Ok(Before::Absent(match last {
            Some(Synced { cloud, state: Some(_), .. }) => cloud + 1,
            Some(Synced { cloud, state: None, .. }) => *cloud,
            None => 0,
        })),
        Refused::Other(trouble) => Err(trouble),
    }
}

/// Change it here, if it still has this version; gives the next.
async fn change_here(
    shadows: &Shadows,
    id: &ShadowId,
    step: SyncStep,
    seen: u64,
    in_step: Option<Synced>,
) -> Result<u64, Trouble> {
    let mut turn = shadows.turn(id).await;
    let mut told = Told { voice: &mut turn, id, at: shadows.seconds(), token: None };
    let (at, most) = (told.at, shadows.settings().document_bytes);
    let checked = move |before: Before| match before.version() == seen {
        true => Ok(before),
        false => Err(Refusal::Conflict),
    };
    let refused = |refusal| match refusal {
        Refusal::Conflict => Trouble::Again,
        Refusal::Internal => Trouble::Later(Refusal::Internal.to_string()),
        other => Trouble::Never(other.to_string()),
    };
    match step {
        SyncStep::Nothing => Ok(seen),
        SyncStep::Update(state) => {
            let document = json!({ "state": state }).to_string();
            let request = UpdateRequest::parse(document.as_bytes());
            let request = request.map_err(|rejected| refused(rejected.refusal))?;
            let update = move |before| {
                let updated = checked(before)?.update(&request, at, most)?;
                Ok((Before::Present(updated.shadow.clone()), updated))
            };
            let updated = shadows.change(id, in_step, update).await.map_err(refused)?;
            shadows.tell_of_update(&mut told, &updated);
            let accepted = updated.accepted(at, None);
            told.tell(ShadowOperation::Update, Suffix::Accepted, &accepted);
            Ok(updated.shadow.version)
        }
        SyncStep::Delete => {
            let delete = move |before| {
                let shadow = checked(before)?.present(None)?;
                Ok((Before::Absent(shadow.version + 1), shadow))
            };
            let deleted = shadows.change(id, in_step, delete).await.map_err(refused)?;
            shadows.tell_of_deletion(&mut told, &deleted);
            Ok(deleted.version + 1)
        }
    }
}

/// Change it in the cloud, if it still is as it was seen; gives the next version.
async fn change_there(
    exchange: &Exchange,
    id: &ShadowId,
    step: SyncStep,
    seen: &Before,
) -> Result<u64, Trouble> {
    let version = match seen {
        Before::Present(shadow) => json!({ "version": shadow.version }),
        Before::Absent(_) => json!({}),
    };
    let (operation, request) = match step {
        SyncStep::Nothing => return Ok(seen.version()),
        SyncStep::Delete => (ShadowOperation::Delete, json!({})),
        SyncStep::Update(state) => {
            let mut request = version;
            request["state"] = state;
            (ShadowOperation::Update, request)
        }
    };
    let answer = exchange.ask(id, operation, request).await.map_err(Trouble::Later)?;
    if !answer.is_done {
        return match refusal(&answer) {
            Refused::Absent if operation == ShadowOperation::Delete => Ok(seen.version() + 1),
            Refused::Absent => Err(Trouble::Again),
            Refused::Other(trouble) => Err(trouble),
        };
    }
    let document: Option<Value> = serde_json::from_slice(&answer.payload).ok();
    let version = document.and_then(|document| document["version"].as_u64());
    let version = version.ok_or_else(|| Trouble::Later(not_read()))?;
    Ok(match operation {
        // Whatever it was before, what is looked up next is no longer there.
        ShadowOperation::Delete => version + 1,
        _ => version,
    })
}

/// Why the cloud does not do it.
enum Refused {
    Absent,
    Other(Trouble),
}

fn refusal(answer: &Answer) -> Refused {
    let document: Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
    let message = document["message"].as_str().unwrap_or("refused").to_owned();
    Refused::Other(match document["code"].as_u64() {
        Some(404) => return Refused::Absent,
        Some(409) => Trouble::Again,
        Some(429 | 500..=599) => Trouble::Later(message),
        _ => Trouble::Never(message),
    })
}

fn later(error: crate::store::StoreError) -> Trouble {
    Trouble::Later(error.to_string())
}

fn not_read() -> String {
    "the cloud's answer cannot be read".to_owned()
}
