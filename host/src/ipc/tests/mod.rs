//! The server over a real socket, with a client of the same wire.

mod configuration;
mod denied;
mod hostile;
mod many;
mod others;
mod streams;

use super::socket::Socket;
use super::{Patience, Server};
use crate::capability::Capabilities;
use crate::capability::caller::Caller;
use crate::capability::configuration::Configuration;
use crate::capability::debug::DebugPasswords;
use crate::capability::deployment::LocalDeployments;
use crate::capability::host::HostControl;
use crate::capability::inference::Inference;
use crate::capability::keyvalue::KeyValue;
use crate::capability::lifecycle::{LifecycleControl, Request};
use crate::capability::metric::Metrics;
use crate::capability::mqtt::Mqtt;
use crate::capability::pubsub::PubSub;
use crate::capability::secrets::Secrets;
use crate::capability::shadow::Shadows;
use crate::capability::testing::somebody;
use crate::clock::Clock;
use crate::runtime::token::{Issued, Tokens};
use crate::tasks::Tasks;
use gg_ipc::handshake::{self, Denied};
use gg_ipc::message::Requested;
use gg_ipc::operation::{Call, call};
use gg_ipc::shapes::{
    BinaryMessage, PublishMessage, PublishToTopicRequest, SubscribeToTopicRequest,
    SubscriptionResponseMessage,
};
use gg_ipc::{
    Decoder, ErrorCode, Message, OperationError, ReplyError, Secret, StreamId, StreamMessage, frame,
};
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A server in a folder of its own.
struct Bench {
    server: Server,
    configuration: Configuration,
    lifecycle: LifecycleControl,
    metrics: Metrics,
    requests: mpsc::Receiver<Request>,
    pubsub: PubSub,
    tokens: Tokens,
    tasks: Tasks,
    stop: CancellationToken,
    socket: PathBuf,
    _root: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::with(Patience::default())
    }

    fn with(patience: Patience) -> Self {
        let root = tempfile::tempdir().unwrap();
        let tasks = Tasks::new(None).unwrap();
        let (tokens, pubsub) = (Tokens::default(), PubSub::default());
        let (lifecycle, requests) = LifecycleControl::new();
        let metrics = Metrics::default();
        let configuration = Configuration::new(Clock::system(), None);
        let capabilities = Capabilities {
            configuration: configuration.clone(),
            debug: DebugPasswords::new(Clock::system()),
            deployment: LocalDeployments::new(None).0,
            host: HostControl::new().0,
            inference: Inference::new(
                tokio::sync::watch::channel(std::sync::Arc::default()).1,
                tasks.clone(),
                CancellationToken::new(),
            ),
            keyvalue: KeyValue::default(),
            lifecycle: lifecycle.clone(),
            metric: metrics.clone(),
            mqtt: Mqtt::default(),
            pubsub: pubsub.clone(),
            secrets: Secrets::new(None).unwrap(),
            shadows: Shadows::new(Clock::system(), None, "thing".parse().unwrap(), &pubsub, &tasks),
        };
        let server =
            Server::new(capabilities, tokens.clone(), tasks.clone(), Clock::system(), patience);
        let (socket, stop) = (Socket::open(root.path()).unwrap(), CancellationToken::new());
        let path = socket.path();
        server.serve(socket, stop.clone());
        Self {
            server,
            configuration,
            lifecycle,
            metrics,
            requests,
            pubsub,
            tokens,
            tasks,
            stop,
            socket: path,
            _root: root,
        }
    }

    fn issue(&self, caller: &Caller) -> Issued {
        self.tokens.issue(caller.clone()).unwrap()
    }

    /// A client that has said nothing yet.
    async fn stranger(&self) -> Client {
        let stream = UnixStream::connect(&self.socket).await.unwrap();
        Client {
            stream,
            decoder: Decoder::new(frame::MAX_FRAME_BYTES),
            bytes: Vec::new(),
            next: Some(StreamId::FIRST),
        }
    }

    /// A client that is let in.
    async fn client(&self, issued: &Issued) -> Client {
        let mut client = self.stranger().await;
        client.show(issued.token().reveal()).await.unwrap();
        client
    }

    /// Why connections were closed.
    fn cuts(&self) -> Vec<(&'static str, u64)> {
        self.server.cuts().into_iter().collect()
    }
}

/// A client.
struct Client {
    stream: UnixStream,
    decoder: Decoder,
    bytes: Vec<u8>,
    next: Option<StreamId>,
}

impl Client {
    async fn show(&mut self, token: &str) -> Result<(), Denied> {
        self.send(&handshake::connect(&Secret::new(token.to_owned())).unwrap()).await;
        handshake::accepted(&self.read().await.unwrap())
    }

    async fn send(&mut self, message: &Message) {
        let mut bytes = Vec::new();
        message.encode(frame::MAX_FRAME_BYTES, &mut bytes).unwrap();
        self.send_bytes(&bytes).await;
    }

    /// Send what can be sent: a server that has closed the connection takes nothing more.
    async fn send_bytes(&mut self, bytes: &[u8]) {
        let _closed = self.stream.write_all(bytes).await;
    }

    /// The next message; `None` at the end.
    async fn read(&mut self) -> Option<Message> {
        loop {
            let mut rest = self.bytes.as_slice();
            let frame = self.decoder.decode(&mut rest).unwrap();
            let left = rest.len();
            self.bytes.drain(..self.bytes.len() - left);
            if let Some(frame) = frame {
                return Some(Message::read(frame).unwrap());
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.bytes.extend_from_slice(&bytes[..count]),
            }
        }
    }

    async fn read_stream(&mut self) -> StreamMessage {
        match self.read().await {
            Some(Message::Stream(message)) => message,
            other => panic!("expected a message of a call, came {other:?}"),
        }
    }

    fn stream(&mut self) -> StreamId {
        let stream = self.next.unwrap();
        self.next = stream.next();
        stream
    }

    /// Make a call, and read its response, which is the next message.
    async fn call<C: Call>(&mut self, request: &C::Request) -> Result<C::Response, ReplyError> {
        let stream = self.ask::<C>(request).await;
        let answer = self.read_stream().await;
        assert_eq!(answer.stream, stream);
        assert!(answer.terminate || C::OPERATION.is_streaming());
        answer.read_response::<C>()
    }

    /// Make a call.
    async fn ask<C: Call>(&mut self, request: &C::Request) -> StreamId {
        let stream = self.stream();
        let request = StreamMessage::request::<C>(stream, request).unwrap();
        self.send(&Message::Stream(request)).await;
        stream
    }

    async fn publish(&mut self, topic: &str, text: &str) -> Result<(), ReplyError> {
        self.call::<call::PublishToTopic>(&publication(topic, text)).await.map(|_| ())
    }

    async fn subscribe(&mut self, filter: &str) -> Result<(), ReplyError> {
        let request = SubscribeToTopicRequest { topic: filter.to_owned(), receive_mode: None };
        self.call::<call::SubscribeToTopic>(&request).await.map(|_| ())
    }

    /// The text of the next event.
    async fn text(&mut self) -> String {
        let message = self.read_stream().await;
        match message.read_event::<call::SubscribeToTopic>().unwrap() {
            SubscriptionResponseMessage::BinaryMessage(binary) => {
                String::from_utf8(binary.message.0.to_vec()).unwrap()
            }
            SubscriptionResponseMessage::JsonMessage(json) => json.message.as_str().to_owned(),
        }
    }
}

fn publication(topic: &str, text: &str) -> PublishToTopicRequest {
    let message = text.as_bytes().to_vec().into();
    let message = BinaryMessage { message, context: None };
    PublishToTopicRequest {
        topic: topic.to_owned(),
        publish_message: PublishMessage::BinaryMessage(message),
    }
}

/// The error that the nucleus answered.
#[track_caller]
fn failure<T: std::fmt::Debug>(answer: Result<T, ReplyError>) -> OperationError {
    match answer.unwrap_err() {
        ReplyError::Operation(error) => error,
        other => panic!("{other}"),
    }
}
