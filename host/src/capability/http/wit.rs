//! Door for wasm guests: the hooks of `wasi:http`.

use super::{AllowedHosts, send};
use crate::logs::{Level, LogSink};
use gg_model::Limits;
use std::sync::Arc;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// What becomes of one component's requests.
#[derive(Clone, Debug)]
pub struct Hooks {
    hosts: AllowedHosts,
    /// Requests that may be under way at once.
    slots: Arc<Semaphore>,
    at_once: u32,
    log: LogSink,
}

impl Hooks {
    /// Requests to these hosts, at most so many at once; refusals go to the component's log.
    pub fn new(hosts: AllowedHosts, at_once: u32, log: LogSink) -> Self {
        let slots = usize::try_from(at_once).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { hosts, slots: Arc::new(Semaphore::new(slots)), at_once, log }
    }
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(http::Response<WasiBody>, Io), Error>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _finished: Io,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        let Self { hosts, slots, at_once, log } = self.clone();
        Box::new(async move {
            let target = send::Target::of(request.uri())?;
            if !hosts.allows(&target.host, target.port) {
                log.about(Level::Warn, hosts.refusal(&target.host, target.port));
                return Err(Error::HttpRequestDenied);
            }
            let Ok(slot) = slots.try_acquire_owned() else {
                let limits = Limits { http_requests: at_once, ..Limits::default() };
                let exceeded = limits.exceeded("http-requests", None);
                log.about(Level::Warn, format!("the component {exceeded}"));
                return Err(Error::ConnectionLimitReached);
            };
            let (response, connection) =
                send::send(&hosts, &target, request, options.unwrap_or_default()).await?;
            let io = async move {
                let _slot = slot;
                connection.await
            };
            Ok((response, Box::new(io) as Io))
        })
    }
}
