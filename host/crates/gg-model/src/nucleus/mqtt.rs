//! `mqtt`: how a nucleus talks to the broker.

use super::{SpoolerSettings, number, secret};
use crate::shape::{Object, Path, ShapeError, Warnings, boolean, choice, whole};
use serde_json::Value;
use std::fmt;

/// How a nucleus talks to the broker; what is `None` takes the default of whoever uses it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MqttSettings {
    /// `port`.
    pub port: Option<u64>,
    /// `version`.
    pub version: MqttVersion,
    /// `keepAliveTimeoutMs`: how long nothing may be sent.
    pub keep_alive_ms: Option<u64>,
    /// `pingTimeoutMs`: how long the answer to a ping may take.
    pub ping_timeout_ms: Option<u64>,
    /// `operationTimeoutMs`: how long other answers may.
    pub operation_timeout_ms: Option<u64>,
    /// `socketTimeoutMs`: how long connecting to an address may.
    pub socket_timeout_ms: Option<u64>,
    /// `maxInFlightPublishes`: how many may wait for the broker's acknowledgement.
    pub in_flight: Option<u64>,
    /// `maxMessageSizeInBytes`.
    pub message_bytes: Option<u64>,
    /// `maxPublishRetry`: how often a publication is tried again that the broker refuses.
    pub retries: Option<Retries>,
    /// `receiveMaximum`: how many messages the broker may send before the first is acknowledged.
    pub receive_maximum: Option<u64>,
    /// `sessionExpirySeconds`: how long the broker keeps the session of a device that is away.
    pub session_expiry_seconds: Option<u64>,
    /// `minimumReconnectDelaySeconds`.
    pub least_delay_seconds: Option<u64>,
    /// `maximumReconnectDelaySeconds`.
    pub most_delay_seconds: Option<u64>,
    /// `minimumConnectedTimeBeforeRetryResetSeconds`.
    pub stable_seconds: Option<u64>,
    /// `spooler`.
    pub spooler: SpoolerSettings,
    /// `tls`: whether the broker is spoken to by TLS. Of this host's own, as is what follows.
    pub tls: Option<bool>,
    /// `username` and `password`: by what a broker knows the device that does not ask for its
    /// certificate.
    pub login: Option<Login>,
    /// `quotas`.
    pub quotas: QuotaSettings,
}

/// A name, and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// Its password, if it has one.
    pub password: Option<String>,
}

/// Without its password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Which MQTT is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MqttVersion {
    /// 3.1.1.
    V3,
    /// 5.
    #[default]
    V5,
}

/// How often something is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// Until it goes well.
    Unlimited,
    /// So often.
    AtMost(u64),
}

/// What the broker takes of one device. AWS IoT has these limits, other brokers need not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuotaSettings {
    /// `publishesPerSecond`, of one connection.
    pub publishes_per_second: Option<u64>,
    /// `bytesPerSecond`, of one connection.
    pub bytes_per_second: Option<u64>,
    /// `subscriptionsPerConnection`.
    pub subscriptions: Option<u64>,
    /// `topicBytes`: how long a topic may be.
    pub topic_bytes: Option<u64>,
    /// `topicSlashes`: how many slashes it may have.
    pub topic_slashes: Option<u64>,
}

/// As much as a packet can hold (MQTT 5.0, 1.5.5).
const MOST_BYTES: u64 = 268_435_455;

const VERSIONS: [(&str, MqttVersion); 2] = [("mqtt5", MqttVersion::V5), ("mqtt3", MqttVersion::V3)];

/// Most bytes of a name or a password (MQTT 5.0, 1.5.4).
const LONGEST: usize = 65_535;

fn login(object: &mut Object<'_>) -> Result<Option<Login>, ShapeError> {
    let fits = |path: &Path<'_>, value| {
        let text = secret(path, value)?;
        let fits = text.len() <= LONGEST && !text.contains('\0');
        let wrong = || ShapeError::new(path, "expected at most 65535 bytes, and no U+0000");
        if fits { Ok(text.to_owned()) } else { Err(wrong()) }
    };
    let filled = |text: &String| !text.is_empty();
    let user = object.read("username", fits)?.filter(filled);
    let password = object.read("password", fits)?.filter(filled);
    // A password without a name would be of no use (MQTT 3.1.1, 3.1.2.9).
    Ok(user.map(|user| Login { user, password }))
}

impl MqttSettings {
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let version = object.read("version", |path, value| choice(path, value, &VERSIONS))?;
        let settings = Self {
            port: object.read("port", |path, value| whole(path, value, "ports", 1..=65_535))?,
            version: version.unwrap_or_default(),
            keep_alive_ms: object.read("keepAliveTimeoutMs", |path, value| {
                whole(path, value, "milliseconds", 1_000..=65_535_000)
            })?,
            ping_timeout_ms: object.read("pingTimeoutMs", number)?,
            operation_timeout_ms: object.read("operationTimeoutMs", number)?,
            socket_timeout_ms: object.read("socketTimeoutMs", number)?,
            in_flight: object.read("maxInFlightPublishes", packets)?,
            message_bytes: object.read("maxMessageSizeInBytes", |path, value| {
                whole(path, value, "bytes", 1..=MOST_BYTES)
            })?,
            retries: object.read("maxPublishRetry", retries)?,
            receive_maximum: object.read("receiveMaximum", packets)?,
            session_expiry_seconds: object.read("sessionExpirySeconds", |path, value| {
                whole(path, value, "seconds", 0..=u64::from(u32::MAX))
            })?,
            least_delay_seconds: object.read("minimumReconnectDelaySeconds", number)?,
            most_delay_seconds: object.read("maximumReconnectDelaySeconds", number)?,
            stable_seconds: object.read("minimumConnectedTimeBeforeRetryResetSeconds", number)?,
            spooler: object
                .read("spooler", |path, value| SpoolerSettings::read(path, value, warnings))?
                .unwrap_or_default(),
            tls: object.read("tls", boolean)?,
            login: login(&mut object)?,
            quotas: object
                .read("quotas", |path, value| QuotaSettings::read(path, value, warnings))?
                .unwrap_or_default(),
        };
        for name in ["threadPoolSize", "standaloneMqttTimeoutMs"] {
            if object.take(name).is_some() {
                warnings.add(&path.key(name), "has no effect on this host");
            }
        }
        object.warn_unknown(warnings);
        Ok(settings)
    }
}

impl QuotaSettings {
    fn read(path: &Path<'_>, value: &Value, warnings: &mut Warnings) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let quotas = Self {
            publishes_per_second: object.read("publishesPerSecond", number)?,
            bytes_per_second: object.read("bytesPerSecond", number)?,
            subscriptions: object.read("subscriptionsPerConnection", number)?,
            topic_bytes: object.read("topicBytes", number)?,
            topic_slashes: object.read("topicSlashes", number)?,
        };
        object.warn_unknown(warnings);
        Ok(quotas)
    }
}

/// As many as can be told apart by their identifiers.
fn packets(path: &Path<'_>, value: &Value) -> Result<u64, ShapeError> {
    whole(path, value, "packets", 1..=65_535)
}

/// A whole number from 0 on, or -1 for no limit.
fn retries(path: &Path<'_>, value: &Value) -> Result<Retries, ShapeError> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_i64(),
    };
    match number {
        Some(-1) => Ok(Retries::Unlimited),
        Some(number @ 0..) => Ok(Retries::AtMost(number.unsigned_abs())),
        _ => Err(ShapeError::expected(path, "a whole number, or -1 for no limit", value)),
    }
}
