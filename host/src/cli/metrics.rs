//! Who is told what is measured: the options of `gg-host start`, which go before its settings.

use crate::monitor::endpoint::Endpoint;
use crate::monitor::push::Push;
use crate::network::{Client, Patience, ProxySettings, tls};
use crate::nucleus::Telling;
use anyhow::{Context as _, Result};
use gg_model::{MetricsSettings, OtlpSettings};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(super) struct MetricsArgs {
    /// Let Prometheus ask at http://ADDRESS:PORT/metrics. Other machines have to show the user
    /// `debug` and a password that CreateDebugPassword made, which the network can read.
    #[arg(long = "metrics", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// Answer other machines without a password.
    #[arg(long = "metrics-allow-other-machines")]
    other_machines: bool,

    /// Send metrics to a receiver of OpenTelemetry (OTLP over HTTP, as JSON).
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,

    /// How often to send them. Default: 1m.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    otlp_interval: Option<Duration>,
}

impl MetricsArgs {
    /// Those who are told.
    pub(super) async fn telling(&self, settings: &MetricsSettings) -> Result<Telling> {
        let other_machines = self.other_machines || settings.other_machines;
        let endpoint = match self.listen.or(settings.listen) {
            Some(address) => Some(Endpoint::bind(address, other_machines).await?),
            None => None,
        };
        let push = self.receiver(settings).map(|otlp| {
            let tls = tls::public().context("cannot prepare for TLS")?;
            let proxies = ProxySettings::new(None, None, "");
            anyhow::Ok(Push::new(
                &otlp,
                Client::new([tls.clone(), tls], proxies, Patience::default()),
            )?)
        });
        Ok(Telling { endpoint, push: push.transpose()?, exchange: None })
    }

    fn receiver(&self, settings: &MetricsSettings) -> Option<OtlpSettings> {
        let given = self.otlp.clone().map(|endpoint| OtlpSettings {
            endpoint,
            interval_seconds: None,
            headers: BTreeMap::new(),
        });
        let mut otlp = given.or_else(|| settings.otlp.clone())?;
        if let Some(interval) = self.otlp_interval {
            otlp.interval_seconds = Some(interval.as_secs().max(1));
        }
        Some(otlp)
    }
}
