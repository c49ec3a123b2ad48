//! The configuration of `aws.greengrass.SecretManager`.

use super::{LONGEST_SECRET_ID, region_of};
use crate::shape::{Object, Path, ShapeError, Warnings, list, text, whole};
use serde_json::Value;

/// Whose configuration it is.
pub const SECRET_MANAGER: &str = "aws.greengrass.SecretManager";

/// Most secrets of a device.
const MOST_SECRETS: usize = 1000;

/// Most labels of a secret; AWS has 20 on a version.
const MOST_LABELS: usize = 20;

/// Which secrets a device has of the cloud, and how often it asks for them (Greengrass developer
/// guide, "Secret manager").
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SecretManagerSettings {
    /// `cloudSecrets`.
    pub secrets: Vec<CloudSecret>,
    /// `periodicRefreshIntervalMin`, in minutes.
    pub refresh_minutes: Option<u64>,
    /// `endpoint`: where Secrets Manager answers, if not where AWS has it. Greengrass has no such
    /// key.
    pub endpoint: Option<String>,
}

/// A secret of the cloud.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CloudSecret {
    /// `arn`: its ARN, with the six characters at its end or without.
    pub arn: String,
    /// `labels`: the staging labels whose versions are wanted besides `AWSCURRENT`.
    pub labels: Vec<String>,
}

impl SecretManagerSettings {
    /// Read a configuration, which is an object.
    ///
    /// # Errors
    /// A value is not what its key asks for.
    pub(crate) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let minutes = |path: &Path<'_>, value: &Value| {
            // The Java plugin takes a part of a minute, too.
            whole(path, value, "minutes", 1..=525_600)
        };
        let settings = Self {
            secrets: object.read("cloudSecrets", secrets)?.unwrap_or_default(),
            refresh_minutes: object.read("periodicRefreshIntervalMin", minutes)?,
            endpoint: object.text("endpoint")?.map(Into::into),
        };
        for name in ["cloudRequestQueueSize", "accessControl"] {
            if object.take(name).is_some() {
                warnings.add(&path.key(name), "has no effect on this host");
            }
        }
        object.warn_unknown(warnings);
        Ok(settings)
    }
}

fn secrets(path: &Path<'_>, value: &Value) -> Result<Vec<CloudSecret>, ShapeError> {
    let entries = list(path, value)?;
    if entries.len() > MOST_SECRETS {
        return Err(ShapeError::new(path, format_args!("has more than {MOST_SECRETS} entries")));
    }
    entries.iter().enumerate().map(|(index, entry)| secret(&path.index(index), entry)).collect()
}

fn secret(path: &Path<'_>, value: &Value) -> Result<CloudSecret, ShapeError> {
    let mut object = Object::open(path, value)?;
    let path = path.key("arn");
    let arn = text(&path, object.required("arn")?)?;
    if arn.len() > LONGEST_SECRET_ID || region_of(arn).is_none() {
        let message = "is not the ARN of a secret (arn:aws:secretsmanager:REGION:ACCOUNT:secret:…)";
        return Err(ShapeError::new(&path, message));
    }
    let labels = object.read("labels", |path, value| {
        let labels = list(path, value)?;
        if labels.len() > MOST_LABELS {
            return Err(ShapeError::new(path, format_args!("has more than {MOST_LABELS} labels")));
        }
        let label = |(index, label)| text(&path.index(index), label).map(str::to_owned);
        labels.iter().enumerate().map(label).collect()
    })?;
    object.refuse_unknown()?;
    Ok(CloudSecret { arn: arn.to_owned(), labels: labels.unwrap_or_default() })
}
