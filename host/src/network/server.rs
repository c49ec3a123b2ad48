//! A small web server: each client asks one thing and is answered, within its time or not at all.

use crate::tasks::Tasks;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::io::TokioIo;

/// Connections at one time; others wait for one of them to end.
const MOST_CLIENTS: usize = 16;

/// How long a client has to ask.
const QUESTION: Duration = Duration::from_secs(2);

/// Bytes and lines of a request.
const LONGEST_REQUEST: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

/// The pause after a client could not be accepted, as when no more files can be opened.
const PAUSE: Duration = Duration::from_millis(200);

/// Who answers. Cheap to clone.
pub trait Answers: Clone + Send + Sync + 'static {
    /// How long a client waits at most, from its question until it has the answer.
    const PATIENCE: Duration;

    /// Answer what a machine asks.
    fn answer(
        &self,
        from: IpAddr,
        request: &Request<Incoming>,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// Answer until asked to stop.
pub fn serve(listener: TcpListener, answers: impl Answers, tasks: &Tasks, stop: CancellationToken) {
    let spawner = tasks.clone();
    drop(tasks.spawn(async move {
        tokio::select! {
            () = accept(listener, answers, spawner, &stop) => {}
            () = stop.cancelled() => {}
        }
    }));
}

async fn accept(
    listener: TcpListener,
    answers: impl Answers,
    tasks: Tasks,
    stop: &CancellationToken,
) {
    let clients = Arc::new(Semaphore::new(MOST_CLIENTS));
    while let Ok(place) = Arc::clone(&clients).acquire_owned().await {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a client could not be accepted");
                sleep(PAUSE).await;
                continue;
            }
        };
        let (answers, stop) = (answers.clone(), stop.clone());
        drop(tasks.spawn(async move {
            let _place = place;
            tokio::select! {
                () = client(stream, peer.ip(), &answers) => {}
                () = stop.cancelled() => {}
            }
        }));
    }
}

/// Answer one client, once. What goes wrong with it is the client's to notice.
async fn client<A: Answers>(stream: TcpStream, peer: IpAddr, answers: &A) {
    let asked = CancellationToken::new();
    let service = service_fn(|request| {
        asked.cancel();
        async move { Ok::<_, Infallible>(answers.answer(peer, &request).await) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(LONGEST_REQUEST)
        .max_headers(MOST_HEADERS)
        // Kept below, with a clock that is here already.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    let too_late = async {
        tokio::select! {
            () = sleep(QUESTION) => {}
            () = asked.cancelled() => sleep(A::PATIENCE).await,
        }
    };
    tokio::select! {
        _ended = connection => {}
        () = too_late => {}
    }
}
