//! The host's own log (`tracing`) as records, to stand in `greengrass.log` beside the logs of
//! components. Standard error has its own level; this one can be set while the host runs.

use super::{LOGGER, Level, Record, Source, presentable};
use crate::clock::Clock;
use gg_model::ComponentName;
use gg_model::name::NameError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, callsite};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

/// Records that wait for the file. More are left out and counted.
const QUEUE: usize = 1024;

/// Bytes of a message and of a field.
const MOST: usize = 16 << 10;

/// The log's name, which is that of its file.
const NAME: &str = "greengrass";

/// How the names of this project's crates begin.
const CRATES: &str = "gg_";

/// A field with one of these in its name may hold what nobody is to read.
const SECRET: [&str; 6] = ["authorization", "credential", "password", "private", "secret", "token"];

/// Turns what the host says into records. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OwnLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: ComponentName,
    least: AtomicU8,
    clock: Clock,
    records: mpsc::Sender<Record>,
    left_out: AtomicU64,
}

impl OwnLog {
    /// Records at least of this level, and where they come out.
    ///
    /// # Errors
    /// Never: its name is one.
    pub fn new(least: Level, clock: Clock) -> Result<(Self, mpsc::Receiver<Record>), NameError> {
        let (records, receiver) = mpsc::channel(QUEUE);
        let (name, left_out) = (NAME.parse()?, AtomicU64::new(0));
        let least = AtomicU8::new(least as u8);
        Ok((Self(Arc::new(Inner { name, least, clock, records, left_out })), receiver))
    }

    /// Keep records of this level and above from now on.
    pub fn set_level(&self, least: Level) {
        self.0.least.store(least as u8, Ordering::Relaxed);
        callsite::rebuild_interest_cache();
    }

    /// What `tracing` is to be given.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        self.clone().with_filter(self.clone())
    }

    /// Of others' crates only warnings: their finer words may hold payloads and headers.
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let level = level(*metadata.level());
        let own = metadata.target().starts_with(CRATES);
        level as u8 >= self.0.least.load(Ordering::Relaxed) && (own || level >= Level::Warn)
    }

    /// Send what is said, if it can be; otherwise count.
    fn send(&self, level: Level, target: &str, count: u64, said: impl FnOnce() -> Said) {
        let Ok(place) = self.0.records.try_reserve() else {
            self.0.left_out.fetch_add(count, Ordering::Relaxed);
            return;
        };
        let said = said();
        let mut fields = vec![(LOGGER.to_owned(), target.to_owned())];
        fields.extend(said.fields);
        place.send(Record {
            at: self.0.clock.now(),
            component: self.0.name.clone(),
            level,
            source: Source::Host,
            message: said.message,
            fields,
            place: None,
        });
    }
}

impl<S> Filter<S> for OwnLog {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let least = self.0.least.load(Ordering::Relaxed);
        Some(match least {
            _ if least <= Level::Trace as u8 => LevelFilter::TRACE,
            _ if least <= Level::Debug as u8 => LevelFilter::DEBUG,
            _ if least <= Level::Info as u8 => LevelFilter::INFO,
            _ if least <= Level::Warn as u8 => LevelFilter::WARN,
            _ => LevelFilter::ERROR,
        })
    }
}

impl<S: Subscriber> Layer<S> for OwnLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (level, target) = (level(*event.metadata().level()), event.metadata().target());
        let left_out = self.0.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            let message = format!("{left_out} records of the host's own log left out");
            self.send(Level::Warn, target, left_out, || Said { message, fields: Vec::new() });
        }
        self.send(level, target, 1, || {
            let mut said = Said::default();
            event.record(&mut said);
            said
        });
    }
}

fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::TRACE => Level::Trace,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::INFO => Level::Info,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::ERROR => Level::Error,
    }
}

/// An event's message and fields.
#[derive(Debug, Default)]
struct Said {
    message: String,
    fields: Vec<(String, String)>,
}

impl Said {
    fn record(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
            return;
        }
        let name = field.name().to_ascii_lowercase();
        let value =
            if SECRET.iter().any(|word| name.contains(word)) { "(not shown)" } else { value };
        let value = presentable(value, MOST).into_owned();
        self.fields.push((field.name().to_owned(), value));
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, &format!("{value:?}"));
    }
}
