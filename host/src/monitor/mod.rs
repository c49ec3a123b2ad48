//! Looks at everything that is measured, when somebody asks and never otherwise; tells Prometheus
//! ([`endpoint`]) and receivers of OpenTelemetry ([`push`]) where the operator wants it.

pub mod endpoint;
pub mod push;

use crate::capability::inference::Inference;
use crate::capability::metric::Metrics;
use crate::clock::Clock;
use crate::cloud::Link;
use crate::cloud::spool::Spool;
use crate::deployment::queue::Queue;
use crate::metrics::{ComponentFigures, Figures, NucleusFigures, Registry, Reported, Usage};
use crate::store::Store;
use crate::supervisor::{ComponentStatus, Supervisor};
use futures_util::future::join_all;
use gg_model::{ComponentName, ThingName};
use std::time::{Duration, Instant};

/// How long one component may take to be looked at. An engine of containers may be busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who knows what is measured. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    pub(crate) clock: Clock,
    /// The machine-learning models.
    pub(crate) models: Inference,
    pub(crate) counters: Registry,
    pub(crate) queue: Queue,
    /// What components report of themselves.
    pub(crate) reported: Metrics,
    /// What waits for the cloud, if anything may.
    pub(crate) spool: Option<Spool>,
    /// The link to the cloud, if there is one.
    pub(crate) link: Option<Link>,
    pub(crate) started: Instant,
    pub(crate) store: Store,
    pub(crate) supervisor: Supervisor,
    pub(crate) thing: ThingName,
}

impl Monitor {
    /// Everything, now.
    pub(crate) async fn look(&self) -> Figures {
        let statuses = self.supervisor.statuses();
        let components =
            join_all(statuses.iter().map(|(name, status)| self.component(name, status))).await;
        Figures {
            time: self.clock.unix_millis(),
            thing_name: self.thing.to_string(),
            nucleus: self.nucleus(),
            components,
            models: self.models.figures(),
        }
    }

    fn nucleus(&self) -> NucleusFigures {
        let usage = Usage::of_process(None);
        let ended = self.queue.ended_so_far();
        NucleusFigures {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: self.started.elapsed().as_secs_f64(),
            cpu_seconds: usage.cpu.map(|time| time.as_secs_f64()),
            memory_bytes: usage.memory,
            deployments: ended
                .map(|(state, count)| (state.to_string().to_lowercase(), count))
                .into(),
            store_commits: self.store.commits(),
            link: self.link.as_ref().map(Link::figures),
            spool: self.spool.as_ref().map(Spool::figures),
        }
    }

    fn reported(&self, name: &ComponentName) -> Vec<Reported> {
        let sums = self.reported.of(name).into_iter();
        sums.map(|((name, unit), sum)| Reported { name, unit: unit.to_owned(), sum }).collect()
    }

    async fn component(&self, name: &ComponentName, status: &ComponentStatus) -> ComponentFigures {
        let usage = match &status.hold {
            Some(hold) => tokio::time::timeout(PATIENCE, hold.usage()).await.unwrap_or_default(),
            None => Usage::default(),
        };
        let counters = self.counters.of(name);
        ComponentFigures {
            component_name: name.to_string(),
            version: status.version.to_string(),
            runtime: status.runtime.name().to_owned(),
            state: status.state.to_string(),
            paused: status.is_paused(),
            starts: status.starts,
            errors: status.errors,
            cpu_seconds: usage.cpu.map(|time| time.as_secs_f64()),
            memory_bytes: usage.memory,
            processes: usage.processes,
            messages_published: counters.published.total(),
            messages_delivered: counters.delivered.total(),
            messages_dropped: counters.dropped.total(),
            log_records_dropped: counters.logs_dropped.total(),
            reported: self.reported(name),
        }
    }
}
