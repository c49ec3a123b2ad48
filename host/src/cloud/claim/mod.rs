//! Fleet provisioning by claim: a device without a certificate of its own connects with one that it
//! shares with its batch, is given its own, and is registered as a thing (AWS IoT developer guide,
//! "Device provisioning MQTT API").
//!
//! ```text
//! $aws/certificates/create…/json ─▶ certificate, token   kept: state/claim.json
//! $aws/provisioning-templates/TEMPLATE/provision/json    kept: the thing's name beside it
//!                                                        written: key, certificate, state/identity.json
//! ```
//! After each step what it gave is on disk ([`kept`]): whoever is cut off goes on from there.

mod answer;
mod due;
mod kept;

pub use due::{adopt, due, root};
pub use kept::Provisioned;

use super::backoff::Backoff;
use super::spool::Spool;
use super::{Link, LinkError, LinkSettings, LinkState, Publication, Qos};
use crate::clock::Clock;
use crate::network::ProxySettings;
use crate::random;
use crate::store::StoreError;
use crate::tasks::Tasks;
use answer::{Created, Registered, Rejection};
use bytes::Bytes;
use gg_model::nucleus::Pkcs11Settings;
use gg_model::{ClaimSettings, IdentityFiles, NucleusSettings, ThingName, TopicFilter};
use kept::{Kept, Progress};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long the cloud may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A device that has a claim.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The claim, and what the cloud is asked for.
    pub settings: ClaimSettings,
    /// The library of tokens that its keys may be in.
    pub pkcs11: Option<Pkcs11Settings>,
    /// How the broker is talked to otherwise.
    pub nucleus: NucleusSettings,
    /// By way of whom.
    pub proxies: ProxySettings,
    /// The nucleus's root folder.
    pub root: PathBuf,
}

/// Why a device has no certificate of its own yet.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// A file cannot be read or written.
    #[error("cannot use {path}: {reason}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is a key or certificate where the new one is to be.
    #[error(
        "{0} is there already, and nothing says whose it is; name it in system.certificateFilePath \
         and privateKeyPath if it is this device's, or move it away"
    )]
    Occupied(PathBuf),
    /// The cloud does not do it.
    #[error("the cloud refuses {step}: {rejection}")]
    Rejected {
        /// What it was asked for.
        step: &'static str,
        /// Its words.
        rejection: Rejection,
    },
    /// The cloud's answer is not what it should be.
    #[error("the cloud's answer to {step} is of no use: {reason}")]
    Answer {
        /// What it was asked for.
        step: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The connection went before the answer came.
    #[error("the connection was lost before the cloud could {0}")]
    Lost(&'static str),
    /// No answer came.
    #[error(
        "the cloud does not answer to {0}; see whether a policy of the claim's certificate allows to \
         publish to that topic, and to subscribe to and receive /accepted and /rejected below it"
    )]
    Silent(String),
    /// Nobody is named who can be asked.
    #[error("iotDataEndpoint of the claim is empty")]
    NoEndpoint,
    /// It cannot be asked.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ClaimError {
    /// Whether it is no use to try again.
    fn is_final(&self) -> bool {
        matches!(self, Self::File { .. } | Self::NoEndpoint | Self::Occupied(_))
    }
}

impl Claim {
    /// Get the device its certificate, however often the cloud has to be asked.
    ///
    /// # Errors
    /// What is wrong is on this device.
    pub async fn provision(&self, tasks: &Tasks) -> Result<Provisioned, ClaimError> {
        let kept = Kept::new(&self.root, &self.settings);
        let (settings, mut backoff) = (self.link_settings()?, Backoff::default());
        loop {
            match self.attempt(&kept, &settings, tasks).await {
                Ok(provisioned) => return Ok(provisioned),
                Err(error) if error.is_final() => return Err(error),
                Err(error) => {
                    let wait = backoff.next(&settings.delays, Instant::now(), random::spread());
                    tracing::error!(
                        template = self.settings.template,
                        again_in = %humantime::format_duration(Duration::from_secs(wait.as_secs())),
                        "the device has no certificate yet: {error}"
                    );
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    async fn attempt(
        &self,
        kept: &Kept,
        settings: &LinkSettings,
        tasks: &Tasks,
    ) -> Result<Provisioned, ClaimError> {
        let (progress, thing) = match kept.progress()? {
            Some((progress, Some(thing))) => (progress, thing),
            begun => {
                let begun = begun.map(|(progress, _)| progress);
                self.negotiate(kept, begun, settings, tasks).await?
            }
        };
        kept.finish(thing, &progress)
    }

    /// What the cloud does, from where it left off.
    async fn negotiate(
        &self,
        kept: &Kept,
        begun: Option<Progress>,
        settings: &LinkSettings,
        tasks: &Tasks,
    ) -> Result<(Progress, ThingName), ClaimError> {
        kept.is_free()?;
        let stop = CancellationToken::new();
        let _at_the_end = stop.clone().drop_guard();
        let (_, nucleus) = watch::channel(Arc::new(self.nucleus.clone()));
        let spool = Spool::open(None, nucleus, Clock::system()).await?;
        let link = Link::start(settings.clone(), spool, tasks, stop);
        let progress = match begun {
            Some(progress) => progress,
            None => {
                let created = self.create(&link).await?;
                kept.keep(&created, None)?;
                created
            }
        };
        let registered = self.register(&link, &progress).await;
        if let Err(ClaimError::Rejected { rejection, .. }) = &registered
            && rejection.is_of_token()
        {
            kept.forget()?;
        }
        let thing = registered?;
        kept.keep(&progress, Some(&thing))?;
        Ok((progress, thing))
    }

    /// How the broker is talked to by the claim.
    fn link_settings(&self) -> Result<LinkSettings, ClaimError> {
        let mut settings = self.nucleus.clone();
        settings.endpoint = Some(self.settings.endpoint.clone());
        settings.mqtt.port = self.settings.port.or(settings.mqtt.port);
        let files = IdentityFiles {
            certificate: Some(self.settings.certificate.clone()),
            private_key: Some(self.settings.private_key.clone()),
            root_ca: self.settings.root_ca.clone(),
            pkcs11: self.pkcs11.clone(),
        };
        let client = match &self.settings.client {
            Some(client) => client.clone(),
            None => format!("claim-{:016x}", random::spread())
                .parse()
                .map_err(|error| LinkError::Quota(format!("{error}")))?,
        };
        let settings = LinkSettings::of(client, &settings, &files, self.proxies.clone());
        let mut settings = settings.ok_or(ClaimError::NoEndpoint)?;
        // Nobody comes back by this name.
        settings.session_expiry = 0;
        Ok(settings)
    }

    /// Have the cloud make a certificate: for the key of a request, or with a key.
    async fn create(&self, link: &Link) -> Result<Progress, ClaimError> {
        let (step, topic, body) = match &self.settings.request {
            None => ("make a key and a certificate", "$aws/certificates/create/json", json!({})),
            Some(path) => {
                let body = json!({"certificateSigningRequest": kept::read(Path::new(path))?});
                ("sign a request", "$aws/certificates/create-from-csr/json", body)
            }
        };
        let answer = ask(link, step, topic, &body).await?;
        let wants_key = self.settings.request.is_none();
        let created = Created::read(&answer, wants_key);
        let created = created.map_err(|reason| ClaimError::Answer { step, reason })?;
        Ok(Progress { certificate: created.certificate, key: created.key, token: created.token })
    }

    /// Have the cloud make a thing of the certificate, by the template.
    async fn register(&self, link: &Link, begun: &Progress) -> Result<ThingName, ClaimError> {
        let step = "register the device";
        let topic =
            format!("$aws/provisioning-templates/{}/provision/json", self.settings.template);
        let body = json!({
            "certificateOwnershipToken": begun.token,
            "parameters": self.settings.parameters,
        });
        let answer = ask(link, step, &topic, &body).await?;
        let registered = Registered::read(&answer);
        Ok(registered.map_err(|reason| ClaimError::Answer { step, reason })?.thing)
    }
}

/// Ask the cloud, and wait for its answer.
async fn ask(
    link: &Link,
    step: &'static str,
    topic: &str,
    body: &Value,
) -> Result<Bytes, ClaimError> {
    let mut state = link.watch();
    // The link says itself why it is not up.
    if state.wait_for(|state| *state == LinkState::Up).await.is_err() {
        return Err(ClaimError::Silent(topic.to_owned()));
    }
    let (answered, mut answers) = mpsc::channel(1);
    let mut subscriptions = Vec::new();
    for (word, accepted) in [("accepted", true), ("rejected", false)] {
        let filter = format!("{topic}/{word}").parse::<TopicFilter>();
        let filter = filter.map_err(|error| LinkError::Quota(error.to_string()))?;
        let answered = answered.clone();
        let deliver = move |message: &Arc<Publication>| {
            // The first answer counts.
            let _further = answered.try_send((accepted, message.payload.clone()));
        };
        subscriptions.push(link.subscribe(&filter, Qos::AtLeastOnce, Arc::new(deliver)).await?);
    }
    link.publish(Publication::new(topic, body.to_string(), Qos::AtLeastOnce)).await?;
    let answer = async {
        tokio::select! {
            answer = answers.recv() => answer,
            // What was answered to it meanwhile does not come again.
            _down = state.wait_for(|state| *state != LinkState::Up) => None,
        }
    };
    match timeout(PATIENCE, answer).await {
        Ok(Some((true, answer))) => Ok(answer),
        Ok(Some((false, answer))) => {
            Err(ClaimError::Rejected { step, rejection: Rejection::read(&answer) })
        }
        Ok(None) => Err(ClaimError::Lost(step)),
        Err(_late) => Err(ClaimError::Silent(topic.to_owned())),
    }
}
