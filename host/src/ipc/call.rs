//! The calls of one connection: each a stream, answered in its turn, some followed by events.

use super::Inner;
use super::admission::{Place, Share};
use super::answer::{Answer, Events};
use super::cut::Cut;
use super::dispatch::answer;
use super::outlet::{Outlet, Over};
use crate::capability::caller::Caller;
use crate::capability::pubsub::Publisher;
use futures_util::{FutureExt as _, StreamExt as _};
use gg_ipc::message::Ping;
use gg_ipc::{ErrorCode, Message, OperationError, StreamId, StreamMessage, frame};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Bytes that are sent together, if they are there. With one more message they mostly fit into the
/// room that a connection keeps.
const BATCH: usize = 48 * 1024;

/// Bytes of answers that wait while their client has more to say.
const FEW: usize = 16 * 1024;

/// Whose calls they are, and what they have to do with.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) server: Arc<Inner>,
    pub(super) caller: Caller,
    /// In turn, so that messages keep their order.
    pub(super) publisher: tokio::sync::Mutex<Publisher>,
}

impl Session {
    pub(super) fn new(server: Arc<Inner>, caller: Caller) -> Self {
        let publisher = server.capabilities.pubsub.publisher(caller.clone()).into();
        Self { server, caller, publisher }
    }
}

/// The streams that are open, and what ends each.
type Open = Arc<Mutex<HashMap<StreamId, CancellationToken>>>;

/// The calls of one connection.
pub(super) struct Calls {
    session: Arc<Session>,
    outlet: Arc<Outlet>,
    share: Arc<Share>,
    last: Option<StreamId>,
    open: Open,
    /// Answers that are to be sent, and the room that the long ones among them take.
    ready: Vec<u8>,
    room: Vec<OwnedSemaphorePermit>,
}

impl Calls {
    pub(super) fn new(session: Session, outlet: Arc<Outlet>, share: Arc<Share>) -> Self {
        let (session, open) = (Arc::new(session), Open::default());
        Self { session, outlet, share, last: None, open, ready: Vec::new(), room: Vec::new() }
    }

    /// Whether what is ready may wait for more.
    pub(super) fn may_wait(&self) -> bool {
        (1..FEW).contains(&self.ready.len())
    }

    /// Send what is ready.
    pub(super) async fn flush(&mut self) {
        if self.ready.is_empty() {
            return;
        }
        if let Ok(mut turn) = self.outlet.turn().await {
            turn.append(&mut self.ready);
            let _over = turn.send().await;
        }
        self.ready.shrink_to(BATCH);
        self.room.clear();
    }

    pub(super) fn answer_ping(&mut self, ping: Ping) {
        let answer = Message::PingResponse(ping);
        let _fits = answer.encode(frame::MAX_FRAME_BYTES, &mut self.ready);
    }

    /// Take a message of a stream: a new call, or the end of one.
    pub(super) async fn take(
        &mut self,
        message: StreamMessage,
        large: Option<OwnedSemaphorePermit>,
    ) -> Result<(), Cut> {
        let stream = message.stream;
        if self.last.is_some_and(|last| stream <= last) {
            // No operation takes more than its request. What comes for one that is over crossed
            // its end on the way.
            if message.terminate
                && let Some(ended) = lock(&self.open).remove(&stream)
            {
                ended.cancel();
            }
            return Ok(());
        }
        if Some(stream) != self.last.map_or(Some(StreamId::FIRST), StreamId::next) {
            return Err(Cut::Protocol("streams are counted up by one"));
        }
        self.last = Some(stream);
        if message.operation.is_none() {
            return Err(Cut::Protocol("the first message of a stream names its operation"));
        }
        if !message.terminate {
            self.begin(message, large).await;
        }
        if self.ready.len() > BATCH {
            self.flush().await;
        }
        Ok(())
    }

    /// Begin a call. It has all it needs most of the time, and is answered at once.
    async fn begin(&mut self, message: StreamMessage, large: Option<OwnedSemaphorePermit>) {
        let (stream, limit) = (message.stream, longest_frame(&message));
        let mut answering = Box::pin(answer(Arc::clone(&self.session), message));
        match answering.as_mut().now_or_never() {
            Some(Answer::Last(last)) => self.put(&last, limit),
            Some(answer) => self.go_on(stream, limit, std::future::ready(answer)),
            None => {
                self.flush().await;
                // Nobody closes it.
                let busy = Arc::clone(&self.share.busy).acquire_owned().await;
                self.go_on(stream, limit, async move {
                    let answer = answering.await;
                    drop((busy, large));
                    answer
                });
            }
        }
    }

    fn put(&mut self, message: &StreamMessage, limit: usize) {
        self.room.extend(put(message, limit, &self.share.unread, &mut self.ready));
    }

    /// Go on with a call in a task of its own.
    fn go_on(
        &mut self,
        stream: StreamId,
        limit: usize,
        answering: impl Future<Output = Answer> + Send + 'static,
    ) {
        let server = &self.session.server;
        let Some(place) = server.admission.for_stream(&self.share) else {
            let reason = "as many streams are open as can be; close some, or ask again later";
            let error = OperationError::new(ErrorCode::Service, reason);
            return self.put(&Answer::error(stream, &error), limit);
        };
        let ended = self.outlet.over().child_token();
        lock(&self.open).insert(stream, ended.clone());
        let (outlet, open) = (Arc::clone(&self.outlet), Arc::clone(&self.open));
        let unread = Arc::clone(&self.share.unread);
        let call = Call { stream, limit, outlet, unread, _place: place };
        server.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = ended.cancelled() => {}
                _over = call.carry_out(answering) => {}
            }
            lock(&open).remove(&call.stream);
        });
    }
}

/// A call in a task of its own. Dropping what it does ends it, between two frames.
struct Call {
    stream: StreamId,
    limit: usize,
    outlet: Arc<Outlet>,
    unread: Arc<Semaphore>,
    _place: Place,
}

impl Call {
    async fn carry_out(&self, answering: impl Future<Output = Answer>) -> Result<(), Over> {
        match answering.await {
            Answer::Last(last) => self.send(&last).await,
            Answer::Then(first, events) => {
                // Before any event: clients take the first message for the response.
                self.send(&first).await?;
                self.follow(events).await
            }
        }
    }

    async fn send(&self, message: &StreamMessage) -> Result<(), Over> {
        let mut bytes = Vec::new();
        let _room = put(message, self.limit, &self.unread, &mut bytes);
        let mut turn = self.outlet.turn().await?;
        turn.append(&mut bytes);
        turn.send().await
    }

    /// Send events as they come, those together that are there together.
    async fn follow(&self, mut events: Events) -> Result<(), Over> {
        let mut too_long = 0_u64;
        while let Some(event) = events.next().await {
            let mut turn = self.outlet.turn().await?;
            let mut next = Some(event);
            while let Some(event) = next {
                if let Err(error) = turn.put(&event, self.limit) {
                    too_long += 1;
                    if too_long.is_power_of_two() {
                        tracing::warn!(%error, too_long, "an event is left out");
                    }
                }
                next = match turn.len() < BATCH {
                    true => events.next().now_or_never().flatten(),
                    false => None,
                };
            }
            turn.send().await?;
        }
        self.send(&StreamMessage::end(self.stream)).await
    }
}

/// Append an answer; one that is too long for the client, or for what it has not read yet, becomes
/// an error. Gives the room that it takes, if it is long.
fn put(
    message: &StreamMessage,
    limit: usize,
    unread: &Arc<Semaphore>,
    out: &mut Vec<u8>,
) -> Option<OwnedSemaphorePermit> {
    match try_put(message, limit, unread, out) {
        Ok(room) => room,
        Err(reason) => {
            let error = OperationError::new(ErrorCode::Service, reason);
            let answer = Answer::error(message.stream, &error);
            let _fits = answer.encode(frame::SMALL_FRAME_BYTES, out);
            None
        }
    }
}

fn try_put(
    message: &StreamMessage,
    limit: usize,
    unread: &Arc<Semaphore>,
    out: &mut Vec<u8>,
) -> Result<Option<OwnedSemaphorePermit>, String> {
    let mut room = None;
    if message.payload.len() > BATCH {
        let kib = u32::try_from(message.payload.len() >> 10).unwrap_or(u32::MAX);
        let taken = Arc::clone(unread).try_acquire_many_owned(kib);
        let full = |_| "too many long answers wait to be read; read those first".to_owned();
        room = Some(taken.map_err(full)?);
    }
    message.encode(limit, out).map_err(|error| format!("the answer is {error}"))?;
    Ok(room)
}

/// The longest frame that a client takes. The SDK for small devices ends its program at a longer
/// one; it is known by saying nothing of the format of its requests.
fn longest_frame(request: &StreamMessage) -> usize {
    match request.content_type {
        Some(_) => frame::MAX_FRAME_BYTES,
        None => frame::SMALL_FRAME_BYTES,
    }
}

fn lock(open: &Open) -> std::sync::MutexGuard<'_, HashMap<StreamId, CancellationToken>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
