//! What the link is made with.

use super::backoff::Delays;
use super::identity::Identity;
use crate::network::ProxySettings;
use gg_model::nucleus::{Login, QuotaSettings, Retries};
use gg_model::{IdentityFiles, MqttVersion, NucleusSettings, ThingName};
use std::time::Duration;

/// Where the broker is, and how it is talked to.
#[derive(Clone, Debug)]
pub struct LinkSettings {
    /// The device's name, by which the broker knows it.
    pub thing: ThingName,
    /// The broker's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How TLS is spoken; `None`: it is not.
    pub identity: Option<Identity>,
    /// By what the broker knows the device besides.
    pub login: Option<Login>,
    /// By way of whom.
    pub proxies: ProxySettings,
    /// Which MQTT.
    pub version: MqttVersion,
    /// How long nothing may be sent or heard.
    pub keep_alive: Duration,
    /// How long the answer to a ping may take.
    pub ping_timeout: Duration,
    /// How long other answers may.
    pub operation_timeout: Duration,
    /// How long connecting to an address may.
    pub socket_timeout: Duration,
    /// Publications that may wait for the broker's acknowledgement.
    pub in_flight: u16,
    /// Messages that the broker may send before the first is acknowledged.
    pub receive_maximum: u16,
    /// Bytes of the largest payload.
    pub message_bytes: u32,
    /// How often a publication is sent again that the broker refuses for now.
    pub retries: Retries,
    /// Seconds for which the broker keeps the session of a device that is away.
    pub session_expiry: u32,
    /// The waits between attempts to connect.
    pub delays: Delays,
    /// What the broker takes of one device.
    pub quotas: Quotas,
}

/// What the broker takes of one device; `None`: whatever comes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Quotas {
    /// Publications in a second over one connection.
    pub publishes_per_second: Option<u64>,
    /// Bytes in a second over one connection.
    pub bytes_per_second: Option<u64>,
    /// Subscriptions over one connection.
    pub subscriptions: Option<u64>,
    /// Bytes of a topic.
    pub topic_bytes: Option<u64>,
    /// Slashes in a topic.
    pub topic_slashes: Option<u64>,
}

impl LinkSettings {
    /// Those of a device's configuration; defaults are those of the Java nucleus, but for the number
    /// in flight, which is AWS IoT's quota. `None`: no endpoint is configured.
    pub fn of(
        thing: ThingName,
        settings: &NucleusSettings,
        files: &IdentityFiles,
        proxies: ProxySettings,
    ) -> Option<Self> {
        let host = settings.endpoint.clone()?;
        let mqtt = &settings.mqtt;
        let tls = mqtt.tls.unwrap_or(true);
        let port = if tls { 8883 } else { 1883 };
        let milliseconds = |value: Option<u64>, default| {
            value.map_or_else(|| Duration::from_secs(default), Duration::from_millis)
        };
        let seconds = |value: Option<u64>, default| Duration::from_secs(value.unwrap_or(default));
        let port = mqtt.port.and_then(|port| u16::try_from(port).ok()).unwrap_or(port);
        let two = |value: Option<u64>| value.and_then(|value| u16::try_from(value).ok());
        let four = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok());
        Some(Self {
            thing,
            port,
            identity: tls.then(|| Identity::new(files, port)),
            login: mqtt.login.clone(),
            proxies,
            version: mqtt.version,
            keep_alive: milliseconds(mqtt.keep_alive_ms, 60),
            ping_timeout: milliseconds(mqtt.ping_timeout_ms, 30),
            operation_timeout: milliseconds(mqtt.operation_timeout_ms, 30),
            socket_timeout: milliseconds(mqtt.socket_timeout_ms, 3),
            in_flight: two(mqtt.in_flight).unwrap_or(100),
            receive_maximum: two(mqtt.receive_maximum).unwrap_or(100),
            message_bytes: four(mqtt.message_bytes).unwrap_or(131_072),
            retries: mqtt.retries.unwrap_or(Retries::AtMost(100)),
            session_expiry: four(mqtt.session_expiry_seconds).unwrap_or(604_800),
            delays: Delays {
                least: seconds(mqtt.least_delay_seconds, 1),
                most: seconds(mqtt.most_delay_seconds, 120),
                stable: seconds(mqtt.stable_seconds, 10),
            },
            quotas: Quotas::of(&host, &mqtt.quotas),
            host,
        })
    }

    /// Bytes of the largest packet that is read.
    pub(super) fn packet_bytes(&self) -> u32 {
        /// Topic and properties.
        const AROUND: u32 = 64 << 10;
        self.message_bytes.saturating_add(AROUND)
    }

    /// Whether the broker is AWS IoT's.
    pub(super) fn is_aws(host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
    }
}

impl Quotas {
    /// Those of AWS IoT (AWS General Reference, "AWS IoT Core endpoints and quotas") where the broker
    /// is AWS's, and what the settings say over them.
    fn of(host: &str, settings: &QuotaSettings) -> Self {
        let aws = Self {
            publishes_per_second: Some(100),
            bytes_per_second: Some(512 << 10),
            subscriptions: Some(50),
            topic_bytes: Some(256),
            topic_slashes: Some(7),
        };
        let base = if LinkSettings::is_aws(host) { aws } else { Self::default() };
        Self {
            publishes_per_second: settings.publishes_per_second.or(base.publishes_per_second),
            bytes_per_second: settings.bytes_per_second.or(base.bytes_per_second),
            subscriptions: settings.subscriptions.or(base.subscriptions),
            topic_bytes: settings.topic_bytes.or(base.topic_bytes),
            topic_slashes: settings.topic_slashes.or(base.topic_slashes),
        }
    }

    /// Why the broker would not take this topic or filter. The first three levels of a basic ingest
    /// topic (`$aws/rules/RULE/…`) do not count.
    pub(super) fn refuse(&self, topic: &str) -> Option<String> {
        let counted = topic
            .strip_prefix("$aws/rules/")
            .and_then(|rest| rest.split_once('/'))
            .map_or(topic, |(_, rest)| rest);
        let excess = |quota: Option<u64>, found: usize| quota.filter(|most| found as u64 > *most);
        if let Some(most) = excess(self.topic_bytes, counted.len()) {
            let found = counted.len();
            return Some(format!(
                "the topic has {found} bytes, and the broker takes {most} (mqtt.quotas.topicBytes)"
            ));
        }
        let slashes = counted.matches('/').count();
        // Those that AWS defines are longer.
        if counted.starts_with('$') {
            return None;
        }
        excess(self.topic_slashes, slashes).map(|most| {
            format!(
                "the topic has {slashes} slashes, and the broker takes {most} \
                 (mqtt.quotas.topicSlashes)"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(configuration: serde_json::Value) -> LinkSettings {
        let settings = NucleusSettings::read(&configuration).unwrap();
        let (thing, files) = ("me".parse().unwrap(), IdentityFiles::default());
        LinkSettings::of(thing, &settings, &files, ProxySettings::default()).unwrap()
    }

    #[test]
    fn without_an_endpoint_there_is_no_link() {
        let (thing, files) = ("me".parse().unwrap(), IdentityFiles::default());
        let none = NucleusSettings::default();
        assert!(LinkSettings::of(thing, &none, &files, ProxySettings::default()).is_none());
    }

    #[test]
    fn aws_has_quotas_and_other_brokers_have_those_that_are_set() {
        let aws = settings(json!({"iotDataEndpoint": "x-ats.iot.eu-west-1.amazonaws.com"}));
        assert_eq!(aws.quotas.publishes_per_second, Some(100));
        assert_eq!((aws.port, aws.identity.is_some()), (8883, true));
        let other = json!({"iotDataEndpoint": "b", "mqtt": {"tls": false,
            "quotas": {"topicSlashes": 2}}});
        let other = settings(other);
        assert_eq!((other.port, other.identity.is_none()), (1883, true));
        assert_eq!(other.quotas, Quotas { topic_slashes: Some(2), ..Quotas::default() });
    }

    #[test]
    fn topics_have_the_length_and_slashes_that_the_broker_takes() {
        let quotas = Quotas { topic_bytes: Some(10), topic_slashes: Some(2), ..Quotas::default() };
        for topic in ["a/b/c", "1234567890", "$aws/rules/some_rule/a/b/c", "$a/b/c/d"] {
            assert_eq!(quotas.refuse(topic), None, "{topic}");
        }
        for topic in ["a/b/c/d", "12345678901", "$aws/rules/r/a/b/c/d"] {
            assert!(quotas.refuse(topic).is_some(), "{topic}");
        }
        assert_eq!(Quotas::default().refuse(&"a/".repeat(500)), None);
    }
}
