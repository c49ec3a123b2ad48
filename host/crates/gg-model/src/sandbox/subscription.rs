//! A subscription that the host makes for a message handler.

use crate::delivery::{Origin, ReceiveMode, WhenFull};
use crate::shape::{Object, Path, ShapeError, choice, parsed};
use crate::topic::TopicFilter;
use serde_json::Value;

/// One element of the configuration key `subscriptions`: a topic filter as text, or
/// `{topic, receiveMode, queue, whenFull, source}`. What is left out takes the host's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerSubscription {
    /// Which topics.
    pub filter: TopicFilter,
    /// Which messages.
    pub receive_mode: Option<ReceiveMode>,
    /// Messages that the queue holds.
    pub queue: Option<u32>,
    /// What happens when the queue is full.
    pub when_full: Option<WhenFull>,
    /// Where to subscribe.
    pub origin: Origin,
}

const RECEIVE_MODES: [(&str, ReceiveMode); 4] = [
    ("all", ReceiveMode::All),
    ("from-others", ReceiveMode::FromOthers),
    ("RECEIVE_ALL_MESSAGES", ReceiveMode::All),
    ("RECEIVE_MESSAGES_FROM_OTHERS", ReceiveMode::FromOthers),
];
const WHEN_FULL: [(&str, WhenFull); 3] = [
    ("drop-oldest", WhenFull::DropOldest),
    ("drop-newest", WhenFull::DropNewest),
    ("block", WhenFull::Block),
];
const ORIGINS: [(&str, Origin); 2] = [("local", Origin::Local), ("cloud", Origin::Cloud)];

pub(super) fn read(path: &Path<'_>, value: &Value) -> Result<HandlerSubscription, ShapeError> {
    let subscription = |filter| HandlerSubscription {
        filter,
        receive_mode: None,
        queue: None,
        when_full: None,
        origin: Origin::Local,
    };
    if !value.is_object() {
        return parsed(path, value).map(subscription);
    }
    let mut object = Object::open(path, value)?;
    let mut subscription = subscription(object.required_parsed("topic")?);
    if let Some(value) = object.take("receiveMode") {
        subscription.receive_mode = Some(choice(&path.key("receiveMode"), value, &RECEIVE_MODES)?);
    }
    if let Some(value) = object.take("queue") {
        subscription.queue = Some(queue(&path.key("queue"), value)?);
    }
    if let Some(value) = object.take("whenFull") {
        subscription.when_full = Some(choice(&path.key("whenFull"), value, &WHEN_FULL)?);
    }
    if let Some(value) = object.take("source") {
        subscription.origin = choice(&path.key("source"), value, &ORIGINS)?;
    }
    object.refuse_unknown()?;
    Ok(subscription)
}

/// A whole number of messages; 7.0 counts as 7, since a configuration may have passed through
/// software that knows no integers.
fn queue(path: &Path<'_>, value: &Value) -> Result<u32, ShapeError> {
    let whole = value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        let fits = number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        fits.then_some(number as u64)
    });
    match whole.map(u32::try_from) {
        Some(Ok(messages)) if messages > 0 => Ok(messages),
        _ => Err(ShapeError::expected(path, "a whole number of messages, at least 1", value)),
    }
}
