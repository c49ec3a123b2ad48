//! Does what it is asked to do at the address in its argument, until nobody asks any more.

#[path = "../../../../it/doors/ask.rs"]
mod ask;

use ask::{
    Answer, Ask, CloudMessage, Element, Message, Model, Refusal, Secret, Shadow, Tensor, Which,
};
use gg_sdk::bindings::gg::host::{
    configuration, inference, lifecycle, mqtt, pubsub, secrets, shadow, types,
};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

/// What it holds: what a number stands for.
#[derive(Default)]
struct Held {
    subscriptions: Vec<Option<pubsub::Subscription>>,
    of_cloud: Vec<mqtt::Subscription>,
    watchers: Vec<configuration::Watcher>,
}

fn main() {
    let address = std::env::args().nth(1).expect("an address");
    let stream = TcpStream::connect(address).expect("somebody who asks");
    println!("connected");
    let mut held = Held::default();
    for line in BufReader::new(&stream).lines() {
        let Ok(line) = line else { return };
        let ask = serde_json::from_str(&line).expect("an operation");
        let answer = held.answer(ask).unwrap_or_else(|error| Answer::Refused(refusal(&error)));
        let mut line = serde_json::to_vec(&answer).expect("an answer is JSON");
        line.push(b'\n');
        (&stream).write_all(&line).expect("somebody who hears the answer");
    }
}

impl Held {
    fn answer(&mut self, ask: Ask) -> Result<Answer, types::Error> {
        Ok(match ask {
            Ask::Publish(Message { topic, payload, json }) => {
                use types::PayloadFormat::{Binary, Json};
                pubsub::publish(&topic, &payload, if json { Json } else { Binary })?;
                Answer::Done
            }
            Ask::Subscribe { filter, from_others } => {
                self.subscriptions.push(Some(subscribe(&filter, from_others)?));
                Answer::Number(self.subscriptions.len() - 1)
            }
            Ask::Next(number) => {
                let subscription = self.subscriptions[number].as_ref().expect("a subscription");
                let message = subscription.next()?.expect("it is not asked to stop");
                let json = message.format == types::PayloadFormat::Json;
                Answer::Message(Message { topic: message.topic, payload: message.payload, json })
            }
            Ask::Unsubscribe(number) => {
                self.subscriptions[number] = None;
                Answer::Done
            }
            Ask::PublishToCloud(message) => {
                mqtt::publish(&publication(message))?;
                Answer::Done
            }
            Ask::SubscribeToCloud { filter, surely } => {
                self.of_cloud.push(mqtt::subscribe(&filter, qos(surely))?);
                Answer::Number(self.of_cloud.len() - 1)
            }
            Ask::NextOfCloud(number) => {
                let message = self.of_cloud[number].next()?.expect("it is not asked to stop");
                Answer::CloudMessage(of_cloud(message))
            }
            Ask::Connected => Answer::Is(mqtt::connected()),
            Ask::Get { component, path } => {
                let text = match component {
                    Some(component) => configuration::get_of(&component, &path)?,
                    None => configuration::get(&path)?,
                };
                Answer::Value(serde_json::from_str(&text).expect("a value is JSON"))
            }
            Ask::Update { path, value, timestamp } => {
                configuration::update(&path, &value.to_string(), timestamp)?;
                Answer::Done
            }
            Ask::Watch(path) => {
                self.watchers.push(configuration::watch(&path)?);
                Answer::Number(self.watchers.len() - 1)
            }
            Ask::Change(number) => {
                Answer::Path(self.watchers[number].next()?.expect("it is not asked to stop"))
            }
            Ask::Secret { name, which, refresh } => Answer::Secret(secret(&name, which, refresh)?),
            Ask::Shadow(which) => document(&shadow::get(&id(which))?),
            Ask::UpdateShadow(which, text) => document(&shadow::update(&id(which), &text)?),
            Ask::DeleteShadow(which) => {
                shadow::delete(&id(which))?;
                Answer::Done
            }
            Ask::ShadowNames { thing, page, after } => {
                let found = shadow::list_named(Some(&thing), page, after.as_deref())?;
                Answer::Names(found.names, found.next_token)
            }
            Ask::Models => Answer::Names(inference::models()?, None),
            Ask::Model(name) => Answer::Model(model(inference::describe(&name)?)),
            Ask::Predict { model, inputs, millis } => {
                let inputs: Vec<_> = inputs.into_iter().map(to_wit).collect();
                let outputs = inference::run(&model, &inputs, millis)?;
                Answer::Tensors(outputs.into_iter().map(of_wit).collect())
            }
            Ask::Report { errored } => {
                use lifecycle::State::{Errored, Running};
                lifecycle::update_state(if errored { Errored } else { Running })?;
                Answer::Done
            }
        })
    }
}

fn id(Shadow { thing, name }: Shadow) -> shadow::ShadowId {
    shadow::ShadowId { thing_name: Some(thing), shadow_name: name }
}

fn document(text: &str) -> Answer {
    Answer::Value(serde_json::from_str(text).expect("a document is JSON"))
}

fn subscribe(
    filter: &str,
    from_others: Option<bool>,
) -> Result<pubsub::Subscription, types::Error> {
    use pubsub::ReceiveMode::{All, FromOthers};
    let Some(from_others) = from_others else { return pubsub::subscribe(filter) };
    let receive_mode = Some(if from_others { FromOthers } else { All });
    let options = pubsub::SubscribeOptions { receive_mode, queue: None, when_full: None };
    pubsub::subscribe_with(filter, options)
}

fn qos(surely: bool) -> types::Qos {
    if surely { types::Qos::AtLeastOnce } else { types::Qos::AtMostOnce }
}

fn publication(message: CloudMessage) -> mqtt::Publication {
    use types::PayloadFormat::{Binary, Json};
    let properties = message.user_properties.into_iter();
    mqtt::Publication {
        topic: message.topic,
        payload: message.payload,
        qos: qos(message.surely),
        retain: message.retain,
        format: message.json.map(|json| if json { Json } else { Binary }),
        content_type: message.content_type,
        response_topic: message.response_topic,
        correlation_data: message.correlation_data,
        message_expiry: message.message_expiry,
        user_properties: properties.map(|(key, value)| mqtt::UserProperty { key, value }).collect(),
    }
}

fn of_cloud(message: mqtt::Publication) -> CloudMessage {
    let properties = message.user_properties.into_iter();
    CloudMessage {
        topic: message.topic,
        payload: message.payload,
        surely: false,
        retain: message.retain,
        json: message.format.map(|format| format == types::PayloadFormat::Json),
        content_type: message.content_type,
        response_topic: message.response_topic,
        correlation_data: message.correlation_data,
        message_expiry: message.message_expiry,
        user_properties: properties.map(|property| (property.key, property.value)).collect(),
    }
}

fn secret(name: &str, which: Option<Which>, refresh: bool) -> Result<Secret, types::Error> {
    let which = which.map(|which| match which {
        Which::Stage(stage) => secrets::Selector::Stage(stage),
        Which::Version(version) => secrets::Selector::Version(version),
    });
    let secret = match refresh {
        false => secrets::get(name, which.as_ref())?,
        true => secrets::refresh(name, which.as_ref())?,
    };
    let (text, value) = match secret.reveal()? {
        secrets::SecretValue::Bytes(bytes) => (false, bytes),
        secrets::SecretValue::Text(text) => (true, text.into_bytes()),
    };
    Ok(Secret { version: secret.version(), stages: secret.stages(), value, text })
}

fn refusal(error: &types::Error) -> Refusal {
    match error {
        types::Error::Conflict(_) => Refusal::Conflict,
        types::Error::InvalidArgument(_) => Refusal::InvalidArgument,
        types::Error::NotFound(_) => Refusal::NotFound,
        types::Error::Unauthorized(_) => Refusal::Unauthorized,
        types::Error::Internal(_) | types::Error::Unavailable(_) => Refusal::Unavailable,
    }
}

fn element(element: inference::ElementType) -> Element {
    match element {
        inference::ElementType::Fp32 => Element::Fp32,
        inference::ElementType::I64 => Element::I64,
        inference::ElementType::Boolean => Element::Bool,
        inference::ElementType::Text => Element::Text,
        _ => Element::Other,
    }
}

fn to_wit(Tensor { name, element, shape, data }: Tensor) -> inference::Tensor {
    let element = match element {
        Element::Fp32 => inference::ElementType::Fp32,
        Element::I64 => inference::ElementType::I64,
        Element::Bool => inference::ElementType::Boolean,
        Element::Text => inference::ElementType::Text,
        Element::Other => inference::ElementType::U64,
    };
    inference::Tensor { name, shape, element, data }
}

fn of_wit(tensor: inference::Tensor) -> Tensor {
    let inference::Tensor { name, shape, element: kind, data } = tensor;
    Tensor { name, element: element(kind), shape, data }
}

fn model(found: inference::ModelInfo) -> Model {
    let port = |port: inference::Port| {
        let lengths = |shape: Vec<Option<u32>>| {
            shape.into_iter().map(|length| length.map_or(-1, i64::from)).collect()
        };
        (port.name, element(port.element), port.shape.map(lengths))
    };
    Model {
        name: found.name,
        version: found.version,
        digest: found.digest,
        runs: (found.backend, found.device, found.threads),
        inputs: found.inputs.into_iter().map(port).collect(),
        outputs: found.outputs.into_iter().map(port).collect(),
    }
}
