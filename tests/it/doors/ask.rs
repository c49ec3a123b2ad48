//! What a component is asked to do, and what comes of it: a line of JSON each. Shared with the
//! guest `asks`, which does it in the sandbox.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What can be asked for at both doors. Subscriptions and watches are numbered from 0 on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Ask {
    /// Publish a message.
    Publish(Message),
    /// Subscribe to local topics.
    Subscribe {
        /// The filter.
        filter: String,
        /// Whether to leave out the component's own messages; by default as the filter says.
        from_others: Option<bool>,
    },
    /// Wait for a subscription's next message.
    Next(usize),
    /// End a subscription.
    Unsubscribe(usize),
    /// Publish a message to the broker.
    PublishToCloud(CloudMessage),
    /// Subscribe at the broker.
    SubscribeToCloud {
        /// The filter.
        filter: String,
        /// Whether with QoS 1.
        surely: bool,
    },
    /// Wait for a subscription's next message of the broker.
    NextOfCloud(usize),
    /// Whether there is a connection to the broker.
    Connected,
    /// Read a configuration.
    Get {
        /// Whose; the component's own when `None`.
        component: Option<String>,
        /// The keys that lead to the value.
        path: Vec<String>,
    },
    /// Merge an object into the component's configuration.
    Update {
        /// The keys that lead to where it is merged into.
        path: Vec<String>,
        /// The object.
        value: Value,
        /// Since when it holds, in seconds since the Unix epoch; now when `None`.
        timestamp: Option<f64>,
    },
    /// Watch the component's configuration.
    Watch(Vec<String>),
    /// Wait for a watch's next change.
    Change(usize),
    /// Read a shadow.
    Shadow(Shadow),
    /// Change a shadow by a request document.
    UpdateShadow(Shadow, String),
    /// Delete a shadow.
    DeleteShadow(Shadow),
    /// Read names of a thing's shadows.
    ShadowNames {
        /// The thing.
        thing: String,
        /// How many at most.
        page: u32,
        /// Where the last page ended.
        after: Option<String>,
    },
    /// Read a secret.
    Secret {
        /// Its name or ARN.
        name: String,
        /// Which version; the current one when `None`.
        which: Option<Which>,
        /// Whether to ask the cloud first.
        refresh: bool,
    },
    /// Read the names of the models that it may use.
    Models,
    /// Ask what is known of a model.
    Model(String),
    /// Have a model make a prediction.
    Predict {
        /// Its name.
        model: String,
        /// Its inputs.
        inputs: Vec<Tensor>,
        /// Milliseconds that it may take.
        millis: Option<u32>,
    },
    /// Report the component's state: that it cannot do its work, or that it is up.
    Report {
        /// Whether it cannot.
        errored: bool,
    },
}

/// What comes of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Answer {
    /// It is done.
    Done,
    /// The number of a subscription or a watch.
    Number(usize),
    /// A message.
    Message(Message),
    /// A message of the broker.
    CloudMessage(CloudMessage),
    /// Whether it is so.
    Is(bool),
    /// A value of a configuration.
    Value(Value),
    /// Names, and where the next ones begin.
    Names(Vec<String>, Option<String>),
    /// The path of a value that changed.
    Path(Vec<String>),
    /// A version of a secret.
    Secret(Secret),
    /// What is known of a model.
    Model(Model),
    /// A prediction.
    Tensors(Vec<Tensor>),
    /// It is not done.
    Refused(Refusal),
}

/// Which shadow is meant.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Shadow {
    /// The thing.
    pub(crate) thing: String,
    /// The shadow's name; the classic one has none.
    pub(crate) name: Option<String>,
}

/// A message of a local topic.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Message {
    /// The topic.
    pub(crate) topic: String,
    /// The bytes.
    pub(crate) payload: Vec<u8>,
    /// Whether they are JSON.
    pub(crate) json: bool,
}

/// A message of the broker.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct CloudMessage {
    /// The topic.
    pub(crate) topic: String,
    /// The bytes.
    pub(crate) payload: Vec<u8>,
    /// Whether with QoS 1. Greengrass does not tell who receives.
    pub(crate) surely: bool,
    /// Whether the broker is to keep it, or had kept it.
    pub(crate) retain: bool,
    /// Whether it is said to be JSON, or text.
    pub(crate) json: Option<bool>,
    /// MIME type of the payload.
    pub(crate) content_type: Option<String>,
    /// Where an answer is expected.
    pub(crate) response_topic: Option<String>,
    /// Ties an answer to its request.
    pub(crate) correlation_data: Option<Vec<u8>>,
    /// Seconds after which it is of no use.
    pub(crate) message_expiry: Option<u32>,
    /// User properties, in order.
    pub(crate) user_properties: Vec<(String, String)>,
}

/// What is known of a model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Model {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// SHA-256 of its file.
    pub(crate) digest: String,
    /// Who runs it, where, and with how many threads.
    pub(crate) runs: (String, String, u32),
    /// Name, element type and dimensions of what it takes.
    pub(crate) inputs: Vec<Port>,
    /// The same of what it gives.
    pub(crate) outputs: Vec<Port>,
}

/// Name, element type and dimensions; -1 is one of any length.
pub(crate) type Port = (String, Element, Option<Vec<i64>>);

/// Element types that tests use.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Element {
    /// 32-bit floating point.
    Fp32,
    /// 64-bit signed.
    I64,
    /// Truth values.
    Bool,
    /// Texts.
    Text,
    /// Any other.
    Other,
}

/// A named array.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Tensor {
    /// The input or output.
    pub(crate) name: String,
    /// What its elements are.
    pub(crate) element: Element,
    /// The length of each dimension.
    pub(crate) shape: Vec<u32>,
    /// The elements.
    pub(crate) data: Vec<u8>,
}

/// Which version of a secret.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Which {
    /// That with this label.
    Stage(String),
    /// That with this id.
    Version(String),
}

/// A version of a secret.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Secret {
    /// Its id.
    pub(crate) version: String,
    /// Its labels.
    pub(crate) stages: Vec<String>,
    /// The bytes of its value.
    pub(crate) value: Vec<u8>,
    /// Whether they are text.
    pub(crate) text: bool,
}

/// Why something is not done, as far as both doors can say it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Refusal {
    /// A newer value is there.
    Conflict,
    /// An argument breaks a rule.
    InvalidArgument,
    /// It is not there.
    NotFound,
    /// No policy grants it.
    Unauthorized,
    /// It is not possible now, or the host failed.
    Unavailable,
}
