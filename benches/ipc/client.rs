//! A component's end of Greengrass IPC, which blocks and reads one frame at a time. What is measured
//! goes over its socket without it, see [`lane`](super::lane).

use crate::common::device::Door;
use anyhow::{Context, Result, bail, ensure};
use gg_ipc::operation::{Call, call};
use gg_ipc::shapes::{
    BinaryMessage, PublishMessage, PublishToTopicRequest, SubscribeToTopicRequest,
    SubscriptionResponseMessage,
};
use gg_ipc::{Decoder, Message, Secret, StreamId, StreamMessage, frame, handshake};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Nothing that is waited for takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that is let in.
pub(crate) struct Client {
    pub(crate) stream: UnixStream,
    next: StreamId,
}

impl Client {
    /// Come in.
    pub(crate) fn connect(door: &Door) -> Result<Self> {
        let stream = UnixStream::connect(&door.path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut client = Self { stream, next: StreamId::FIRST };
        let mut bytes = Vec::new();
        let token = Secret::new(door.token.clone());
        handshake::connect(&token)?.encode(frame::MAX_FRAME_BYTES, &mut bytes)?;
        client.stream.write_all(&bytes)?;
        handshake::accepted(&client.read()?.1)?;
        Ok(client)
    }

    /// The bytes of so many calls of the same, one after the other.
    pub(crate) fn requests<C: Call>(
        &mut self,
        request: &C::Request,
        count: usize,
    ) -> Result<Vec<u8>> {
        let mut message = StreamMessage::request::<C>(self.next, request)?;
        let mut bytes = Vec::new();
        for _ in 0..count {
            message.stream = self.next;
            message.encode(frame::MAX_FRAME_BYTES, &mut bytes)?;
            self.next = self.next.next().context("a connection has no more streams")?;
        }
        Ok(bytes)
    }

    /// Make a call, and read its response, which comes next; with the bytes of its frame.
    pub(crate) fn call<C: Call>(&mut self, request: &C::Request) -> Result<(usize, C::Response)> {
        let bytes = self.requests::<C>(request, 1)?;
        self.stream.write_all(&bytes)?;
        self.response::<C>()
    }

    /// The response that comes next, and the bytes of its frame.
    pub(crate) fn response<C: Call>(&mut self) -> Result<(usize, C::Response)> {
        let (length, message) = self.read_stream()?;
        Ok((length, message.read_response::<C>()?))
    }

    /// A client that is subscribed to a topic.
    pub(crate) fn subscribed(door: &Door, topic: &str) -> Result<Self> {
        let mut client = Self::connect(door)?;
        let request = SubscribeToTopicRequest { topic: topic.to_owned(), receive_mode: None };
        client.call::<call::SubscribeToTopic>(&request)?;
        Ok(client)
    }

    /// The next message of a topic, and the bytes of its frame.
    pub(crate) fn event(&mut self) -> Result<(usize, Vec<u8>)> {
        let (length, message) = self.read_stream()?;
        match message.read_event::<call::SubscribeToTopic>()? {
            SubscriptionResponseMessage::BinaryMessage(binary) => {
                Ok((length, binary.message.0.to_vec()))
            }
            SubscriptionResponseMessage::JsonMessage(json) => bail!("{json:?} came"),
        }
    }

    fn read_stream(&mut self) -> Result<(usize, StreamMessage)> {
        match self.read()? {
            (length, Message::Stream(message)) => Ok((length, message)),
            (_, other) => bail!("{other:?} came"),
        }
    }

    fn read(&mut self) -> Result<(usize, Message)> {
        let mut bytes = vec![0; size_of::<u32>()];
        self.stream.read_exact(&mut bytes).context("the nucleus says nothing")?;
        let length = bytes.first_chunk().map_or(0, |first| u32::from_be_bytes(*first)) as usize;
        ensure!((frame::MIN_FRAME_BYTES..=frame::MAX_FRAME_BYTES).contains(&length));
        bytes.resize(length, 0);
        self.stream.read_exact(&mut bytes[size_of::<u32>()..])?;
        let frame = Decoder::new(length).decode(&mut bytes.as_slice())?;
        Ok((length, Message::read(frame.context("it is whole")?)?))
    }
}

/// A publication of these bytes.
pub(crate) fn publication(topic: &str, payload: &[u8]) -> PublishToTopicRequest {
    let message = BinaryMessage { message: payload.to_vec().into(), context: None };
    PublishToTopicRequest {
        topic: topic.to_owned(),
        publish_message: PublishMessage::BinaryMessage(message),
    }
}
