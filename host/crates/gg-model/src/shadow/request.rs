//! The document of a request to change a shadow.

use super::{MAX_DEPTH, Refusal, Section};
use crate::text::excerpt;
use serde_json::Value;

/// Most bytes of a request: those of a message of AWS IoT.
pub const MAX_REQUEST_BYTES: usize = 128 * 1024;

/// Most bytes of a client token.
pub const MAX_TOKEN_BYTES: usize = 64;

/// What is to change.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRequest {
    /// What the sections change by; `None` empties both.
    pub state: Option<Change>,
    /// The version that the shadow must have.
    pub version: Option<u64>,
    /// What the requester knows its request by.
    pub client_token: Option<String>,
}

/// What the sections of a state change by. A member that is null is taken away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// The desired state.
    pub desired: SectionChange,
    /// The reported state.
    pub reported: SectionChange,
}

/// What one section changes by.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SectionChange {
    /// It was not named.
    #[default]
    Nothing,
    /// It goes.
    Clear,
    /// Members, merged.
    Merge(Section),
}

/// A request that cannot be read, and what its requester knows it by, if that much can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Why.
    pub refusal: Refusal,
    /// The client token.
    pub client_token: Option<String>,
}

impl UpdateRequest {
    /// Read a document. Keys beside `state`, `version` and `clientToken` are let be, and so is
    /// `state.delta`, so that what was answered can be sent back.
    ///
    /// # Errors
    /// It breaks a rule.
    pub fn parse(payload: &[u8]) -> Result<Self, Rejected> {
        let nameless = |refusal| Rejected { refusal, client_token: None };
        let mut document = object(payload).map_err(nameless)?;
        let client_token = token(&document).map_err(nameless)?;
        let rejected = |refusal| Rejected { refusal, client_token: client_token.clone() };
        let state = document.remove("state").ok_or_else(|| rejected(Refusal::MissingState))?;
        let state = change(state).map_err(rejected)?;
        let version = version(document.get("version")).map_err(rejected)?;
        Ok(Self { state, version, client_token })
    }
}

/// The client token of a request for a shadow, or to delete one. Anything else in it is let be, and
/// so is all that is no JSON.
pub fn client_token(payload: &[u8]) -> Option<String> {
    token(&object(payload).ok()?).ok().flatten()
}

fn object(payload: &[u8]) -> Result<Section, Refusal> {
    if payload.is_empty() {
        return Err(Refusal::MissingPayload);
    }
    if payload.len() > MAX_REQUEST_BYTES {
        return Err(Refusal::TooLarge);
    }
    let text = str::from_utf8(payload).map_err(|_| Refusal::Encoding)?;
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Refusal::InvalidJson),
        // The reader has no kind for it.
        Err(error) if error.to_string().starts_with("recursion limit") => Err(Refusal::TooDeep),
        Err(_) => Err(Refusal::InvalidJson),
    }
}

fn token(document: &Section) -> Result<Option<String>, Refusal> {
    match document.get("clientToken") {
        None => Ok(None),
        Some(Value::String(token)) if token.len() <= MAX_TOKEN_BYTES => Ok(Some(token.clone())),
        Some(_) => Err(Refusal::InvalidToken),
    }
}

fn version(value: Option<&Value>) -> Result<Option<u64>, Refusal> {
    /// All whole numbers up to here are numbers with a point too.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Some(value) = value else { return Ok(None) };
    // Some clients write whole numbers with a point.
    let whole = |number: &f64| number.fract() == 0.0 && (0.0..=EXACT).contains(number);
    let read = || value.as_f64().filter(whole).map(|number| number as u64);
    value.as_u64().or_else(read).map(Some).ok_or(Refusal::InvalidVersion)
}

fn change(state: Value) -> Result<Option<Change>, Refusal> {
    let mut members = match state {
        Value::Null => return Ok(None),
        Value::Object(members) => members,
        _ => return Err(Refusal::StateNotObject),
    };
    members.remove("delta");
    let desired = section(members.remove("desired"), Refusal::DesiredNotObject)?;
    let reported = section(members.remove("reported"), Refusal::ReportedNotObject)?;
    match members.keys().next() {
        Some(name) => Err(Refusal::InvalidNode(excerpt(name))),
        None => Ok(Some(Change { desired, reported })),
    }
}

fn section(value: Option<Value>, not_object: Refusal) -> Result<SectionChange, Refusal> {
    match value {
        None => Ok(SectionChange::Nothing),
        Some(Value::Null) => Ok(SectionChange::Clear),
        Some(Value::Object(members)) => {
            if members.values().any(|value| is_deeper(value, MAX_DEPTH - 1)) {
                return Err(Refusal::TooDeep);
            }
            Ok(SectionChange::Merge(members))
        }
        Some(_) => Err(not_object),
    }
}

/// Whether a value has more levels of objects and lists than these. Empty ones do not count, as in
/// shadow manager (`JsonUtil.calculateDepth`).
fn is_deeper(value: &Value, levels: usize) -> bool {
    let deeper = |value: &Value| is_deeper(value, levels.saturating_sub(1));
    match value {
        Value::Array(elements) if !elements.is_empty() => {
            levels == 0 || elements.iter().any(deeper)
        }
        Value::Object(members) if !members.is_empty() => {
            levels == 0 || members.values().any(deeper)
        }
        _ => false,
    }
}
