//! One request and its answer, over a connection of their own.

use super::{NetworkFault, Patience, Stream, Target};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use std::error::Error;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;
use wasmtime_wasi_http::io::TokioIo;
use zeroize::Zeroizing;

/// Drives the connection: it must be polled for anything to come.
type Connection = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A server's answer; its body is read a piece at a time.
#[expect(missing_debug_implementations, reason = "drives what has none")]
pub struct Answer {
    response: Response<Incoming>,
    /// `None` once it has ended; what came before may still be read.
    connection: Option<Connection>,
    host: String,
    silence: Duration,
}

/// Send a request.
pub(super) async fn exchange<B>(
    stream: Box<dyn Stream>,
    target: &Target,
    request: Request<B>,
    patience: &Patience,
) -> Result<Answer, NetworkFault>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let host = target.host.clone();
    let silent = |_| NetworkFault::Silent { host: host.clone() };
    let handshake = hyper::client::conn::http1::Builder::new().handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|error| lost(&host, &error))?;
    let mut connection: Option<Connection> = Some(Box::pin(connection));
    let answered = drive(&mut connection, sender.send_request(request));
    let response = timeout(patience.answer, answered).await.map_err(silent)?;
    let response = response.map_err(|error| lost(&host, &error))?;
    Ok(Answer { response, connection, silence: patience.silence, host })
}

impl Answer {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next piece of its body; `None` at the end.
    ///
    /// # Errors
    /// The connection is lost, or nothing comes for too long.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, NetworkFault> {
        loop {
            let coming = drive(&mut self.connection, self.response.body_mut().frame());
            let frame = timeout(self.silence, coming).await;
            let frame = frame.map_err(|_| NetworkFault::Silent { host: self.host.clone() })?;
            match frame.transpose().map_err(|error| lost(&self.host, &error))? {
                None => return Ok(None),
                // Trailers say nothing that is of use here.
                Some(frame) => {
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }
}

impl Answer {
    /// All of its body, which may hold secrets; `None` if there is more of it than this.
    ///
    /// # Errors
    /// As of [`Answer::piece`].
    pub async fn all(&mut self, most: usize) -> Result<Option<Zeroizing<Vec<u8>>>, NetworkFault> {
        let mut all = Zeroizing::new(Vec::with_capacity(most));
        while let Some(piece) = self.piece().await? {
            if all.len() + piece.len() > most {
                return Ok(None);
            }
            all.extend_from_slice(&piece);
        }
        Ok(Some(all))
    }
}

/// Wait for something that comes over a connection.
async fn drive<T>(connection: &mut Option<Connection>, coming: impl Future<Output = T>) -> T {
    let mut coming = std::pin::pin!(coming);
    if let Some(driven) = connection {
        tokio::select! {
            biased;
            came = &mut coming => return came,
            // How it ended is told by what was waited for.
            _ended = driven => *connection = None,
        }
    }
    coming.await
}

fn lost(host: &str, error: &hyper::Error) -> NetworkFault {
    let reason = match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    NetworkFault::Lost { host: host.to_owned(), reason }
}
