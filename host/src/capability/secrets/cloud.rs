//! Secrets of the cloud: fetched when the device starts, when its configuration changes, at the
//! operator's interval, and when a component asks for it. What is here stays while the cloud is out
//! of reach.

use super::catalogue::{Held, settle};
use super::{Secrets, lock};
use crate::cloud::secrets::{AskError, SecretsManager};
use crate::random;
use crate::store::{SecretRow, StoreError};
use gg_model::secret::{CURRENT, CloudSecret, name_of};
use gg_model::{SecretHead, SecretManagerSettings, SecretVersion};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::sync::Semaphore;

/// Components that wait for the cloud at one time (secret manager, `cloudRequestQueueSize`).
const MOST_WAITING: usize = 100;

/// After a failure: the first pause, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// So long a component that misses a secret does not make the cloud be asked again.
const MISSED: Duration = Duration::from_secs(30);

/// The cloud's side.
#[derive(Debug)]
pub(super) struct Cloud {
    manager: SecretsManager,
    wanted: RwLock<Arc<SecretManagerSettings>>,
    /// One asks at a time.
    turn: tokio::sync::Mutex<()>,
    waiting: Semaphore,
    /// When it was asked last because something was missed.
    missed: Mutex<Option<Instant>>,
}

/// Why a secret is as it was.
#[derive(Debug, Error)]
pub(super) enum RefreshError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("as many components wait for the cloud as may")]
    Busy,
    #[error("it cannot be sealed: {0}")]
    Seal(#[from] std::io::Error),
    #[error("it cannot be kept: {0}")]
    Store(#[from] StoreError),
}

impl Cloud {
    pub(super) fn new(manager: SecretsManager) -> Self {
        Self {
            manager,
            wanted: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
            waiting: Semaphore::new(MOST_WAITING),
            missed: Mutex::default(),
        }
    }

    fn settings(&self) -> Arc<SecretManagerSettings> {
        Arc::clone(&self.wanted.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is known of a secret that is wanted of the cloud, whether it is here or not.
    pub(super) fn wanted(&self, id: &str) -> Option<(CloudSecret, SecretHead)> {
        let settings = self.settings();
        let with_head = settings.secrets.iter().map(|secret| (secret, head(secret)));
        let mut meant = with_head.filter(|(_, head)| head.is_meant_by(id));
        meant.next().map(|(secret, head)| (secret.clone(), head))
    }

    /// Whether the cloud may be asked for what was missed.
    pub(super) fn may_ask_for_missed(&self) -> bool {
        let mut missed = lock(&self.missed);
        let may = missed.is_none_or(|at| at.elapsed() > MISSED);
        if may {
            *missed = Some(Instant::now());
        }
        may
    }

    /// The versions of a secret that are wanted.
    async fn fetch(&self, secret: &CloudSecret) -> Result<Vec<SecretVersion>, AskError> {
        let mut versions = Vec::new();
        let labels = secret.labels.iter().map(String::as_str).filter(|label| *label != CURRENT);
        for label in [CURRENT].into_iter().chain(labels) {
            match self.manager.get(&secret.arn, label).await {
                Ok(version) => versions.push(version),
                // No version has this label now.
                Err(AskError::Missing) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(settle(versions))
    }
}

/// What the ARN alone says of a secret.
fn head(secret: &CloudSecret) -> SecretHead {
    SecretHead {
        name: name_of(&secret.arn).to_owned(),
        arn: Some(secret.arn.clone()),
        version: String::new(),
        stages: Vec::new(),
    }
}

fn means(secret: &CloudSecret, head: &SecretHead) -> bool {
    head.is_meant_by(&secret.arn)
}

impl Secrets {
    /// Ask the cloud for one secret, in turn.
    pub(super) async fn fetch(&self, secret: &CloudSecret) -> Result<(), RefreshError> {
        let Some(cloud) = &self.0.cloud else { return Ok(()) };
        let _place = cloud.waiting.try_acquire().map_err(|_| RefreshError::Busy)?;
        let _turn = cloud.turn.lock().await;
        let versions = cloud.fetch(secret).await?;
        if versions.is_empty() {
            tracing::warn!(
                secret = secret.arn,
                "the cloud has no such secret, or no version of it"
            );
        }
        let held = self.seal(versions)?;
        if let Some(store) = &self.0.store {
            let now = held.first().map(|held| held.head.key().to_owned());
            if let Some(arn) = now.or_else(|| self.lock().key_in_cloud(|head| means(secret, head)))
            {
                self.keep(store, arn, held.iter().map(row).collect()).await?;
            }
        }
        self.lock().set_cloud(|head| means(secret, head), held);
        Ok(())
    }

    /// Have the secrets of this configuration, from now on: forget others, and fetch these. Gives
    /// whether all of them are as the cloud has them.
    pub(crate) async fn configure(&self, settings: SecretManagerSettings) -> bool {
        let Some(cloud) = &self.0.cloud else { return true };
        cloud.manager.set_endpoint(settings.endpoint.clone());
        *cloud.wanted.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        let settings = cloud.settings();
        let gone = self.lock().retain_cloud(|head| settings.secrets.iter().any(|s| means(s, head)));
        if let Some(store) = &self.0.store {
            for arn in gone {
                if let Err(error) = store.set_secret(arn, Vec::new()).await {
                    tracing::error!(%error, "a secret that is not wanted any more is still kept");
                }
            }
        }
        self.fetch_all().await
    }

    async fn fetch_all(&self) -> bool {
        let Some(cloud) = &self.0.cloud else { return true };
        let mut all = true;
        for secret in &cloud.settings().secrets {
            all &= self.ask_cloud(secret).await;
        }
        all
    }

    /// Keep secrets as the cloud has them, whenever what is wanted changes, and at intervals. Never
    /// returns.
    pub(crate) async fn keep_fresh(
        &self,
        mut wanted: tokio::sync::watch::Receiver<Arc<gg_model::NucleusSettings>>,
    ) {
        let mut settings = wanted.borrow_and_update().secrets.clone();
        let mut fresh = self.configure(settings.clone()).await;
        let mut pause = FIRST_PAUSE;
        loop {
            let interval =
                settings.refresh_minutes.map(|minutes| Duration::from_secs(minutes * 60));
            let wait = match fresh {
                true => interval,
                false => Some(interval.map_or(pause, |interval| interval.min(pause))),
            };
            let over = async {
                match wait {
                    Some(wait) => tokio::time::sleep(jittered(wait)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => fresh = self.fetch_all().await,
                changed = wanted.changed() => {
                    if changed.is_err() {
                        return std::future::pending().await;
                    }
                    let next = wanted.borrow_and_update().secrets.clone();
                    if next == settings {
                        continue;
                    }
                    settings = next;
                    fresh = self.configure(settings.clone()).await;
                    pause = FIRST_PAUSE;
                    continue;
                }
            }
            pause = if fresh { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        }
    }
}

/// A tenth more or less, so that devices that were started together do not ask together.
fn jittered(wait: Duration) -> Duration {
    let byte = random::bytes().map_or(0, u8::from_le_bytes);
    wait.mul_f64(0.9 + f64::from(byte) / 1275.0)
}

/// As the store keeps it.
pub(super) fn row(held: &Held) -> SecretRow {
    SecretRow {
        arn: held.head.key().to_owned(),
        name: held.head.name.clone(),
        version: held.head.version.clone(),
        stages: serde_json::Value::from(held.head.stages.clone()).to_string(),
        sealed: held.sealed.clone(),
    }
}

/// What a row is of; `None`: it holds what does not belong there.
pub(super) fn held(row: SecretRow) -> Option<Held> {
    let SecretRow { arn, name, version, stages, sealed } = row;
    let stages = serde_json::from_str(&stages).ok()?;
    Some(Held { head: SecretHead { name, arn: Some(arn), version, stages }, sealed })
}
