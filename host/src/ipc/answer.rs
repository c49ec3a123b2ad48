//! How a call is answered: a door's function between a request and what is sent.

use crate::capability::door::{Follow, Served};
use futures_util::{Stream, StreamExt as _};
use gg_ipc::operation::Call;
use gg_ipc::{ErrorCode, OperationError, PayloadError, StreamId, StreamMessage};
use std::pin::Pin;

/// What follows a response. It may be asked again after its end.
pub(super) type Events = Pin<Box<dyn Stream<Item = StreamMessage> + Send>>;

/// How a call is answered.
pub(super) enum Answer {
    /// With one message.
    Last(StreamMessage),
    /// With one, and events after it.
    Then(StreamMessage, Events),
}

impl Answer {
    /// The answer of a call that failed.
    pub(super) fn error(stream: StreamId, error: &OperationError) -> StreamMessage {
        StreamMessage::error(stream, error).unwrap_or_else(|_| StreamMessage::end(stream))
    }
}

/// A call with one answer, which is there at once.
pub(super) fn at_once<C: Call>(
    request: &StreamMessage,
    serve: impl FnOnce(C::Request) -> Served<C::Response>,
) -> Served<Answer> {
    last::<C>(request, serve(read::<C>(request)?)?)
}

/// A call with one answer, which may take its time.
pub(super) async fn in_time<C: Call, F: Future<Output = Served<C::Response>>>(
    request: &StreamMessage,
    serve: impl FnOnce(C::Request) -> F,
) -> Served<Answer> {
    // Apart, so that it takes no room in the answers to what is called thousands of times a second.
    Box::pin(often::<C, F>(request, serve)).await
}

/// The same, for what is called often.
pub(super) async fn often<C: Call, F: Future<Output = Served<C::Response>>>(
    request: &StreamMessage,
    serve: impl FnOnce(C::Request) -> F,
) -> Served<Answer> {
    last::<C>(request, serve(read::<C>(request)?).await?)
}

/// A call that is followed by events.
pub(super) fn follow<C: Call>(
    request: &StreamMessage,
    serve: impl FnOnce(C::Request) -> Served<(C::Response, Follow<C::Event>)>,
) -> Served<Answer> {
    then::<C>(request, serve(read::<C>(request)?)?)
}

/// The same, whose response may take its time.
pub(super) async fn follow_in_time<C, F>(
    request: &StreamMessage,
    serve: impl FnOnce(C::Request) -> F,
) -> Served<Answer>
where
    C: Call,
    F: Future<Output = Served<(C::Response, Follow<C::Event>)>>,
{
    then::<C>(request, Box::pin(serve(read::<C>(request)?)).await?)
}

fn then<C: Call>(
    request: &StreamMessage,
    (response, events): (C::Response, Follow<C::Event>),
) -> Served<Answer> {
    let stream = request.stream;
    let response = StreamMessage::response::<C>(stream, &response).map_err(unwritable)?;
    let event =
        move |event: C::Event| std::future::ready(StreamMessage::event::<C>(stream, &event).ok());
    Ok(Answer::Then(response, Box::pin(events.filter_map(event).fuse())))
}

fn last<C: Call>(request: &StreamMessage, response: C::Response) -> Served<Answer> {
    let response = StreamMessage::response::<C>(request.stream, &response);
    Ok(Answer::Last(response.map_err(unwritable)?))
}

fn read<C: Call>(request: &StreamMessage) -> Served<C::Request> {
    let read = request.read_request::<C>();
    read.map_err(|error| OperationError::new(ErrorCode::InvalidArguments, error.to_string()))
}

fn unwritable(error: PayloadError) -> OperationError {
    OperationError::new(ErrorCode::Service, format!("the answer cannot be written: {error}"))
}
