//! Credentials of AWS for the role of this device: the token exchange. AWS IoT gives them to who
//! shows the device's certificate; they are kept until shortly before they expire, and so is a
//! refusal for a while (Java nucleus, CredentialRequestHandler).

use super::identity::Identity;
use crate::clock::Clock;
use crate::network::{Client, Patience, ProxySettings};
use gg_model::{RoleCredentials, ThingName, TokenExchangeSettings};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use hyper::body::Bytes;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// Most bytes of an answer.
const LARGEST: usize = 64 << 10;

/// Most characters of an answer's reason.
const LONGEST_REASON: usize = 500;

/// So long before they expire new ones are fetched.
const BEFORE: Duration = Duration::from_secs(5 * 60);

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
    clock: Clock,
    settings: RwLock<TokenExchangeSettings>,
    /// One asks, and those who come meanwhile wait for what is answered.
    known: Mutex<Option<Known>>,
}

/// What was answered last.
#[derive(Debug)]
struct Known {
    answer: Result<Arc<RoleCredentials>, Refusal>,
    until: SystemTime,
}

impl Credentials {
    /// Those of a source.
    pub fn new(source: Source, clock: Clock) -> Self {
        let Source { endpoint, role_alias, .. } = &source;
        let host = endpoint.strip_prefix("https://").unwrap_or(endpoint).trim_end_matches('/');
        let uri = format!("https://{host}/role-aliases/{role_alias}/credentials");
        let uri = uri.parse::<Uri>().ok();
        let (settings, known) = (RwLock::default(), Mutex::default());
        Self(Arc::new(Inner { source, uri, clock, settings, known }))
    }

    /// These count from the next answer on.
    pub fn set(&self, settings: TokenExchangeSettings) {
        *self.0.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// Credentials that hold for a while.
    ///
    /// # Errors
    /// The cloud refuses them or is out of reach.
    pub async fn get(&self) -> Result<Arc<RoleCredentials>, Refusal> {
        let mut known = self.0.known.lock().await;
        let now = self.0.clock.now();
        if let Some(known) = known.as_ref().filter(|known| now < known.until) {
            return known.answer.clone();
        }
        let answer = self.fetch().await.map(Arc::new);
        let until = match &answer {
            Ok(credentials) => expires(credentials).and_then(|at| at.checked_sub(BEFORE)),
            Err(refusal) => self.counts_for(refusal).map(|time| now + time),
        };
        let until = until.unwrap_or(now);
        match &answer {
            Ok(_) => tracing::debug!("credentials fetched"),
            Err(refusal) => tracing::warn!("no credentials of AWS: {}", refusal.reason),
        }
        *known = Some(Known { answer: answer.clone(), until });
        answer
    }

    /// For how long a refusal counts.
    fn counts_for(&self, refusal: &Refusal) -> Option<Duration> {
        let settings = self.0.settings.read().unwrap_or_else(PoisonError::into_inner);
        let (told, usual) = match refusal.status {
            400..=499 => (settings.client_error, CLIENT_ERROR),
            500..=599 => (settings.server_error, SERVER_ERROR),
            _ => (settings.unknown_error, UNKNOWN_ERROR),
        };
        refusal.answered.then(|| Duration::from_secs(told.unwrap_or(usual)))
    }

    async fn fetch(&self) -> Result<RoleCredentials, Refusal> {
        let source = &self.0.source;
        let unreached = |reason: String| Refusal { status: 500, answered: false, reason };
        let uri = self.0.uri.as_ref();
        let uri = uri.ok_or_else(|| unreached(format!("{}: no endpoint", source.endpoint)))?;
        // Read anew, since the files may have been replaced.
        let tls = source.identity.load().map_err(|error| unreached(error.to_string()))?;
        let patience = match source.patience {
            Some(time) => Patience { connect: time, answer: time, silence: time },
            None => Patience::default(),
        };
        let client = Client::new(tls, source.proxies.clone(), patience);
        let mut headers = HeaderMap::new();
        if let Ok(thing) = HeaderValue::from_str(source.thing.as_ref()) {
            headers.insert("x-amzn-iot-thingname", thing);
        }
        let asked = async {
            let mut answer = client.send(Method::GET, uri, &headers, Bytes::new()).await?;
            let body = answer.all(LARGEST).await?;
            Ok::<_, crate::network::NetworkFault>((answer.status(), body))
        };
        let (status, body) = asked.await.map_err(|fault| unreached(fault.to_string()))?;
        let body = body.unwrap_or_default();
        if status != StatusCode::OK {
            let reason = format!("the cloud answers {status}: {}", words(&body));
            return Err(Refusal { status: status.as_u16(), answered: true, reason });
        }
        let credentials =
            RoleCredentials::parse(&body).map_err(|error| unreached(error.to_string()))?;
        match expires(&credentials) {
            Some(at) if at > self.0.clock.now() => Ok(credentials),
            Some(_) => Err(unreached(
                "the cloud gives credentials that have expired; is the clock of \
                                  this device right?"
                    .to_owned(),
            )),
            None => Err(unreached("the cloud gives credentials without a time".to_owned())),
        }
    }
}

fn expires(credentials: &RoleCredentials) -> Option<SystemTime> {
    humantime::parse_rfc3339(&credentials.expiration).ok()
}

/// What a person may read of an answer.
fn words(body: &Zeroizing<Vec<u8>>) -> String {
    let text = String::from_utf8_lossy(body);
    text.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect()
}
