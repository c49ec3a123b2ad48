//! Requests to S3 for objects, signed with the credentials of the token exchange (S3 API reference,
//! GetObject). What is sent, and what its answer means for the next, is decided here; who brings files
//! sends it.
//!
//! Credentials go to who gave them: to AWS, if that is AWS, else to the control plane of one's own.
//! A bucket of AWS may be in another region than the device: S3 says in which.

#[cfg(test)]
mod tests;

use super::cloud_clock::CloudClock;
use super::credentials::{Credentials, Refusal, address};
use super::sign::{Request, Scope, sign};
use crate::network::{Target, encoded_path};
use gg_model::NucleusSettings;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use rustls::ClientConfig;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;

/// The SHA-256 of nothing, which a request without a body is signed with.
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Most buckets whose region is remembered.
const MOST_REGIONS: usize = 1000;

/// The region of clouds that say none.
const ANY_REGION: &str = "us-east-1";

/// What is asked of a device that has no role.
const HOW: &str = "set iotCredEndpoint, iotRoleAlias and awsRegion in the configuration of \
                   aws.greengrass.Nucleus, or put the file into the folder of a local deployment \
                   (--artifact-dir)";

/// Why an object cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum S3Error {
    /// The device has no role.
    #[error("S3 is asked with the role of this device, and it has none; {HOW}")]
    NoRole,
    /// Nobody says where the bucket is.
    #[error("awsRegion is not set in the configuration of aws.greengrass.Nucleus")]
    NoRegion,
    /// The URI names no object.
    #[error("it names no object; write s3://BUCKET/KEY")]
    NoObject,
    /// The place is none.
    #[error(
        "{0:?} is no place of S3: write https://HOST[:PORT], or a name alone, as artifacts.s3Endpoint \
         (http: on this machine only)"
    )]
    Endpoint(String),
    /// There are no credentials to ask with.
    #[error("no credentials of AWS for the role alias {role_alias}: {}", .refusal.reason)]
    Credentials {
        /// Whose.
        role_alias: String,
        /// Why.
        refusal: Refusal,
    },
    /// S3 says no.
    #[error("S3 answers {status}{}{}", spaced(.code), advice(*.status, .role_alias, .bucket))]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// Its own word.
        code: String,
        /// In which bucket the object is.
        bucket: String,
        /// As whose role it was asked for.
        role_alias: String,
        /// When it may be asked again.
        again_after: Option<Duration>,
    },
}

fn spaced(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(" {code}") }
}

fn advice(status: u16, role_alias: &str, bucket: &str) -> String {
    match status {
        401 | 403 => format!(
            ": let the role behind the role alias {role_alias} do s3:GetObject on \
             arn:aws:s3:::{bucket}/*; who may not list a bucket hears the same of an object that \
             is not there"
        ),
        404 => format!(": the bucket {bucket} has no such object, or is not there"),
        _ => String::new(),
    }
}

impl S3Error {
    /// Greengrass's code for it (`DeploymentErrorCode`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRole | Self::NoRegion | Self::Endpoint(_) => {
                "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD"
            }
            Self::NoObject => "S3_ARTIFACT_URI_NOT_VALID",
            Self::Credentials { refusal, .. } => match (refusal.answered, refusal.status) {
                (false, _) => "NETWORK_ERROR",
                (true, 400..=499) => "CREDENTIAL_ENDPOINT_AUTH_FAILURE",
                (true, _) => "CREDENTIAL_ENDPOINT_SERVER_ERROR",
            },
            Self::Refused { status, .. } => match status {
                401 | 403 => "S3_GET_OBJECT_ACCESS_DENIED",
                404 => "S3_GET_OBJECT_RESOURCE_NOT_FOUND",
                429 => "THROTTLING_ERROR",
                500..=599 => "S3_SERVER_ERROR",
                _ => "S3_BAD_REQUEST",
            },
        }
    }

    /// Whether it may go well another time.
    pub fn passes(&self) -> bool {
        match self {
            Self::Credentials { refusal, .. } => !refusal.answered || refusal.status >= 500,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }

    /// How long S3 asks to be left alone.
    pub fn again_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { again_after, .. } => *again_after,
            _ => None,
        }
    }
}

/// A request for an object.
#[derive(Debug)]
pub struct Signed {
    /// Where to.
    pub uri: Uri,
    /// The headers by which it is signed.
    pub headers: HeaderMap,
}

/// Makes requests for objects. Cheap to clone.
#[derive(Clone, Debug)]
pub struct S3(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    credentials: Credentials,
    clock: CloudClock,
    settings: watch::Receiver<Arc<NucleusSettings>>,
    /// Of buckets that are in another region than the device.
    regions: Mutex<BTreeMap<String, String>>,
}

impl S3 {
    /// With these credentials.
    pub fn new(
        credentials: Credentials,
        clock: CloudClock,
        settings: watch::Receiver<Arc<NucleusSettings>>,
    ) -> Self {
        Self(Arc::new(Inner { credentials, clock, settings, regions: Mutex::default() }))
    }

    /// How TLS is spoken to it.
    ///
    /// # Errors
    /// The library of TLS lacks what it needs.
    pub fn tls(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        self.0.credentials.source().identity.to_servers_of_files()
    }

    /// A request for an object.
    ///
    /// # Errors
    /// There are no credentials, or nobody says where the object is.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Signed, S3Error> {
        let place = self.place(bucket)?;
        let uri = place.uri(bucket, key)?;
        let given = self.0.credentials.get().await;
        let given = given.map_err(|refusal| S3Error::Credentials {
            role_alias: self.role_alias().to_owned(),
            refusal,
        })?;
        let wrong = || S3Error::Endpoint(uri.to_string());
        let host = uri.authority().ok_or_else(wrong)?.as_str();
        let scope = Scope { service: "s3", region: &place.region, host };
        let headers = [("x-amz-content-sha256", OF_NOTHING)];
        let request =
            Request { method: &Method::GET, path: uri.path(), headers: &headers, body: b"" };
        let headers = sign(scope, &given, request, self.0.clock.now()).ok_or_else(wrong)?;
        Ok(Signed { uri, headers })
    }

    /// Learn from a refusal. Whether the same object, asked for anew, may be had.
    pub fn learn(&self, bucket: &str, headers: &HeaderMap, body: &[u8]) -> bool {
        let region = headers.get("x-amz-bucket-region").and_then(|region| region.to_str().ok());
        let region = region.map(str::to_owned).unwrap_or_else(|| element(body, "Region"));
        let later = self.0.clock.learn(headers);
        let is_region = (1..=32).contains(&region.len())
            && region
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let known = self.place(bucket).map(|place| place.region).unwrap_or_default();
        if !is_region || region == known {
            return later;
        }
        let mut regions = self.0.regions.lock().unwrap_or_else(PoisonError::into_inner);
        if regions.len() >= MOST_REGIONS {
            regions.clear();
        }
        regions.insert(bucket.to_owned(), region);
        true
    }

    /// What S3 has answered, as an error.
    pub fn refused(
        &self,
        bucket: &str,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> S3Error {
        let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let again_after = seconds.and_then(|value| value.trim().parse().ok());
        S3Error::Refused {
            status: status.as_u16(),
            code: element(body, "Code"),
            bucket: bucket.to_owned(),
            role_alias: self.role_alias().to_owned(),
            again_after: again_after.map(Duration::from_secs),
        }
    }

    fn role_alias(&self) -> &str {
        &self.0.credentials.source().role_alias
    }

    fn place(&self, bucket: &str) -> Result<Place, S3Error> {
        let settings = self.0.settings.borrow();
        let giver = &self.0.credentials.source().endpoint;
        let endpoint = match settings.artifacts.s3_endpoint.as_deref() {
            Some(told) if told.contains("://") => Some(told.trim_end_matches('/').to_owned()),
            Some(told) => Some(address(told)),
            None if giver.contains(".amazonaws.") => None,
            None => Some(address(giver)),
        };
        let regions = self.0.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let region = regions.get(bucket).cloned().or_else(|| settings.region.clone());
        let region = match (region, &endpoint) {
            (Some(region), _) => region,
            (None, Some(_)) => ANY_REGION.to_owned(),
            (None, None) => return Err(S3Error::NoRegion),
        };
        Ok(Place { endpoint, region })
    }
}

/// Where a bucket is.
#[derive(Debug)]
struct Place {
    /// AWS's when `None`.
    endpoint: Option<String>,
    region: String,
}

impl Place {
    /// The URI of an object. At AWS the bucket is part of the name of the host, but where a dot in it
    /// would need another certificate (S3 user guide, "Virtual hosting of buckets").
    fn uri(&self, bucket: &str, key: &str) -> Result<Uri, S3Error> {
        if bucket.is_empty() || key.is_empty() {
            return Err(S3Error::NoObject);
        }
        let region = &self.region;
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let (bucket_path, key) = (encoded_path(bucket), encoded_path(key));
        let text = match &self.endpoint {
            Some(endpoint) => format!("{endpoint}/{bucket_path}/{key}"),
            None if bucket.len() <= 63 && bucket.bytes().all(plain) => {
                format!("https://{bucket}.s3.{region}.{domain}/{key}")
            }
            None => format!("https://s3.{region}.{domain}/{bucket_path}/{key}"),
        };
        let wrong = || S3Error::Endpoint(self.endpoint.clone().unwrap_or_else(|| region.clone()));
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let target = Target::of(&uri).ok_or_else(wrong)?;
        // Whoever reads a session's token may use it.
        if uri.query().is_some() || !target.tls && !target.is_this_machine() {
            return Err(wrong());
        }
        Ok(uri)
    }
}

/// The text of the first element of a name in S3's words for an error; empty if there is none, or if it
/// is anything but a plain word.
fn element(body: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(body);
    let found = text.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once("</"));
    let plain = |word: &&str| {
        word.len() <= 100 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    found.map(|(word, _)| word).filter(plain).unwrap_or_default().to_owned()
}
