//! One connection: let in, served, and ended with its last words.

use super::Inner;
use super::admission::{Newcomer, Place, Share};
use super::call::{Calls, Session};
use super::cut::Cut;
use super::input::{Arrival, Input};
use super::outlet::Outlet;
use crate::capability::caller::Caller;
use futures_util::FutureExt as _;
use gg_ipc::{Message, frame, handshake};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Bytes of a ping, which all come back.
const LONGEST_PING: usize = 16 * 1024;

/// How long a client has to take what it is told at the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    server: Arc<Inner>,
    input: Input,
    outlet: Arc<Outlet>,
}

/// A client that was let in.
struct Guest {
    caller: Caller,
    share: Arc<Share>,
    _place: Place,
}

impl Connection {
    /// A connection that ends when `stop` says so.
    ///
    /// # Errors
    /// The kernel cannot watch its socket.
    pub(super) fn new(
        server: Arc<Inner>,
        stream: UnixStream,
        stop: &CancellationToken,
    ) -> io::Result<Self> {
        let socket = Arc::new(stream.into_std()?);
        let input = Input::new(Arc::clone(&socket), server.patience.frame)?;
        let outlet = Outlet::new(socket, stop.child_token(), server.patience.reading);
        Ok(Self { server, input, outlet: Arc::new(outlet) })
    }

    /// Serve it to its end. It is a newcomer until it has shown its token.
    pub(super) async fn serve(mut self, newcomer: Newcomer) {
        let over = self.outlet.over().clone();
        let patience = self.server.patience.handshake;
        let guest = tokio::select! {
            biased;
            () = over.cancelled() => return,
            guest = timeout(patience, self.let_in()) => guest.unwrap_or(Err(Cut::Silent(patience))),
            () = newcomer.sent_away() => Err(Cut::Overtaken),
        };
        let guest = match guest {
            Ok(Some(guest)) => guest,
            // It looked whether the door is there.
            Ok(None) => return,
            Err(cut) => return self.end(None, Err(cut)).await,
        };
        drop(newcomer);
        let token_ends = guest.caller.stop().clone();
        let ended = tokio::select! {
            biased;
            () = over.cancelled() => Ok(()),
            () = token_ends.cancelled() => Ok(()),
            ended = self.talk(&guest) => ended,
        };
        self.end(Some(guest.caller.name().as_ref()), ended).await;
    }

    async fn let_in(&mut self) -> Result<Option<Guest>, Cut> {
        let Some(Arrival { frame, .. }) = self.input.next().await? else { return Ok(None) };
        let token = handshake::token(&Message::read(frame)?)?;
        let caller = self.server.tokens.caller(token.reveal()).ok_or(Cut::Token)?;
        let taken = self.server.admission.for_connection(caller.name());
        let (place, share) = taken.ok_or(Cut::Crowded)?;
        let limit = usize::try_from(caller.limits().host_call_data).unwrap_or(usize::MAX);
        self.input.trust(limit.min(frame::MAX_FRAME_BYTES), &share.large);
        self.outlet.belongs_to(caller.clone());
        if let Ok(mut turn) = self.outlet.turn().await {
            turn.put_message(&Message::ConnectAck { accepted: true });
            let _over = turn.send().await;
        }
        Ok(Some(Guest { caller, share, _place: place }))
    }

    /// Have everything answered that the client asks, until it has nothing more to say.
    async fn talk(&mut self, guest: &Guest) -> Result<(), Cut> {
        let session = Session::new(Arc::clone(&self.server), guest.caller.clone());
        let (outlet, share) = (Arc::clone(&self.outlet), Arc::clone(&guest.share));
        let mut calls = Calls::new(session, outlet, share);
        loop {
            let arrival = match self.input.buffered()? {
                Some(arrival) => Some(arrival),
                None => self.after(&mut calls).await?,
            };
            let Some(Arrival { frame, large }) = arrival else { return Ok(()) };
            match Message::read(frame)? {
                Message::Stream(message) => calls.take(message, large).await?,
                Message::Ping(ping) if ping.payload.len() > LONGEST_PING => {
                    return Err(Cut::Protocol("a ping is short"));
                }
                Message::Ping(ping) => calls.answer_ping(ping),
                Message::PingResponse(_) => {}
                Message::ProtocolError(reason) | Message::InternalError(reason) => {
                    return Err(Cut::Said(reason));
                }
                Message::Connect(_) | Message::ConnectAck { .. } => {
                    return Err(Cut::Protocol("the connection is made already"));
                }
            }
        }
    }

    /// The next frame, once those before it are answered. Whoever has sent more meanwhile is answered
    /// with what that comes to, so that it is woken once.
    async fn after(&mut self, calls: &mut Calls) -> Result<Option<Arrival>, Cut> {
        if calls.may_wait()
            && let Some(next) = self.input.next().now_or_never()
        {
            if !matches!(next, Ok(Some(_))) {
                calls.flush().await;
            }
            return next;
        }
        calls.flush().await;
        self.input.next().await
    }

    async fn end(self, component: Option<&str>, ended: Result<(), Cut>) {
        let over = self.outlet.over();
        if let Err(cut) = &ended {
            self.server.tally.count(component, cut);
            if let Some(answer) = cut.answer() {
                let told = async {
                    if let Ok(mut turn) = self.outlet.turn().await {
                        turn.put_message(&answer);
                        let _over = turn.send().await;
                    }
                };
                let _in_time = timeout(LAST_WORDS, told).await;
            }
        }
        over.cancel();
        if let Some(cut) = self.outlet.broken() {
            self.server.tally.count(component, cut);
        }
    }
}
