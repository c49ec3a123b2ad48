//! What is counted of requests, as Prometheus reads it (Prometheus, "Exposition formats").

use crate::broker::Figures;
use crate::clock::Time;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The upper bounds of durations that are told apart, in milliseconds.
const BOUNDS: [u64; 8] = [1, 5, 25, 100, 500, 2_500, 10_000, 60_000];

#[derive(Debug, Default)]
struct Durations {
    /// How many were at most as long as each bound and longer than the one before.
    counts: [u64; BOUNDS.len()],
    all: u64,
    total: Duration,
}

type Place = (&'static str, &'static str);

/// Requests by service, operation and status, and how long they took. All names are the program's own,
/// so that nobody outside decides how many there are.
#[derive(Debug)]
pub struct Metrics {
    started: Time,
    statuses: Mutex<BTreeMap<(Place, u16), u64>>,
    durations: Mutex<BTreeMap<Place, Durations>>,
}

impl Metrics {
    /// Of a process that started then.
    pub(super) fn new(started: Time) -> Self {
        Self { started, statuses: Mutex::default(), durations: Mutex::default() }
    }

    pub(super) fn count(
        &self,
        service: &'static str,
        operation: &'static str,
        status: u16,
        took: Duration,
    ) {
        let place = (service, operation);
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        *statuses.entry((place, status)).or_default() += 1;
        drop(statuses);
        let mut durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        let durations = durations.entry(place).or_default();
        durations.all += 1;
        durations.total += took;
        let within = BOUNDS.iter().position(|bound| took <= Duration::from_millis(*bound));
        if let Some(count) = within.and_then(|bound| durations.counts.get_mut(bound)) {
            *count += 1;
        }
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# HELP gg_cloud_info Which program this is.")?;
        writeln!(f, "# TYPE gg_cloud_info gauge")?;
        writeln!(f, "gg_cloud_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))?;
        writeln!(f, "# HELP process_start_time_seconds When it started.")?;
        writeln!(f, "# TYPE process_start_time_seconds gauge")?;
        writeln!(f, "process_start_time_seconds {}", self.started.seconds())?;
        writeln!(f, "# HELP gg_cloud_requests_total Requests that were answered.")?;
        writeln!(f, "# TYPE gg_cloud_requests_total counter")?;
        let statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        for (((service, operation), status), count) in statuses.iter() {
            writeln!(
                f,
                "gg_cloud_requests_total{{service=\"{service}\",operation=\"{operation}\",\
                 status=\"{status}\"}} {count}"
            )?;
        }
        writeln!(f, "# HELP gg_cloud_request_seconds Time to the head of the answer.")?;
        writeln!(f, "# TYPE gg_cloud_request_seconds histogram")?;
        let durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        for ((service, operation), durations) in durations.iter() {
            let labels = format!("service=\"{service}\",operation=\"{operation}\"");
            let mut sum = 0;
            for (bound, count) in BOUNDS.iter().zip(durations.counts) {
                sum += count;
                let bound = Duration::from_millis(*bound).as_secs_f64();
                writeln!(f, "gg_cloud_request_seconds_bucket{{{labels},le=\"{bound}\"}} {sum}")?;
            }
            let Durations { all, total, .. } = durations;
            writeln!(f, "gg_cloud_request_seconds_bucket{{{labels},le=\"+Inf\"}} {all}")?;
            writeln!(f, "gg_cloud_request_seconds_sum{{{labels}}} {}", total.as_secs_f64())?;
            writeln!(f, "gg_cloud_request_seconds_count{{{labels}}} {all}")?;
        }
        Ok(())
    }
}

/// The same of the broker.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) figures: Figures,
    /// Messages in the outbox; `None`: the state cannot be read.
    pub(super) waiting: Option<u64>,
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { connected, connections, received, sent, bytes_received, bytes_sent } =
            self.figures;
        let connected = connected as u64;
        for (name, kind, help, value) in [
            ("mqtt_connected", "gauge", "Clients of MQTT that are connected.", connected),
            ("mqtt_connections_total", "counter", "Connections of MQTT.", connections),
            ("mqtt_received_total", "counter", "Messages that clients published.", received),
            ("mqtt_sent_total", "counter", "Messages that clients were sent.", sent),
            (
                "mqtt_received_bytes_total",
                "counter",
                "Bytes that clients published.",
                bytes_received,
            ),
            ("mqtt_sent_bytes_total", "counter", "Bytes that clients were sent.", bytes_sent),
        ] {
            writeln!(f, "# HELP gg_cloud_{name} {help}")?;
            writeln!(f, "# TYPE gg_cloud_{name} {kind}")?;
            writeln!(f, "gg_cloud_{name} {value}")?;
        }
        let Some(waiting) = self.waiting else { return Ok(()) };
        writeln!(f, "# HELP gg_cloud_outbox_messages Messages to be published.")?;
        writeln!(f, "# TYPE gg_cloud_outbox_messages gauge")?;
        writeln!(f, "gg_cloud_outbox_messages {waiting}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_broker_counts_is_written_down() {
        let figures = Figures { connected: 2, connections: 3, ..Figures::default() };
        let text = Broker { figures, waiting: Some(1) }.to_string();
        for line in [
            "# TYPE gg_cloud_mqtt_connected gauge",
            "gg_cloud_mqtt_connected 2",
            "gg_cloud_mqtt_connections_total 3",
            "gg_cloud_outbox_messages 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!Broker { figures, waiting: None }.to_string().contains("outbox"));
    }

    #[test]
    fn requests_are_counted_by_what_they_were() {
        let metrics = Metrics::new(Time::from_seconds(7));
        metrics.count("sts", "GetCallerIdentity", 200, Duration::from_millis(3));
        metrics.count("sts", "GetCallerIdentity", 200, Duration::from_secs(100));
        let text = metrics.to_string();
        let labels = "service=\"sts\",operation=\"GetCallerIdentity\"";
        for line in [
            "process_start_time_seconds 7".to_owned(),
            format!("gg_cloud_requests_total{{{labels},status=\"200\"}} 2"),
            format!("gg_cloud_request_seconds_bucket{{{labels},le=\"0.001\"}} 0"),
            format!("gg_cloud_request_seconds_bucket{{{labels},le=\"0.005\"}} 1"),
            format!("gg_cloud_request_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
