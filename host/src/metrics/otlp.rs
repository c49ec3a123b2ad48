//! Figures as OpenTelemetry has them: a request of OTLP over HTTP, in JSON (opentelemetry-proto,
//! `ExportMetricsServiceRequest`). Names are those of its semantic conventions where it has them.
//!
//! The nucleus is one resource, and each component is one.

use super::{ComponentFigures, Figures, LinkFigures, ModelFigures, SpoolFigures};
use serde_json::{Value, json};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;

/// Who says what the nucleus measures.
const SCOPE: &str = "gg-host";

/// The attribute that says whose messages they are.
const MESSAGING: (&str, &str) = ("messaging.system", "gg_local");

/// What is sent for these figures.
pub fn request(figures: &Figures) -> Value {
    let nucleus = nucleus(figures);
    let components = figures.components.iter().map(|one| component(figures, one));
    json!({ "resourceMetrics": std::iter::once(nucleus).chain(components).collect::<Vec<_>>() })
}

/// Makes metrics of one moment.
struct Writer {
    time: String,
    started: String,
    metrics: Vec<Value>,
    /// Those that are written, by who says them.
    scopes: Vec<Value>,
}

/// How a number behaves.
enum Number {
    Count(u64),
    Sum(f64),
}

impl Writer {
    fn new(figures: &Figures) -> Self {
        let nanos = |millis: f64| format!("{:.0}", millis.max(0.0) * 1e6);
        let now = figures.time as f64;
        let started = nanos(now - figures.nucleus.uptime_seconds * 1e3);
        Self { time: nanos(now), started, metrics: Vec::new(), scopes: Vec::new() }
    }

    fn point(&self, number: &Number, attributes: &[(&str, &str)]) -> Value {
        let mut point = json!({
            "timeUnixNano": self.time,
            "attributes": attributes_of(attributes),
        });
        match number {
            // A whole number of 64 bits is text in this encoding.
            Number::Count(count) => point["asInt"] = count.to_string().into(),
            Number::Sum(sum) => point["asDouble"] = (*sum).into(),
        }
        point
    }

    fn push(&mut self, name: &str, unit: &str, kind: &str, data: Value) {
        self.metrics.push(json!({ "name": name, "unit": unit, kind: data }));
    }

    fn gauge(&mut self, name: &str, unit: &str, number: &Number, attributes: &[(&str, &str)]) {
        let points = [self.point(number, attributes)];
        self.push(name, unit, "gauge", json!({ "dataPoints": points }));
    }

    /// A sum of what only grows. One that begins anew by itself does not say when it began.
    fn sum(&mut self, name: &str, unit: &str, since_start: bool, points: Vec<Value>) {
        let began = |mut point: Value| {
            if since_start {
                point["startTimeUnixNano"] = self.started.clone().into();
            }
            point
        };
        let points: Vec<Value> = points.into_iter().map(began).collect();
        let data = json!({
            "dataPoints": points,
            "aggregationTemporality": CUMULATIVE,
            "isMonotonic": true,
        });
        self.push(name, unit, "sum", data);
    }

    fn count(&mut self, name: &str, unit: &str, count: u64, attributes: &[(&str, &str)]) {
        let point = self.point(&Number::Count(count), attributes);
        self.sum(name, unit, true, vec![point]);
    }

    /// What processes are measured by.
    fn process(&mut self, cpu: Option<f64>, memory: Option<u64>, since_start: bool) {
        if let Some(seconds) = cpu {
            let point = self.point(&Number::Sum(seconds), &[]);
            self.sum("process.cpu.time", "s", since_start, vec![point]);
        }
        if let Some(bytes) = memory {
            let points = [self.point(&Number::Count(bytes), &[])];
            let data = json!({
                "dataPoints": points,
                "aggregationTemporality": CUMULATIVE,
                "isMonotonic": false,
            });
            self.push("process.memory.usage", "By", "sum", data);
        }
    }

    /// What was written so far is of this scope; what follows is of another.
    fn close_scope(&mut self, name: &str, version: &str) {
        let scope = json!({ "name": name, "version": version });
        let metrics = std::mem::take(&mut self.metrics);
        if !metrics.is_empty() {
            self.scopes.push(json!({ "scope": scope, "metrics": metrics }));
        }
    }

    fn resource(self, attributes: &[(&str, &str)]) -> Value {
        json!({
            "resource": { "attributes": attributes_of(attributes) },
            "scopeMetrics": self.scopes,
        })
    }
}

fn nucleus(figures: &Figures) -> Value {
    let (mut writer, nucleus) = (Writer::new(figures), &figures.nucleus);
    writer.process(nucleus.cpu_seconds, nucleus.memory_bytes, true);
    writer.gauge("process.uptime", "s", &Number::Sum(nucleus.uptime_seconds), &[]);
    let outcomes = nucleus.deployments.iter();
    let points = outcomes
        .map(|(outcome, count)| writer.point(&Number::Count(*count), &[("gg.outcome", outcome)]))
        .collect();
    writer.sum("gg.nucleus.deployments", "{deployment}", true, points);
    writer.count("gg.nucleus.store.commits", "{transaction}", nucleus.store_commits, &[]);
    if let Some(link) = &nucleus.link {
        of_link(&mut writer, link);
    }
    if let Some(spool) = &nucleus.spool {
        of_spool(&mut writer, spool);
    }
    figures.models.iter().for_each(|model| of_model(&mut writer, model));
    writer.close_scope(SCOPE, env!("CARGO_PKG_VERSION"));
    writer.resource(&[
        ("service.name", "gg-host"),
        ("service.version", &nucleus.version),
        ("service.instance.id", &figures.thing_name),
    ])
}

fn of_link(writer: &mut Writer, link: &LinkFigures) {
    writer.gauge("gg.link.up", "1", &Number::Count(link.up.into()), &[]);
    writer.count("gg.link.connections", "{connection}", link.connections, &[]);
    for (name, count) in [
        ("gg.link.messages.received", link.received),
        ("gg.link.messages.unclaimed", link.unclaimed),
        ("gg.link.messages.refused", link.refused),
    ] {
        writer.count(name, "{message}", count, &[]);
    }
}

fn of_spool(writer: &mut Writer, spool: &SpoolFigures) {
    writer.gauge("gg.spool.messages", "{message}", &Number::Count(spool.messages), &[]);
    writer.gauge("gg.spool.size", "By", &Number::Count(spool.bytes), &[]);
    for (name, count) in [
        ("gg.spool.messages.taken", spool.taken),
        ("gg.spool.messages.sent", spool.sent),
        ("gg.spool.messages.again", spool.again),
    ] {
        writer.count(name, "{message}", count, &[]);
    }
    let lost = spool.lost.iter();
    let points = lost
        .map(|(reason, count)| writer.point(&Number::Count(*count), &[("gg.reason", reason)]))
        .collect();
    writer.sum("gg.spool.messages.lost", "{message}", true, points);
}

fn of_model(writer: &mut Writer, model: &ModelFigures) {
    let mut attributes =
        vec![("gg.model.name", &*model.model_name), ("gg.model.version", &*model.version)];
    attributes.extend(model.backend.as_deref().map(|backend| ("gg.model.backend", backend)));
    for (name, unit, value) in [
        ("gg.model.loaded", "1", Some(model.loaded.into())),
        ("gg.model.memory", "By", model.memory_bytes),
        ("gg.model.waiting", "{prediction}", Some(model.waiting)),
    ] {
        if let Some(value) = value {
            writer.gauge(name, unit, &Number::Count(value), &attributes);
        }
    }
    for (name, unit, count) in [
        ("gg.model.calls", "{prediction}", model.calls),
        ("gg.model.predictions", "{prediction}", model.made),
        ("gg.model.errors", "{prediction}", model.errors),
        ("gg.model.late", "{prediction}", model.late),
        ("gg.model.refused", "{prediction}", model.refused),
        ("gg.model.runs", "{run}", model.runs),
        ("gg.model.loads", "{load}", model.loads),
        ("gg.model.evictions", "{eviction}", model.evictions),
        ("gg.model.crashes", "{crash}", model.crashes),
    ] {
        writer.count(name, unit, count, &attributes);
    }
    let point = writer.point(&Number::Sum(model.seconds), &attributes);
    writer.sum("gg.model.time", "s", true, vec![point]);
}

fn component(figures: &Figures, one: &ComponentFigures) -> Value {
    let mut writer = Writer::new(figures);
    writer.process(one.cpu_seconds, one.memory_bytes, false);
    if let Some(processes) = one.processes {
        writer.gauge("gg.component.processes", "{process}", &Number::Count(processes), &[]);
    }
    let paused = if one.paused { "true" } else { "false" };
    let state = [("gg.component.state", one.state.as_str()), ("gg.component.paused", paused)];
    writer.gauge("gg.component.state", "1", &Number::Count(1), &state);
    let operation = |operation| [MESSAGING, ("messaging.operation.name", operation)];
    let messages = [
        ("messaging.client.sent.messages", one.messages_published, "publish"),
        ("messaging.client.consumed.messages", one.messages_delivered, "receive"),
    ];
    for (name, count, name_of_operation) in messages {
        writer.count(name, "{message}", count, &operation(name_of_operation));
    }
    let counts = [
        ("gg.component.restarts", "{restart}", one.restarts()),
        ("gg.component.errors", "{error}", one.errors),
        ("gg.component.messages.dropped", "{message}", one.messages_dropped),
        ("gg.component.log_records.dropped", "{record}", one.log_records_dropped),
    ];
    for (name, unit, count) in counts {
        writer.count(name, unit, count, &[]);
    }
    writer.close_scope(SCOPE, env!("CARGO_PKG_VERSION"));
    for metric in &one.reported {
        let point = writer.point(&Number::Sum(metric.sum), &[]);
        writer.sum(&metric.name, unit(&metric.unit), true, vec![point]);
    }
    // Its names are its own: they mean what they mean in its namespace.
    writer.close_scope(one.component_name.as_ref(), &one.version);
    writer.resource(&[
        ("service.name", one.component_name.as_str()),
        ("service.version", &one.version),
        ("service.namespace", "gg-host"),
        ("service.instance.id", &figures.thing_name),
        ("gg.component.runtime", &one.runtime),
    ])
}

/// Greengrass's word for a unit, as UCUM has it.
fn unit(word: &str) -> &str {
    match word {
        "BYTES" => "By",
        "BYTES_PER_SECOND" => "By/s",
        "COUNT" => "1",
        "COUNT_PER_SECOND" => "1/s",
        "MEGABYTES" => "MBy",
        "SECONDS" => "s",
        other => other,
    }
}

fn attributes_of(attributes: &[(&str, &str)]) -> Vec<Value> {
    let attribute =
        |(key, value): &(&str, &str)| json!({ "key": key, "value": { "stringValue": value } });
    attributes.iter().map(attribute).collect()
}
