//! Requests that come as messages, and their answers (AWS IoT developer guide, "Jobs device MQTT
//! API"). Where a request is for a namespace, `namespace-NS` stands before its last level.

use super::rows::job;
use super::{Change, Execution, Pending, Status, document, execution, pending, shape};
use super::{describe, start_next, update};
use crate::clock::Time;
use crate::registry::{Kind, Refusal};
use crate::state::{Rows, Transaction, outbox};
use gg_model::ThingName;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked<'t> {
    /// What is before the thing.
    Pending,
    /// To begin with what is next.
    StartNext,
    /// An execution.
    Describe(&'t str),
    /// To say where it stands.
    Update(&'t str),
}

/// What a request says; each reads what is its own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Request {
    client_token: Option<String>,
    status: Option<String>,
    status_details: Option<BTreeMap<String, String>>,
    expected_version: Option<u64>,
    execution_number: Option<u64>,
    step_timeout_in_minutes: Option<i64>,
    include_job_execution_state: bool,
    include_job_document: Option<bool>,
}

/// Answer a message to a topic that begins with `$aws/things/THING/jobs/` and ends so. What is no
/// request has no answer.
///
/// # Errors
/// The state fails.
pub fn handle(
    tx: &mut dyn Transaction,
    thing: &ThingName,
    suffix: &str,
    payload: &[u8],
    now: Time,
) -> Result<(), Refusal> {
    let Some((asked, namespace)) = parse(suffix) else { return Ok(()) };
    let topic = |end| format!("$aws/things/{thing}/jobs/{suffix}/{end}");
    let mut token = None;
    let answered = read(payload).and_then(|mut request| {
        token = request.client_token.take();
        answer(tx, thing.as_ref(), asked, namespace, request, now)
    });
    let (end, mut message) = match answered {
        Ok(message) => ("accepted", message),
        Err(refusal) if refusal.kind == Kind::Internal => return Err(refusal),
        Err(refusal) => ("rejected", rejected(tx, thing.as_ref(), asked, &refusal)?),
    };
    message.insert("timestamp".into(), now.seconds().into());
    if let Some(token) = token {
        message.insert("clientToken".into(), token.into());
    }
    Ok(outbox::publish(tx, &topic(end), &Value::Object(message).to_string())?)
}

fn parse(suffix: &str) -> Option<(Asked<'_>, Option<&str>)> {
    let mut levels: Vec<&str> = suffix.split('/').take(4).collect();
    let last = levels.pop()?;
    let namespace = levels.last().and_then(|level| level.strip_prefix("namespace-"));
    if namespace.is_some() {
        levels.pop();
    }
    let asked = match (levels.as_slice(), last) {
        ([], "get") => Asked::Pending,
        ([], "start-next") => Asked::StartNext,
        ([id], "get") => Asked::Describe(id),
        ([id], "update") => Asked::Update(id),
        _ => return None,
    };
    Some((asked, namespace))
}

fn read(payload: &[u8]) -> Result<Request, Refusal> {
    if payload.is_empty() {
        return Ok(Request::default());
    }
    serde_json::from_slice(payload).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Refusal::invalid(error.to_string()),
        _ => Refusal::new(Kind::Encoding, error.to_string()),
    })
}

fn answer(
    tx: &mut dyn Transaction,
    thing: &str,
    asked: Asked<'_>,
    namespace: Option<&str>,
    request: Request,
    now: Time,
) -> Result<Map<String, Value>, Refusal> {
    if let Asked::Describe(id) | Asked::Update(id) = asked {
        of_namespace(tx, id, namespace)?;
    }
    let (with_state, with_document, number) = (
        request.include_job_execution_state,
        request.include_job_document,
        request.execution_number,
    );
    match asked {
        Asked::Pending => Ok(shape::lists(&pending(tx, thing, namespace)?)),
        Asked::StartNext => {
            let next = start_next(tx, thing, namespace, &change(request)?, now)?;
            found(tx, thing, next.as_ref(), true, now)
        }
        Asked::Describe(id) => {
            let next = describe(tx, thing, namespace, id, number)?;
            found(tx, thing, next.as_ref(), with_document.unwrap_or(true), now)
        }
        Asked::Update(id) => {
            let change = change(request)?;
            if change.status.is_none() {
                return Err(Refusal::invalid("status is missing"));
            }
            let after: Execution = update(tx, thing, id, &change, now)?;
            let mut message = Map::new();
            if with_state {
                message.insert("executionState".into(), shape::state(&after));
            }
            if with_document == Some(true) {
                let value = serde_json::from_str(&document(tx, id)?).unwrap_or_default();
                message.insert("jobDocument".into(), value);
            }
            Ok(message)
        }
    }
}

/// A job of another namespace is not there.
fn of_namespace(rows: &dyn Rows, id: &str, namespace: Option<&str>) -> Result<(), Refusal> {
    if id != update::NEXT && job(rows, id)?.namespace.as_deref() != namespace {
        return Err(Refusal::not_found("job", id));
    }
    Ok(())
}

fn change(request: Request) -> Result<Change, Refusal> {
    let status = request.status.map(|word| match word.as_str() {
        // Nucleus lite says so.
        "FAILURE" => Ok(Status::Failed),
        word => Status::parse(word).ok_or_else(|| {
            let words = Status::ALL.map(Status::word).join(", ");
            Refusal::invalid(format!("status is one of {words}"))
        }),
    });
    Ok(Change {
        status: status.transpose()?,
        details: request.status_details,
        expected_version: request.expected_version,
        number: request.execution_number,
        step_minutes: request.step_timeout_in_minutes,
    })
}

/// An execution, where there is one.
fn found(
    rows: &dyn Rows,
    thing: &str,
    found: Option<&Pending>,
    with_document: bool,
    now: Time,
) -> Result<Map<String, Value>, Refusal> {
    let mut message = Map::new();
    if let Some(found) = found {
        let document = with_document.then(|| document(rows, &found.job)).transpose()?;
        let execution = shape::with_document(found, Some(thing), document, now);
        message.insert("execution".into(), execution);
    }
    Ok(message)
}

fn rejected(
    rows: &dyn Rows,
    thing: &str,
    asked: Asked<'_>,
    refusal: &Refusal,
) -> Result<Map<String, Value>, Refusal> {
    let code = match refusal.kind {
        Kind::Conflict => "VersionMismatch",
        Kind::Encoding => "InvalidJson",
        Kind::NotFound => "ResourceNotFound",
        Kind::Transition => "InvalidStateTransition",
        Kind::Terminal => "TerminalStateReached",
        _ => "InvalidRequest",
    };
    let mut message = Map::new();
    message.insert("code".into(), code.into());
    message.insert("message".into(), json!(refusal.message));
    if let (Asked::Update(id), Kind::Conflict | Kind::Transition) = (asked, refusal.kind) {
        let state = shape::state(&execution(rows, id, thing)?);
        message.insert("executionState".into(), state);
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_say_what_is_asked() {
        for (suffix, asked) in [
            ("get", Some((Asked::Pending, None))),
            ("start-next", Some((Asked::StartNext, None))),
            ("namespace-n/get", Some((Asked::Pending, Some("n")))),
            ("$next/get", Some((Asked::Describe("$next"), None))),
            ("j/namespace-a-b/get", Some((Asked::Describe("j"), Some("a-b")))),
            ("j/update", Some((Asked::Update("j"), None))),
            ("j/update/accepted", None),
            ("j/namespace-n/x/update", None),
            ("a/b/c/d/update", None),
            ("", None),
            ("notify", None),
        ] {
            assert_eq!(parse(suffix), asked, "{suffix}");
        }
    }
}
