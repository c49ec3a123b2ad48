//! The door for processes: Greengrass IPC, spoken by the test with the token of a process that
//! leaves it in its work folder.

use super::ask::{
    Answer, Ask, CloudMessage, Element, Message, Model, Refusal, Shadow, Tensor, Which,
};
use super::{Door, Made, Wit};
use crate::host::{DEADLINE, Host};
use gg_host::clock::Clock;
use gg_ipc::handshake;
use gg_ipc::operation::{Call, call};
use gg_ipc::shapes::{
    BinaryMessage, ConfigurationUpdateEvents, ConnectionStatus, DeleteThingShadowRequest,
    DescribeModelRequest, DescribeModelResponse, GetConfigurationRequest, GetSecretValueRequest,
    GetSecretValueResponse, GetThingShadowRequest, IoTCoreConnectionStatusEvent, IoTCoreMessage,
    JsonMessage, ListModelsRequest, ListNamedShadowsForThingRequest, ModelPort, ModelTensor,
    PayloadFormat, PublishMessage, PublishToIoTCoreRequest, PublishToTopicRequest, Qos,
    ReceiveMode, ReportedLifecycleState, RunInferenceRequest, SecretValue,
    SubscribeToConfigurationUpdateRequest, SubscribeToIoTCoreConnectionStatusRequest,
    SubscribeToIoTCoreRequest, SubscribeToTopicRequest, SubscriptionResponseMessage,
    UpdateConfigurationRequest, UpdateStateRequest, UpdateThingShadowRequest, UserProperty,
};
use gg_ipc::{
    Blob, Decoder, Document, ErrorCode, ObjectText, ReplyError, Secret, StreamId, StreamMessage,
    Timestamp, frame,
};
use rustix::process::geteuid;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Leaves the token and the socket's path, says where, and goes on: the token counts for as long as
/// the process is there.
const PROCESS: &str = "umask 077; \
    printf '%s\n%s' \"$SVCUID\" \"$AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT\" > door; \
    echo \"door in $PWD\"; exec sleep 100000";

/// A process's connection.
pub(crate) struct Ipc {
    stream: UnixStream,
    decoder: Decoder,
    unread: Vec<u8>,
    last: Option<StreamId>,
    /// Events that nobody has waited for yet, of each stream that is open.
    events: HashMap<StreamId, VecDeque<StreamMessage>>,
    subscriptions: Vec<StreamId>,
    of_cloud: Vec<StreamId>,
    watches: Vec<StreamId>,
}

impl Door for Ipc {
    type Other = Wit;
    type Waiting = ();

    fn artifact() -> Option<PathBuf> {
        None
    }

    fn make() -> (Made, ()) {
        // Root runs nothing as itself, and others nothing as somebody else, unless told to.
        let privileged = geteuid().is_root();
        let manifest = json!({
            "Platform": { "os": "linux" },
            "Lifecycle": { "run": { "Script": PROCESS, "RequiresPrivilege": privileged } },
        });
        (Made { manifest, sandbox: json!({}) }, ())
    }

    fn open((): (), host: &mut Host, name: &str) -> Self {
        host.wait_until_said(name, "door in ");
        let said = host.seen().iter().find(|event| event.says(name, "door in ")).unwrap();
        let work = Path::new(said.message().strip_prefix("door in ").unwrap());
        let door = fs::read_to_string(work.join("door")).unwrap();
        let (token, socket) = door.split_once('\n').unwrap();
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut ipc = Self {
            stream,
            decoder: Decoder::new(frame::MAX_FRAME_BYTES),
            unread: Vec::new(),
            last: None,
            events: HashMap::new(),
            subscriptions: Vec::new(),
            of_cloud: Vec::new(),
            watches: Vec::new(),
        };
        ipc.send(&handshake::connect(&Secret::new(token.to_owned())).unwrap());
        handshake::accepted(&ipc.read()).unwrap();
        ipc
    }

    fn ask(&mut self, ask: Ask) -> Answer {
        self.answer(ask).unwrap_or_else(|error| match error {
            ReplyError::Operation(error) => Answer::Refused(refusal(error.code)),
            other => panic!("{other}"),
        })
    }
}

impl Ipc {
    fn answer(&mut self, ask: Ask) -> Result<Answer, ReplyError> {
        Ok(match ask {
            Ask::Publish(Message { topic, payload, json }) => {
                let publish_message = match json {
                    false => PublishMessage::BinaryMessage(BinaryMessage {
                        message: payload.into(),
                        context: None,
                    }),
                    true => PublishMessage::JsonMessage(JsonMessage {
                        message: ObjectText::parse(String::from_utf8(payload).unwrap())?,
                        context: None,
                    }),
                };
                let request = PublishToTopicRequest { topic, publish_message };
                self.call::<call::PublishToTopic>(&request)?;
                Answer::Done
            }
            Ask::Subscribe { filter, from_others } => {
                let receive_mode = from_others.map(|others| match others {
                    true => ReceiveMode::ReceiveMessagesFromOthers,
                    false => ReceiveMode::ReceiveAllMessages,
                });
                let request = SubscribeToTopicRequest { topic: filter, receive_mode };
                let (stream, _) = self.call::<call::SubscribeToTopic>(&request)?;
                self.subscriptions.push(stream);
                Answer::Number(self.subscriptions.len() - 1)
            }
            Ask::Next(number) => {
                let event = self.event(self.subscriptions[number]);
                Answer::Message(message(event.read_event::<call::SubscribeToTopic>()?))
            }
            Ask::Unsubscribe(number) => {
                let stream = self.subscriptions[number];
                // From now on an event of it ends the test.
                self.events.remove(&stream);
                self.send(&gg_ipc::Message::Stream(StreamMessage::end(stream)));
                Answer::Done
            }
            Ask::PublishToCloud(message) => {
                self.call::<call::PublishToIoTCore>(&to_cloud(message))?;
                Answer::Done
            }
            Ask::SubscribeToCloud { filter, surely } => {
                let request = SubscribeToIoTCoreRequest { topic_name: filter, qos: qos(surely) };
                let (stream, _) = self.call::<call::SubscribeToIoTCore>(&request)?;
                self.of_cloud.push(stream);
                Answer::Number(self.of_cloud.len() - 1)
            }
            Ask::NextOfCloud(number) => {
                let event = self.event(self.of_cloud[number]);
                let IoTCoreMessage::Message(message) =
                    event.read_event::<call::SubscribeToIoTCore>()?;
                let properties = message.user_properties.into_iter();
                Answer::CloudMessage(CloudMessage {
                    topic: message.topic_name,
                    payload: message.payload.unwrap_or_default().0.to_vec(),
                    surely: false,
                    retain: message.retain.unwrap(),
                    json: message.payload_format.map(|format| format == PayloadFormat::Utf8),
                    content_type: message.content_type,
                    response_topic: message.response_topic,
                    correlation_data: message.correlation_data.map(|data| data.0.to_vec()),
                    message_expiry: message.message_expiry_interval_seconds,
                    user_properties: properties
                        .map(|UserProperty { key, value }| (key, value))
                        .collect(),
                })
            }
            Ask::Connected => {
                let request = SubscribeToIoTCoreConnectionStatusRequest {};
                let (stream, _) =
                    self.call::<call::SubscribeToIoTCoreConnectionStatus>(&request)?;
                let event = self.event(stream);
                let IoTCoreConnectionStatusEvent::ConnectionStatusEvent(event) =
                    event.read_event::<call::SubscribeToIoTCoreConnectionStatus>()?;
                // Nobody reads what follows.
                self.send(&gg_ipc::Message::Stream(StreamMessage::end(stream)));
                Answer::Is(event.status == ConnectionStatus::Connected)
            }
            Ask::Get { component, path } => {
                let last = path.last().cloned();
                let request = GetConfigurationRequest { component_name: component, key_path: path };
                let (_, response) = self.call::<call::GetConfiguration>(&request)?;
                Answer::Value(unwrapped(last.as_deref(), response.value))
            }
            Ask::Update { path, value, timestamp } => {
                let Value::Object(members) = value else { panic!("{value} is no object") };
                let now = || Clock::system().unix_millis();
                #[expect(clippy::cast_possible_truncation, reason = "far from the end of time")]
                let millis = timestamp.map_or_else(now, |seconds| (seconds * 1e3) as i64);
                let request = UpdateConfigurationRequest {
                    key_path: path,
                    timestamp: Timestamp::from_millis(millis),
                    value_to_merge: Document(members),
                };
                self.call::<call::UpdateConfiguration>(&request)?;
                Answer::Done
            }
            Ask::Watch(key_path) => {
                let request =
                    SubscribeToConfigurationUpdateRequest { component_name: None, key_path };
                let (stream, _) = self.call::<call::SubscribeToConfigurationUpdate>(&request)?;
                self.watches.push(stream);
                Answer::Number(self.watches.len() - 1)
            }
            Ask::Change(number) => {
                let event = self.event(self.watches[number]);
                let ConfigurationUpdateEvents::ConfigurationUpdateEvent(event) =
                    event.read_event::<call::SubscribeToConfigurationUpdate>()?;
                Answer::Path(event.key_path)
            }
            Ask::Shadow(Shadow { thing, name }) => {
                let request = GetThingShadowRequest { thing_name: thing, shadow_name: name };
                document(&self.call::<call::GetThingShadow>(&request)?.1.payload)
            }
            Ask::UpdateShadow(Shadow { thing, name }, text) => {
                let request = UpdateThingShadowRequest {
                    thing_name: thing,
                    shadow_name: name,
                    payload: text.into_bytes().into(),
                };
                document(&self.call::<call::UpdateThingShadow>(&request)?.1.payload)
            }
            Ask::DeleteShadow(Shadow { thing, name }) => {
                let request = DeleteThingShadowRequest { thing_name: thing, shadow_name: name };
                let answer = self.call::<call::DeleteThingShadow>(&request)?.1;
                assert!(answer.payload.0.is_empty(), "as in Greengrass");
                Answer::Done
            }
            Ask::ShadowNames { thing, page, after } => {
                let request = ListNamedShadowsForThingRequest {
                    thing_name: thing,
                    next_token: after,
                    page_size: Some(page),
                };
                let (_, answer) = self.call::<call::ListNamedShadowsForThing>(&request)?;
                assert!(answer.timestamp.as_seconds() > 1.7e9, "{:?}", answer.timestamp);
                Answer::Names(answer.results, answer.next_token)
            }
            Ask::Secret { name, which, refresh } => {
                let (version_id, version_stage) = match which {
                    None => (None, None),
                    Some(Which::Stage(stage)) => (None, Some(stage)),
                    Some(Which::Version(version)) => (Some(version), None),
                };
                let request = GetSecretValueRequest {
                    secret_id: name,
                    version_id,
                    version_stage,
                    refresh: Some(refresh),
                };
                Answer::Secret(secret(self.call::<call::GetSecretValue>(&request)?.1))
            }
            Ask::Models => {
                let answer = self.call::<call::ListModels>(&ListModelsRequest {})?.1;
                Answer::Names(answer.models, None)
            }
            Ask::Model(model_name) => {
                let request = DescribeModelRequest { model_name };
                Answer::Model(model(self.call::<call::DescribeModel>(&request)?.1))
            }
            Ask::Predict { model, inputs, millis } => {
                let request = RunInferenceRequest {
                    model_name: model,
                    inputs: inputs.into_iter().map(to_ipc).collect(),
                    deadline_ms: millis,
                };
                let answer = self.call::<call::RunInference>(&request)?.1;
                Answer::Tensors(answer.outputs.into_iter().map(of_ipc).collect())
            }
            Ask::Report { errored } => {
                let state = match errored {
                    true => ReportedLifecycleState::Errored,
                    false => ReportedLifecycleState::Running,
                };
                self.call::<call::UpdateState>(&UpdateStateRequest { state })?;
                Answer::Done
            }
        })
    }

    /// Make a call; gives its stream, and what is answered.
    pub(crate) fn call<C: Call>(
        &mut self,
        request: &C::Request,
    ) -> Result<(StreamId, C::Response), ReplyError> {
        let stream = self.last.map_or(Some(StreamId::FIRST), StreamId::next).unwrap();
        self.last = Some(stream);
        self.events.insert(stream, VecDeque::new());
        let request = StreamMessage::request::<C>(stream, request)?;
        self.send(&gg_ipc::Message::Stream(request));
        let answer = self.event(stream);
        if answer.terminate {
            self.events.remove(&stream);
        }
        Ok((stream, answer.read_response::<C>()?))
    }

    /// The next message of a stream.
    fn event(&mut self, stream: StreamId) -> StreamMessage {
        loop {
            let waiting = self.events.get_mut(&stream).unwrap();
            if let Some(message) = waiting.pop_front() {
                return message;
            }
            let gg_ipc::Message::Stream(message) = self.read() else { panic!("no call's message") };
            let waiting = self.events.get_mut(&message.stream);
            let waiting = waiting.unwrap_or_else(|| panic!("{message:?} of a stream that is over"));
            waiting.push_back(message);
        }
    }

    fn send(&mut self, message: &gg_ipc::Message) {
        let mut bytes = Vec::new();
        message.encode(frame::MAX_FRAME_BYTES, &mut bytes).unwrap();
        self.stream.write_all(&bytes).unwrap();
    }

    fn read(&mut self) -> gg_ipc::Message {
        loop {
            let mut rest = self.unread.as_slice();
            let frame = self.decoder.decode(&mut rest).unwrap();
            let left = rest.len();
            self.unread.drain(..self.unread.len() - left);
            if let Some(frame) = frame {
                return gg_ipc::Message::read(frame).unwrap();
            }
            let mut some = [0; 4096];
            let count = self.stream.read(&mut some).unwrap();
            assert!(count > 0, "the nucleus closed the connection");
            self.unread.extend_from_slice(&some[..count]);
        }
    }
}

fn document(payload: &Blob) -> Answer {
    Answer::Value(serde_json::from_slice(&payload.0).unwrap())
}

fn qos(surely: bool) -> Qos {
    if surely { Qos::AtLeastOnce } else { Qos::AtMostOnce }
}

fn to_cloud(message: CloudMessage) -> PublishToIoTCoreRequest {
    use PayloadFormat::{Bytes, Utf8};
    let properties = message.user_properties.into_iter();
    PublishToIoTCoreRequest {
        topic_name: message.topic,
        qos: qos(message.surely),
        payload: message.payload.into(),
        retain: Some(message.retain),
        user_properties: properties.map(|(key, value)| UserProperty { key, value }).collect(),
        message_expiry_interval_seconds: message.message_expiry,
        correlation_data: message.correlation_data.map(Into::into),
        response_topic: message.response_topic,
        payload_format: message.json.map(|json| if json { Utf8 } else { Bytes }),
        content_type: message.content_type,
    }
}

fn message(event: SubscriptionResponseMessage) -> Message {
    let (payload, context, json) = match event {
        SubscriptionResponseMessage::BinaryMessage(binary) => {
            (binary.message.0.to_vec(), binary.context, false)
        }
        SubscriptionResponseMessage::JsonMessage(json) => {
            (json.message.as_str().as_bytes().to_vec(), json.context, true)
        }
    };
    Message { topic: context.unwrap().topic, payload, json }
}

fn secret(response: GetSecretValueResponse) -> super::ask::Secret {
    let (text, value) = match response.secret_value {
        SecretValue::SecretString(text) => (true, text.into_inner().into_bytes()),
        SecretValue::SecretBinary(bytes) => (false, bytes.into_inner().0.to_vec()),
    };
    let (version, stages) = (response.version_id, response.version_stage);
    super::ask::Secret { version, stages, value, text }
}

/// At this door a value that is no object comes in one, under the last key that led to it.
fn unwrapped(key: Option<&str>, Document(mut members): Document) -> Value {
    let alone = members.keys().next().filter(|_| members.len() == 1).cloned();
    match (key, alone) {
        (Some(key), Some(alone)) if alone.eq_ignore_ascii_case(key) => {
            members.remove(&alone).unwrap()
        }
        _ => Value::Object(members),
    }
}

fn refusal(code: ErrorCode) -> Refusal {
    match code {
        ErrorCode::Conflict | ErrorCode::FailedUpdateConditionCheck => Refusal::Conflict,
        ErrorCode::InvalidArguments => Refusal::InvalidArgument,
        ErrorCode::ResourceNotFound => Refusal::NotFound,
        ErrorCode::Service => Refusal::Unavailable,
        ErrorCode::Unauthorized => Refusal::Unauthorized,
        other => panic!("{}", other.name()),
    }
}

const ELEMENTS: [(&str, Element); 4] = [
    ("fp32", Element::Fp32),
    ("i64", Element::I64),
    ("bool", Element::Bool),
    ("string", Element::Text),
];

fn element(name: &str) -> Element {
    ELEMENTS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(Element::Other, |(_, element)| *element)
}

fn to_ipc(Tensor { name, element, shape, data }: Tensor) -> ModelTensor {
    let known = ELEMENTS.iter().find(|(_, known)| *known == element).map(|(name, _)| *name);
    ModelTensor {
        name,
        element_type: known.unwrap_or("complex128").to_owned(),
        shape,
        data: data.into(),
    }
}

fn of_ipc(tensor: ModelTensor) -> Tensor {
    let ModelTensor { name, element_type, shape, data } = tensor;
    Tensor { name, element: element(&element_type), shape, data: data.0.into() }
}

fn model(found: DescribeModelResponse) -> Model {
    let port = |ModelPort { name, element_type, shape }| (name, element(&element_type), shape);
    Model {
        name: found.model_name,
        version: found.version,
        digest: found.digest,
        runs: (found.backend, found.device, found.threads),
        inputs: found.inputs.into_iter().map(port).collect(),
        outputs: found.outputs.into_iter().map(port).collect(),
    }
}
