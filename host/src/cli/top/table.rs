//! PURE: two looks at a nucleus as a table.

use crate::metrics::{ComponentFigures, Figures, ModelFigures, NucleusFigures, Reported};
use bytesize::ByteSize;
use clap::ValueEnum;
use serde::Serialize;
use std::cmp::Ordering;
use std::fmt::Write as _;

/// What comes first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(super) enum Sort {
    /// What takes most processor time.
    #[default]
    Cpu,
    /// What has most memory.
    Memory,
    /// What sends and receives most messages.
    Messages,
    /// By name.
    Name,
    /// What was started again most often.
    Restarts,
}

impl Sort {
    /// The next of them.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Cpu => Self::Memory,
            Self::Memory => Self::Messages,
            Self::Messages => Self::Restarts,
            Self::Restarts => Self::Name,
            Self::Name => Self::Cpu,
        }
    }
}

/// The components of a device, and what they do and use.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Table {
    time: i64,
    thing_name: String,
    nucleus: NucleusFigures,
    components: Vec<Row>,
    models: Vec<ModelFigures>,
}

/// One component.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    component_name: String,
    version: String,
    runtime: String,
    state: String,
    paused: bool,
    cpu_percent: Option<f64>,
    memory_bytes: Option<u64>,
    messages_per_second: Option<f64>,
    restarts: u64,
    errors: u64,
    reported: Vec<Reported>,
}

impl Table {
    /// What is now, and what happened since the look before.
    pub(super) fn new(before: Option<&Figures>, now: &Figures) -> Self {
        let uptime = |figures: &Figures| figures.nucleus.uptime_seconds;
        let seconds = before.map(|before| uptime(now) - uptime(before));
        // Of another nucleus, the numbers began anew.
        let since = seconds.filter(|seconds| *seconds > 0.0).zip(before);
        let row = |one: &ComponentFigures| {
            let before = since.and_then(|(seconds, before)| {
                let all = &mut before.components.iter();
                Some((seconds, all.find(|other| other.component_name == one.component_name)?))
            });
            Row::new(one, before)
        };
        Self {
            time: now.time,
            thing_name: now.thing_name.clone(),
            nucleus: now.nucleus.clone(),
            components: now.components.iter().map(row).collect(),
            models: now.models.clone(),
        }
    }

    /// Put first what comes first.
    pub(super) fn sort(&mut self, sort: Sort) {
        fn most<T: PartialOrd>(one: T, other: T) -> Ordering {
            other.partial_cmp(&one).unwrap_or(Ordering::Equal)
        }
        self.components.sort_by(|one, other| {
            let order = match sort {
                Sort::Cpu => most(one.cpu_percent, other.cpu_percent),
                Sort::Memory => most(one.memory_bytes, other.memory_bytes),
                Sort::Messages => most(one.messages_per_second, other.messages_per_second),
                Sort::Restarts => most(one.restarts, other.restarts),
                Sort::Name => Ordering::Equal,
            };
            order.then_with(|| one.component_name.cmp(&other.component_name))
        });
    }

    /// For people.
    pub(super) fn text(&self, sort: Sort, colours: bool) -> String {
        let mut text = String::new();
        let nucleus = &self.nucleus;
        let up = std::time::Duration::from_secs(whole(nucleus.uptime_seconds));
        let memory = nucleus.memory_bytes.map_or_else(|| "-".to_owned(), bytes);
        let spool = nucleus.spool.as_ref().filter(|spool| spool.messages > 0).map(|spool| {
            format!(", {} messages ({}) wait for the cloud", spool.messages, bytes(spool.bytes))
        });
        let spool = spool.unwrap_or_default();
        let link = match &nucleus.link {
            Some(link) if !link.up => ", not connected to the broker",
            _ => "",
        };
        let _infallible = writeln!(
            text,
            "{}: gg-host {}, up {}, {memory}, {} components{link}{spool}",
            self.thing_name,
            nucleus.version,
            humantime::format_duration(up),
            self.components.len(),
        );
        if let Some(fault) = nucleus.link.as_ref().and_then(|link| link.fault.as_ref()) {
            let _infallible = writeln!(text, "{}", crate::logs::presentable(fault, 400));
        }
        let longest = self.components.iter().map(|row| row.component_name.len()).max();
        let width = longest.unwrap_or_default().max("NAME".len() + 1);
        let mark = |column: Sort, title: &str| match column == sort {
            true => format!("{title}*"),
            false => title.to_owned(),
        };
        let (bold, plain) = if colours { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let _infallible = writeln!(
            text,
            "{bold}{:<width$}  {:<10} {:<7} {:<18} {:>6} {:>10} {:>8} {:>9}{plain}",
            mark(Sort::Name, "NAME"),
            "VERSION",
            "RUNTIME",
            "STATE",
            mark(Sort::Cpu, "CPU%"),
            mark(Sort::Memory, "MEMORY"),
            mark(Sort::Messages, "MSG/S"),
            mark(Sort::Restarts, "RESTARTS"),
        );
        for row in &self.components {
            let paused = if row.paused { " (paused)" } else { "" };
            let one_digit = |number: Option<f64>| {
                number.map_or_else(|| "-".to_owned(), |number| format!("{number:.1}"))
            };
            let _infallible = writeln!(
                text,
                "{:<width$}  {:<10} {:<7} {:<18} {:>6} {:>10} {:>8} {:>9}",
                row.component_name,
                row.version,
                row.runtime,
                format!("{}{paused}", row.state),
                one_digit(row.cpu_percent),
                row.memory_bytes.map_or_else(|| "-".to_owned(), bytes),
                one_digit(row.messages_per_second),
                row.restarts,
            );
        }
        if !self.models.is_empty() {
            models(&mut text, &self.models, (bold, plain));
        }
        text
    }
}

/// A line for each model; times are of all predictions since the nucleus was started.
fn models(text: &mut String, models: &[ModelFigures], (bold, plain): (&str, &str)) {
    let longest = models.iter().map(|model| model.model_name.len()).max();
    let width = longest.unwrap_or_default().max("MODEL".len());
    let unknown = || "-".to_owned();
    let _infallible = writeln!(
        text,
        "\n{bold}{:<width$}  {:<10} {:<18} {:>10} {:>9} {:>8} {:>8} {:>10}{plain}",
        "MODEL", "VERSION", "BACKEND", "MEMORY", "CALLS", "ERRORS", "WAITING", "MEAN",
    );
    for model in models {
        let made = model.made;
        let mean = (made > 0).then(|| format!("{:.3} ms", model.seconds * 1e3 / made as f64));
        let _infallible = writeln!(
            text,
            "{:<width$}  {:<10} {:<18} {:>10} {:>9} {:>8} {:>8} {:>10}",
            model.model_name,
            model.version,
            model.backend.clone().unwrap_or_else(unknown),
            model.memory_bytes.map_or_else(unknown, bytes),
            model.calls,
            model.errors,
            model.waiting,
            mean.unwrap_or_else(unknown),
        );
    }
}

impl Row {
    fn new(now: &ComponentFigures, before: Option<(f64, &ComponentFigures)>) -> Self {
        let rate = |measured: fn(&ComponentFigures) -> Option<f64>| {
            let (seconds, before) = before?;
            // What is less than it was has begun anew.
            let more = measured(now)? - measured(before)?;
            (more >= 0.0).then_some(more / seconds)
        };
        let messages = |one: &ComponentFigures| {
            Some(one.messages_published.saturating_add(one.messages_delivered) as f64)
        };
        Self {
            component_name: now.component_name.clone(),
            version: now.version.clone(),
            runtime: now.runtime.clone(),
            state: now.state.clone(),
            paused: now.paused,
            cpu_percent: rate(|one| one.cpu_seconds).map(|share| share * 100.0),
            memory_bytes: now.memory_bytes,
            messages_per_second: rate(messages),
            restarts: now.restarts(),
            errors: now.errors,
            reported: now.reported.clone(),
        }
    }
}

fn bytes(count: u64) -> String {
    ByteSize::b(count).display().iec().to_string()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion of floats saturates, and time is not negative"
)]
fn whole(seconds: f64) -> u64 {
    seconds as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(uptime_seconds: f64, components: &[(&str, f64, u64)]) -> Figures {
        let component = |(name, cpu, published): &(&str, f64, u64)| ComponentFigures {
            component_name: (*name).to_owned(),
            version: "1.0.0".to_owned(),
            runtime: "wasm".to_owned(),
            state: "RUNNING".to_owned(),
            paused: *name == "com.example.B",
            starts: 1,
            errors: 0,
            cpu_seconds: Some(*cpu),
            memory_bytes: Some(3 << 20),
            processes: None,
            messages_published: *published,
            messages_delivered: 0,
            messages_dropped: 0,
            log_records_dropped: 0,
            reported: Vec::new(),
        };
        Figures {
            models: Vec::new(),
            time: 0,
            thing_name: "line-2".to_owned(),
            nucleus: NucleusFigures { uptime_seconds, ..NucleusFigures::default() },
            components: components.iter().map(component).collect(),
        }
    }

    fn names(table: &Table) -> Vec<&str> {
        table.components.iter().map(|row| row.component_name.as_str()).collect()
    }

    #[test]
    fn what_happened_between_two_looks_is_shown() {
        let before = figures(10.0, &[("com.example.A", 1.0, 0), ("com.example.B", 5.0, 10)]);
        let now = figures(12.0, &[("com.example.A", 1.5, 1), ("com.example.B", 5.1, 50)]);
        let mut table = Table::new(Some(&before), &now);
        table.sort(Sort::Cpu);
        assert_eq!(names(&table), ["com.example.A", "com.example.B"]);
        assert_eq!(table.components[0].cpu_percent, Some(25.0));
        assert_eq!(table.components[1].messages_per_second, Some(20.0));
        table.sort(Sort::Messages);
        assert_eq!(names(&table), ["com.example.B", "com.example.A"]);
        let text = table.text(Sort::Messages, false);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains(" MSG/S* "), "{text}");
        let row = "com.example.B  1.0.0      wasm    RUNNING (paused)      5.0    3.0 MiB     20.0         0";
        assert_eq!(lines[2], row);
    }

    #[test]
    fn what_cannot_be_known_is_not_shown() {
        let now = figures(2.0, &[("com.example.A", 1.0, 0)]);
        let first = Table::new(None, &now);
        assert_eq!(first.components[0].cpu_percent, None);
        let other_nucleus = figures(50.0, &[("com.example.A", 0.5, 0)]);
        assert_eq!(Table::new(Some(&other_nucleus), &now).components[0].cpu_percent, None);
        let began_anew = figures(1.0, &[("com.example.A", 7.0, 0)]);
        let table = Table::new(Some(&began_anew), &now);
        assert_eq!(table.components[0].cpu_percent, None);
        assert_eq!(table.components[0].messages_per_second, Some(0.0));
        assert!(table.text(Sort::Cpu, false).contains("      -    3.0 MiB      0.0"));
    }

    #[test]
    fn every_order_comes_in_its_turn() {
        let mut sort = Sort::default();
        let mut seen = Vec::new();
        for _ in 0..Sort::value_variants().len() {
            assert!(!seen.contains(&sort));
            seen.push(sort);
            sort = sort.next();
        }
        assert_eq!(sort, Sort::default());
    }
}
