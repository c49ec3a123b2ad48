//! Figures as families of samples: a name, what it means, and a number for each set of labels.

use super::{ComponentFigures, Figures, LinkFigures, ModelFigures, SpoolFigures};

/// What kind of number a family holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Only grows, or begins anew.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// Samples of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Its name, without the `_total` of a counter.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its samples.
    pub samples: Vec<Sample>,
}

/// A number, and what it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
}

impl Family {
    fn new(
        (name, kind, help): (&'static str, Kind, &'static str),
        samples: impl IntoIterator<Item = Sample>,
    ) -> Self {
        Self { name, help, kind, samples: samples.into_iter().collect() }
    }
}

/// What is measured of each component.
type Measured = fn(&ComponentFigures) -> Option<f64>;

/// Each number of a component: its name, kind and meaning.
const OF_COMPONENTS: [((&str, Kind, &str), Measured); 10] = [
    (("gg_component_paused", Kind::Gauge, "Whether the component is halted."), |one| {
        Some(f64::from(u8::from(one.paused)))
    }),
    (("gg_component_restarts", Kind::Counter, "Starts of the component after the first."), |one| {
        number(one.restarts())
    }),
    (("gg_component_errors", Kind::Counter, "Failures of the component."), |one| {
        number(one.errors)
    }),
    (("gg_component_cpu_seconds", Kind::Counter, "Processor time of the component."), |one| {
        one.cpu_seconds
    }),
    (("gg_component_memory_bytes", Kind::Gauge, "Memory of the component."), |one| {
        one.memory_bytes.and_then(number)
    }),
    (("gg_component_processes", Kind::Gauge, "Processes of the component."), |one| {
        one.processes.and_then(number)
    }),
    (
        (
            "gg_component_messages_published",
            Kind::Counter,
            "Messages that the component published to local topics.",
        ),
        |one| number(one.messages_published),
    ),
    (
        (
            "gg_component_messages_delivered",
            Kind::Counter,
            "Messages of local topics that the component received.",
        ),
        |one| number(one.messages_delivered),
    ),
    (
        (
            "gg_component_messages_dropped",
            Kind::Counter,
            "Messages that the component lost because its queues were full.",
        ),
        |one| number(one.messages_dropped),
    ),
    (
        (
            "gg_component_log_records_dropped",
            Kind::Counter,
            "Log records of the component that were left out.",
        ),
        |one| number(one.log_records_dropped),
    ),
];

/// All figures, in families.
pub fn families(figures: &Figures) -> Vec<Family> {
    let mut all = of_nucleus(figures);
    let info = ("gg_component_info", Kind::Gauge, "What runs the component, and its version.");
    let state = ("gg_component_state", Kind::Gauge, "The state that the component is in.");
    all.push(Family::new(
        info,
        figures.components.iter().map(|one| {
            let mut labels = component(one);
            labels.extend([("version", one.version.clone()), ("runtime", one.runtime.clone())]);
            Sample { labels, value: 1.0 }
        }),
    ));
    all.push(Family::new(
        state,
        figures.components.iter().map(|one| {
            let mut labels = component(one);
            labels.push(("state", one.state.clone()));
            Sample { labels, value: 1.0 }
        }),
    ));
    for (what, measured) in OF_COMPONENTS {
        let sample = |one| Some(Sample { labels: component(one), value: measured(one)? });
        all.push(Family::new(what, figures.components.iter().filter_map(sample)));
    }
    all.push(reported(figures));
    all.extend(of_models(&figures.models));
    all.retain(|family| !family.samples.is_empty());
    all
}

/// What components report, whose names are theirs: they are values of a label.
fn reported(figures: &Figures) -> Family {
    let samples = figures.components.iter().flat_map(|one| {
        one.reported.iter().map(|metric| {
            let mut labels = component(one);
            labels.extend([("metric", metric.name.clone()), ("unit", metric.unit.clone())]);
            Sample { labels, value: metric.sum }
        })
    });
    let what = (
        "gg_component_reported",
        Kind::Counter,
        "What the component reports of itself, summed up since the nucleus was started.",
    );
    Family::new(what, samples)
}

fn of_nucleus(figures: &Figures) -> Vec<Family> {
    use Kind::{Counter, Gauge};
    let nucleus = &figures.nucleus;
    let one = |value: f64| Some(Sample { labels: Vec::new(), value });
    let info = Sample {
        labels: vec![("version", nucleus.version.clone()), ("thing", figures.thing_name.clone())],
        value: 1.0,
    };
    let deployments = nucleus.deployments.iter().map(|(outcome, count)| Sample {
        labels: vec![("outcome", outcome.clone())],
        value: *count as f64,
    });
    let mut all = vec![
        Family::new(("gg_nucleus_info", Gauge, "The nucleus and its device."), [info]),
        Family::new(
            ("gg_nucleus_uptime_seconds", Gauge, "Time since the nucleus was started."),
            one(nucleus.uptime_seconds),
        ),
        Family::new(
            ("gg_nucleus_deployments", Counter, "Deployments that ended, by how they did."),
            deployments,
        ),
        Family::new(
            ("gg_nucleus_store_commits", Counter, "Transactions that the nucleus wrote to disk."),
            one(nucleus.store_commits as f64),
        ),
        // These two have the names that Prometheus gives them for every process.
        Family::new(
            ("process_cpu_seconds", Counter, "Processor time of the nucleus's process."),
            nucleus.cpu_seconds.and_then(one),
        ),
        Family::new(
            ("process_resident_memory_bytes", Gauge, "Memory of the nucleus's process."),
            nucleus.memory_bytes.and_then(|bytes| one(bytes as f64)),
        ),
    ];
    all.extend(nucleus.link.iter().flat_map(of_link));
    all.extend(nucleus.spool.iter().flat_map(of_spool));
    all
}

/// What a number of some figures is, and how it is read off them.
type Counted<F> = ((&'static str, Kind, &'static str), fn(&F) -> u64);

/// Each number of the link: its name, kind and meaning.
const OF_LINK: [Counted<LinkFigures>; 5] = [
    (("gg_link_up", Kind::Gauge, "Whether there is a connection to the broker."), |link| {
        link.up.into()
    }),
    (("gg_link_connections", Kind::Counter, "Connections that were made to the broker."), |link| {
        link.connections
    }),
    (("gg_link_messages_received", Kind::Counter, "Messages that the broker sent."), |link| {
        link.received
    }),
    (
        ("gg_link_messages_unclaimed", Kind::Counter, "Messages that came and that nobody took."),
        |link| link.unclaimed,
    ),
    (
        ("gg_link_messages_refused", Kind::Counter, "Messages that the broker did not take."),
        |link| link.refused,
    ),
];

fn of_link(link: &LinkFigures) -> Vec<Family> {
    let counts = OF_LINK.into_iter().map(|(what, measured)| {
        Family::new(what, [Sample { labels: Vec::new(), value: measured(link) as f64 }])
    });
    counts.collect()
}

/// Each number of the spool: its name, kind and meaning.
const OF_SPOOL: [Counted<SpoolFigures>; 5] = [
    (("gg_spool_messages", Kind::Gauge, "Messages that wait for the cloud."), |spool| {
        spool.messages
    }),
    (("gg_spool_bytes", Kind::Gauge, "What the messages take that wait for the cloud."), |spool| {
        spool.bytes
    }),
    (
        ("gg_spool_messages_taken", Kind::Counter, "Messages that were to go to the cloud."),
        |spool| spool.taken,
    ),
    (("gg_spool_messages_sent", Kind::Counter, "Messages that the cloud has."), |spool| spool.sent),
    (
        (
            "gg_spool_messages_again",
            Kind::Counter,
            "Messages that were under way when the connection was lost, and were sent again.",
        ),
        |spool| spool.again,
    ),
];

fn of_spool(spool: &SpoolFigures) -> Vec<Family> {
    let counts = OF_SPOOL.into_iter().map(|(what, measured)| {
        Family::new(what, [Sample { labels: Vec::new(), value: measured(spool) as f64 }])
    });
    let lost = spool.lost.iter().map(|(reason, count)| Sample {
        labels: vec![("reason", reason.clone())],
        value: *count as f64,
    });
    let help = "Messages to the cloud that were lost or refused, by reason.";
    counts.chain([Family::new(("gg_spool_messages_lost", Kind::Counter, help), lost)]).collect()
}

/// What is measured of each model.
type OfModel = fn(&ModelFigures) -> Option<f64>;

/// Each number of a model: its name, kind and meaning.
const OF_MODELS: [((&str, Kind, &str), OfModel); 13] = [
    (("gg_model_loaded", Kind::Gauge, "Whether the model is in memory."), |one| {
        Some(f64::from(u8::from(one.loaded)))
    }),
    (("gg_model_memory_bytes", Kind::Gauge, "Memory of the model's worker."), |one| {
        one.memory_bytes.and_then(number)
    }),
    (("gg_model_waiting", Kind::Gauge, "Predictions that wait for the model."), |one| {
        number(one.waiting)
    }),
    (("gg_model_calls", Kind::Counter, "Predictions that were asked for."), |one| {
        number(one.calls)
    }),
    (("gg_model_errors", Kind::Counter, "Predictions that were not made."), |one| {
        number(one.errors)
    }),
    (("gg_model_predictions", Kind::Counter, "Predictions that were made."), |one| {
        number(one.made)
    }),
    (("gg_model_late", Kind::Counter, "Predictions that took too long."), |one| number(one.late)),
    (("gg_model_refused", Kind::Counter, "Predictions for which the queue had no room."), |one| {
        number(one.refused)
    }),
    (
        (
            "gg_model_seconds",
            Kind::Counter,
            "Time from question to answer of all predictions made.",
        ),
        |one| Some(one.seconds),
    ),
    (("gg_model_runs", Kind::Counter, "Runs, of one prediction or a batch each."), |one| {
        number(one.runs)
    }),
    (("gg_model_loads", Kind::Counter, "Times that the model was loaded."), |one| {
        number(one.loads)
    }),
    (("gg_model_evictions", Kind::Counter, "Times that the model made room for others."), |one| {
        number(one.evictions)
    }),
    (
        (
            "gg_model_crashes",
            Kind::Counter,
            "Times that the model's worker ended over a prediction.",
        ),
        |one| number(one.crashes),
    ),
];

fn of_models(models: &[ModelFigures]) -> Vec<Family> {
    let labels = |one: &ModelFigures| vec![("model", one.model_name.clone())];
    let info = models.iter().map(|one| {
        let mut labels = labels(one);
        labels.push(("version", one.version.clone()));
        labels.extend(one.backend.iter().map(|backend| ("backend", backend.clone())));
        labels.extend(one.device.iter().map(|device| ("device", device.clone())));
        Sample { labels, value: 1.0 }
    });
    let what = ("gg_model_info", Kind::Gauge, "The model's version, and what runs it where.");
    let counts = OF_MODELS.into_iter().map(|(what, measured)| {
        let sample = |one| Some(Sample { labels: labels(one), value: measured(one)? });
        Family::new(what, models.iter().filter_map(sample))
    });
    std::iter::once(Family::new(what, info)).chain(counts).collect()
}

fn component(one: &ComponentFigures) -> Vec<(&'static str, String)> {
    vec![("component", one.component_name.clone())]
}

fn number(value: u64) -> Option<f64> {
    Some(value as f64)
}
