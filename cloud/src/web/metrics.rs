//! What is counted of requests, as Prometheus reads it (Prometheus, "Exposition formats").

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
#[derive(Debug, Default)]
pub struct Metrics {
    statuses: Mutex<BTreeMap<(Place, u16), u64>>,
    durations: Mutex<BTreeMap<Place, Durations>>,
}

impl Metrics {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_what_they_were() {
        let metrics = Metrics::default();
        metrics.count("sts", "GetCallerIdentity", 200, Duration::from_millis(3));
        metrics.count("sts", "GetCallerIdentity", 200, Duration::from_secs(100));
        let text = metrics.to_string();
        let labels = "service=\"sts\",operation=\"GetCallerIdentity\"";
        for line in [
            format!("gg_cloud_requests_total{{{labels},status=\"200\"}} 2"),
            format!("gg_cloud_request_seconds_bucket{{{labels},le=\"0.001\"}} 0"),
            format!("gg_cloud_request_seconds_bucket{{{labels},le=\"0.005\"}} 1"),
            format!("gg_cloud_request_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
