//! The data plane of Greengrass: what a device asks the cloud of components, over HTTPS with its
//! certificate (Greengrass developer guide, "AWS IoT Greengrass V2 data plane").

use super::credentials::address;
use super::identity::Identity;
use crate::network::{Client, NetworkFault, Patience, ProxySettings, encoded};
use crate::tasks::Tasks;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gg_model::resolve::Want;
use gg_model::{ComponentName, IdentityFiles, NucleusSettings, Platform, ThingName};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use hyper::body::Bytes;
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Most bytes of an answer.
const LARGEST: usize = 4 << 20;

/// Most characters of an answer's reason.
const LONGEST_REASON: usize = 500;

/// Most pages of an answer in several.
const MOST_PAGES: usize = 100;

/// Where it is unless told otherwise.
const USUAL_PORT: u16 = 8443;

/// The value of `greengrassDataPlaneEndpoint` by which it is where the broker is.
const WITH_THE_BROKER: &str = "iotdata";

/// Where the data plane is, and as whom it is asked.
#[derive(Clone, Debug)]
pub struct Place {
    host: String,
    thing: ThingName,
    identity: Identity,
    proxies: ProxySettings,
}

/// Asks it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DataPlane(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    tasks: Tasks,
}

/// Why it gave nothing.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DataPlaneError {
    /// There is no such thing.
    #[error("the cloud has none: {0}")]
    NotFound(String),
    /// It refuses.
    #[error("the cloud answers {status}: {reason}")]
    Refused {
        /// Its status of HTTP.
        status: u16,
        /// Its words.
        reason: String,
    },
    /// It is out of reach, or does not know what to do at this moment.
    #[error("the cloud is out of reach: {0}")]
    Unreached(String),
    /// What it answers is not what was asked for.
    #[error("the cloud's answer is not clear: {0}")]
    Unclear(String),
}

/// A version that the cloud has chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Its ARN.
    pub arn: String,
    /// Its recipe, as JSON.
    pub recipe: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResolvedVersions {
    resolved_component_versions: Vec<ResolvedVersion>,
}

#[derive(Deserialize)]
struct ResolvedVersion {
    arn: String,
    recipe: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactPlace {
    pre_signed_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThingGroups {
    thing_groups: Vec<ThingGroup>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThingGroup {
    thing_group_name: String,
}

impl Place {
    /// As the configuration of a device has it; `None`: it has none.
    pub fn of(
        thing: ThingName,
        settings: &NucleusSettings,
        files: &IdentityFiles,
        proxies: ProxySettings,
    ) -> Option<Self> {
        let host = match settings.data_plane.endpoint.as_deref() {
            Some(WITH_THE_BROKER) => settings.endpoint.clone()?,
            Some(host) => host.to_owned(),
            // What a broker says that is not AWS's is nowhere else either.
            None => match settings.endpoint.as_deref() {
                Some(broker) if broker.contains(".amazonaws.") => {
                    let region = settings.region.as_deref()?;
                    format!("greengrass-ats.iot.{region}.amazonaws.com")
                }
                _ => return None,
            },
        };
        files.certificate.as_ref()?;
        let port = settings.data_plane.port.unwrap_or(USUAL_PORT);
        let identity = Identity::new(files, 0).for_https(port);
        Some(Self { host: format!("{host}:{port}"), thing, identity, proxies })
    }
}

impl DataPlane {
    /// Ask it there.
    pub fn new(place: Place, tasks: Tasks) -> Self {
        Self(Arc::new(Inner { place, tasks }))
    }

    /// How TLS is spoken to whom it sends the device to for files.
    ///
    /// # Errors
    /// The library of TLS lacks what it needs.
    pub fn tls_for_files(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        self.0.place.identity.to_servers_of_files()
    }

    /// The version of a component that satisfies everyone, for a device like this.
    ///
    /// # Errors
    /// There is none, or the cloud cannot say.
    pub async fn resolve(
        &self,
        platform: &Platform,
        component: &ComponentName,
        wants: &[Want],
    ) -> Result<Resolved, DataPlaneError> {
        let requirements =
            wants.iter().map(|want| (want.by.to_string(), Value::from(want.requirement.as_str())));
        let mut attributes: Map<String, Value> = platform
            .attributes
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        attributes.insert("runtime".to_owned(), platform.runtimes.join(",").into());
        let request = json!({
            "platform": { "name": "linux", "attributes": attributes },
            "componentCandidates": [{
                "componentName": component,
                "versionRequirements": requirements.collect::<Map<_, _>>(),
            }],
        });
        let answer: ResolvedVersions = self
            .ask(
                Method::POST,
                "/greengrass/v2/resolveComponentCandidates".to_owned(),
                Some(request),
            )
            .await?;
        let [ResolvedVersion { arn, recipe }] = answer.resolved_component_versions.as_slice()
        else {
            let count = answer.resolved_component_versions.len();
            return Err(DataPlaneError::Unclear(format!(
                "{count} versions where one was asked for"
            )));
        };
        let unclear = |reason: String| DataPlaneError::Unclear(format!("{component}: {reason}"));
        let recipe = BASE64_STANDARD.decode(recipe).map_err(|error| unclear(error.to_string()))?;
        let recipe = String::from_utf8(recipe).map_err(|error| unclear(error.to_string()))?;
        Ok(Resolved { arn: arn.clone(), recipe })
    }

    /// Where an artifact of a component's version can be had for a while.
    ///
    /// # Errors
    /// There is none, or the cloud cannot say.
    pub async fn artifact(&self, arn: &str, name: &str) -> Result<String, DataPlaneError> {
        let path =
            format!("/greengrass/v2/components/{}/artifacts/{}", encoded(arn), encoded(name));
        let answer: ArtifactPlace = self.ask(Method::GET, path, None).await?;
        Ok(answer.pre_signed_url)
    }

    /// The thing groups that the device is in.
    ///
    /// # Errors
    /// The cloud cannot say.
    pub async fn thing_groups(&self) -> Result<Vec<String>, DataPlaneError> {
        let path = format!("/greengrass/v2/coreDevices/{}/thingGroups", self.0.place.thing);
        let (mut names, mut token) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let query =
                token.map_or_else(String::new, |token| format!("?nextToken={}", encoded(&token)));
            let page: ThingGroups = self.ask(Method::GET, format!("{path}{query}"), None).await?;
            names.extend(page.thing_groups.into_iter().map(|group| group.thing_group_name));
            token = page.next_token;
            if token.is_none() {
                return Ok(names);
            }
        }
        Err(DataPlaneError::Unclear(format!("more than {MOST_PAGES} pages of thing groups")))
    }

    async fn ask<T: for<'a> Deserialize<'a>>(
        &self,
        method: Method,
        path: String,
        body: Option<Value>,
    ) -> Result<T, DataPlaneError> {
        let this = self.clone();
        let unreached = |reason: String| DataPlaneError::Unreached(reason);
        let send = async move || this.send(method, &path, body).await;
        let sent = self.0.place.identity.using(&self.0.tasks, send).await;
        let (status, body) = sent.map_err(|error| unreached(error.to_string()))??;
        let reason = || {
            let text = String::from_utf8_lossy(&body);
            text.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect::<String>()
        };
        match status {
            StatusCode::OK => serde_json::from_slice(&body)
                .map_err(|error| DataPlaneError::Unclear(error.to_string())),
            StatusCode::NOT_FOUND => Err(DataPlaneError::NotFound(reason())),
            status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                Err(unreached(format!("it answers {status}: {}", reason())))
            }
            status => Err(DataPlaneError::Refused { status: status.as_u16(), reason: reason() }),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Vec<u8>), DataPlaneError> {
        let Place { host, identity, proxies, .. } = &self.0.place;
        let unreached = |fault: NetworkFault| DataPlaneError::Unreached(fault.to_string());
        let address = format!("{}{path}", address(host));
        let uri: Uri = address
            .parse()
            .map_err(|error| DataPlaneError::Unreached(format!("{address}: {error}")))?;
        // Read anew, since the files may have been replaced.
        let tls = identity.load();
        let tls = tls.map_err(|error| DataPlaneError::Unreached(error.to_string()))?;
        let patience = Patience { connect: Duration::from_secs(20), ..Patience::default() };
        let client = Client::new(tls, proxies.clone(), patience);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let mut answer = client.send(method, &uri, &headers, body).await.map_err(unreached)?;
        let body = answer.all(LARGEST).await.map_err(unreached)?;
        let body = body.ok_or_else(|| DataPlaneError::Unclear("it is too long".to_owned()))?;
        Ok((answer.status(), body.to_vec()))
    }
}
