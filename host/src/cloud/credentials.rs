//! Credentials of AWS for the role of this device: the token exchange. AWS IoT gives them to who
//! shows the device's certificate; they are kept until shortly before they expire, and so is a
//! refusal for a while (Java nucleus, CredentialRequestHandler).

#[cfg(test)]
mod tests;

use super::cloud_clock::CloudClock;
use super::device_key::DeviceKey;
use super::identity::{Identity, Renewals};
use crate::network::{Client, Patience, ProxySettings};
use crate::tasks::Tasks;
use gg_model::{NucleusSettings, RoleCredentials, ThingName};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use hyper::body::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// Most bytes of an answer.
const LARGEST: usize = 64 << 10;

/// Most characters of an answer's reason.
const LONGEST_REASON: usize = 500;

/// So long before they expire new ones are fetched.
const BEFORE: Duration = Duration::from_secs(5 * 60);

/// How long each stage of asking takes unless told otherwise.
const USUAL_PATIENCE: Duration = Duration::from_secs(60);

/// For how long refusals count unless told otherwise.
const CLIENT_ERROR: u64 = 120;
const SERVER_ERROR: u64 = 60;
const UNKNOWN_ERROR: u64 = 300;

/// Where credentials are had, and as whom.
#[derive(Clone, Debug)]
pub struct Source {
    /// `iotCredEndpoint`.
    pub endpoint: String,
    /// `iotRoleAlias`.
    pub role_alias: String,
    /// The device.
    pub thing: ThingName,
    /// Its certificate.
    pub identity: Identity,
    /// Through which proxy.
    pub proxies: ProxySettings,
    /// `credentialEndpointTimeoutMs`.
    pub patience: Option<Duration>,
}

/// Why there are none, as a status of HTTP and in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The status: the cloud's own, if it has refused them.
    pub status: u16,
    /// Whether it has. What was out of reach may be asked again at once.
    pub answered: bool,
    /// The words.
    pub reason: String,
}

/// Fetches credentials and keeps them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Credentials(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    uri: Option<Uri>,
    clock: CloudClock,
    tasks: Tasks,
    stop: CancellationToken,
    settings: watch::Receiver<Arc<NucleusSettings>>,
    known: Mutex<Known>,
    /// One asks, and those who come meanwhile wait for what is answered.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// What is known of the cloud's answers.
#[derive(Debug, Default)]
struct Known {
    /// The last one, and until when it counts.
    last: Option<(Result<Arc<RoleCredentials>, Refusal>, SystemTime)>,
    /// The last that were given, and when they expire.
    given: Option<(Arc<RoleCredentials>, SystemTime)>,
}

impl Known {
    /// What was given last, if it has not expired.
    fn given(&self, now: SystemTime) -> Option<Arc<RoleCredentials>> {
        let given = self.given.as_ref().filter(|(_, expires)| now < *expires);
        given.map(|(given, _)| Arc::clone(given))
    }
}

impl Credentials {
    /// Those of a source, renewed until asked to stop.
    pub fn new(
        source: Source,
        settings: watch::Receiver<Arc<NucleusSettings>>,
        clock: CloudClock,
        tasks: Tasks,
        stop: CancellationToken,
    ) -> Self {
        let Source { endpoint, role_alias, .. } = &source;
        let uri = format!("{}/role-aliases/{role_alias}/credentials", address(endpoint));
        let uri = uri.parse::<Uri>().ok();
        let (known, turn) = (Mutex::default(), Arc::default());
        Self(Arc::new(Inner { source, uri, clock, tasks, stop, settings, known, turn }))
    }

    /// Credentials that hold for a while. Those that soon expire are given as long as they hold, and
    /// renewed meanwhile: who asks then waits for nobody, and has them where the cloud is out of
    /// reach for a moment.
    ///
    /// # Errors
    /// The cloud refuses them or is out of reach.
    pub async fn get(&self) -> Result<Arc<RoleCredentials>, Refusal> {
        if let Some(answer) = self.last() {
            return answer;
        }
        let given = self.known().given(self.0.clock.now());
        if let Some(given) = given {
            if let Ok(turn) = Arc::clone(&self.0.turn).try_lock_owned() {
                let this = self.clone();
                drop(self.0.tasks.spawn(async move {
                    let _answer = this.0.stop.run_until_cancelled(this.ask()).await;
                    drop(turn);
                }));
            }
            return Ok(given);
        }
        let _turn = self.0.turn.lock().await;
        match self.last() {
            Some(answer) => answer,
            None => self.ask().await,
        }
    }

    /// Where they are had, and as whom.
    pub(super) fn source(&self) -> &Source {
        &self.0.source
    }

    /// Tells when the identity was renewed, from now on.
    pub(crate) fn renewals(&self) -> Renewals {
        self.0.source.identity.watch(&self.0.tasks)
    }

    /// The device's key, if it is within reach and can answer.
    pub(crate) async fn device_key(&self) -> Option<Box<dyn DeviceKey>> {
        let identity = self.0.source.identity.clone();
        self.0.tasks.spawn_blocking_host(move || identity.device_key()).await.ok().flatten()
    }

    /// Forget a refusal: the device may be another to the cloud from now on.
    pub(crate) fn forget_refusal(&self) {
        self.known().last.take_if(|(answer, _)| answer.is_err());
    }

    /// What was answered last, if it still counts.
    fn last(&self) -> Option<Result<Arc<RoleCredentials>, Refusal>> {
        let (known, now) = (self.known(), self.0.clock.now());
        let (answer, _) = known.last.as_ref().filter(|(_, until)| now < *until)?;
        // A refusal takes nothing back that still holds.
        Some(match (answer, known.given(now)) {
            (Err(_), Some(given)) => Ok(given),
            _ => answer.clone(),
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ask the cloud, and keep what it answers.
    async fn ask(&self) -> Result<Arc<RoleCredentials>, Refusal> {
        let answer = self.fetch().await;
        let now = self.0.clock.now();
        let mut known = self.known();
        let (answer, until) = match answer {
            Ok((credentials, expires)) => {
                tracing::debug!("credentials fetched");
                let credentials = Arc::new(credentials);
                known.given = Some((Arc::clone(&credentials), expires));
                (Ok(credentials), expires.checked_sub(BEFORE))
            }
            Err(refusal) => {
                tracing::warn!("no credentials of AWS: {}", refusal.reason);
                let until = self.counts_for(&refusal).map(|time| now + time);
                (Err(refusal), until)
            }
        };
        known.last = Some((answer.clone(), until.unwrap_or(now)));
        answer
    }

    /// For how long a refusal counts.
    fn counts_for(&self, refusal: &Refusal) -> Option<Duration> {
        let settings = self.0.settings.borrow();
        let settings = &settings.token_exchange;
        let (told, usual) = match refusal.status {
            400..=499 => (settings.client_error, CLIENT_ERROR),
            500..=599 => (settings.server_error, SERVER_ERROR),
            _ => (settings.unknown_error, UNKNOWN_ERROR),
        };
        refusal.answered.then(|| Duration::from_secs(told.unwrap_or(usual)))
    }

    /// Gives when they expire, too.
    async fn fetch(&self) -> Result<(RoleCredentials, SystemTime), Refusal> {
        let this = self.clone();
        let unreached = |reason: String| Refusal { status: 500, answered: false, reason };
        let asked = self.0.source.identity.using(&self.0.tasks, async move || this.send().await);
        let asked = asked.await.unwrap_or_else(|error| Err(error.to_string()));
        let (status, body) = asked.map_err(unreached)?;
        let body = body.unwrap_or_default();
        if status != StatusCode::OK {
            let reason = format!("the cloud answers {status}: {}", words(&body));
            return Err(Refusal { status: status.as_u16(), answered: true, reason });
        }
        let credentials =
            RoleCredentials::parse(&body).map_err(|error| unreached(error.to_string()))?;
        match expires(&credentials) {
            Some(at) if at > self.0.clock.now() => Ok((credentials, at)),
            Some(_) => Err(unreached(
                "the cloud gives credentials that have expired; is the clock of \
                                  this device right?"
                    .to_owned(),
            )),
            None => Err(unreached("the cloud gives credentials without a time".to_owned())),
        }
    }

    /// Send the request; gives the status of the answer, and its body where that is not too long.
    async fn send(&self) -> Result<(StatusCode, Option<Zeroizing<Vec<u8>>>), String> {
        let source = &self.0.source;
        let uri = self.0.uri.as_ref();
        let uri = uri.ok_or_else(|| format!("{}: no endpoint", source.endpoint))?;
        // Read anew, since the files may have been replaced.
        let tls = source.identity.load().map_err(|error| error.to_string())?;
        let time = source.patience.unwrap_or(USUAL_PATIENCE);
        let patience = Patience { connect: time, answer: time, silence: time };
        let client = Client::new(tls, source.proxies.clone(), patience);
        let mut headers = HeaderMap::new();
        if let Ok(thing) = HeaderValue::from_str(source.thing.as_ref()) {
            headers.insert("x-amzn-iot-thingname", thing);
        }
        let answer = client.send(Method::GET, uri, &headers, Bytes::new()).await;
        let mut answer = answer.map_err(|fault| fault.to_string())?;
        let body = answer.all(LARGEST).await.map_err(|fault| fault.to_string())?;
        self.0.clock.learn(answer.headers());
        Ok((answer.status(), body))
    }
}

/// The address of an endpoint, which may be given as a name alone.
pub(crate) fn address(endpoint: &str) -> String {
    let host = endpoint.strip_prefix("https://").unwrap_or(endpoint).trim_end_matches('/');
    format!("https://{host}")
}

fn expires(credentials: &RoleCredentials) -> Option<SystemTime> {
    humantime::parse_rfc3339(&credentials.expiration).ok()
}

/// What a person may read of an answer.
fn words(body: &Zeroizing<Vec<u8>>) -> String {
    let text = String::from_utf8_lossy(body);
    text.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect()
}
