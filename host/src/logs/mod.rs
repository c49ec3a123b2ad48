//! What components say: log records and the lines of their standard output, limited in rate and
//! size, with the last few kept for the report of a crash. [`files`] writes them down, with the
//! host's own log ([`own`]), and [`read`] reads them back.

pub mod files;
pub mod format;
mod level;
mod lines;
mod names;
pub mod own;
mod rate;
pub mod read;
pub mod tee;
#[cfg(test)]
mod tests;
mod text;

pub use level::{LeastLevel, Level, LevelError, Source};
pub use lines::LineSplitter;
pub use text::{harmless, is_control, presentable, push_json};

use crate::clock::Clock;
use crate::metrics::Counters;
use format::Line;
use gg_model::{ComponentName, Exceeded, Limits};
use rate::Bucket;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};
use text::{cut, presentable_fields};
use tokio::sync::{Notify, mpsc};

/// Records between the components and whoever writes them down. More are left out and counted.
pub const QUEUE: usize = 2048;

/// How many of them may be of one component, so that a flood of one leaves room for the others.
const SHARE: usize = QUEUE / 4;

/// Last lines kept for the report of a crash.
const RECENT: usize = 10;

/// Bytes of each of them.
const RECENT_BYTES: usize = 400;

/// One thing a component said, or the host about it.
#[derive(Debug)]
pub struct Record {
    /// When.
    pub at: SystemTime,
    /// Which component.
    pub component: ComponentName,
    /// How much it matters.
    pub level: Level,
    /// Which way it came.
    pub source: Source,
    /// What was said.
    pub message: String,
    /// Keys and values beside it.
    pub fields: Vec<(String, String)>,
    /// Its place among the records of its component that wait; `None`: it takes none.
    pub place: Option<Place>,
}

/// The field, the first of a record, that says which part of the host speaks.
const LOGGER: &str = "logger";

impl Record {
    /// The same once more; it takes no place.
    fn copy(&self) -> Self {
        Self {
            at: self.at,
            component: self.component.clone(),
            level: self.level,
            source: self.source,
            message: self.message.clone(),
            fields: self.fields.clone(),
            place: None,
        }
    }

    /// It as a line of a log file.
    fn line(&self) -> Line<'_> {
        let (logger, fields) = match self.fields.split_first() {
            Some(((key, logger), rest)) if key == LOGGER && is_logger(logger) => (&**logger, rest),
            _ => (self.component.as_ref(), &*self.fields),
        };
        Line {
            at: self.at,
            level: self.level,
            source: self.source,
            logger: logger.into(),
            message: (&*self.message).into(),
            fields: fields.into(),
        }
    }

    /// A line of a component's log file as a record.
    fn from_line(component: ComponentName, line: Line<'_>) -> Self {
        let mut fields = line.fields.into_owned();
        if !line.logger.is_empty() && line.logger != component.as_ref() {
            fields.insert(0, (LOGGER.to_owned(), line.logger.into_owned()));
        }
        Self {
            at: line.at,
            component,
            level: line.level,
            source: line.source,
            message: line.message.into_owned(),
            fields,
            place: None,
        }
    }
}

/// Whether it can stand in a line for who speaks.
fn is_logger(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:$".contains(&byte);
    (1..=200).contains(&text.len()) && text.bytes().all(fits)
}

/// One of the places that a component's waiting records may take; given back when dropped.
#[derive(Debug)]
pub struct Place(Arc<Waiting>);

/// The records of one component that wait to be written down.
#[derive(Debug, Default)]
struct Waiting {
    count: AtomicUsize,
    fewer: Notify,
}

impl Waiting {
    fn take(self: &Arc<Self>) -> Option<Place> {
        let before = self.count.fetch_add(1, Ordering::SeqCst);
        let place = Place(Arc::clone(self));
        (before < SHARE).then_some(place)
    }

    fn has_room(&self) -> bool {
        self.count.load(Ordering::SeqCst) < SHARE / 2
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == SHARE / 2 {
            self.0.fewer.notify_waiters();
        }
    }
}

/// Where one component's records go. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogSink {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    component: ComponentName,
    least: LeastLevel,
    line_bytes: usize,
    too_fast: Exceeded,
    clock: Clock,
    records: mpsc::Sender<Record>,
    state: Mutex<State>,
    waiting: Arc<Waiting>,
    counters: Arc<Counters>,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    left_out: u64,
    recent: VecDeque<String>,
}

impl LogSink {
    /// A component's sink: records below `least` are not kept.
    pub fn new(
        component: ComponentName,
        least: Level,
        limits: &Limits,
        clock: Clock,
        records: mpsc::Sender<Record>,
    ) -> Self {
        Self::counted(component, least.into(), limits, clock, records, Arc::default())
    }

    /// The same; what is left out is counted among these.
    pub fn counted(
        component: ComponentName,
        least: LeastLevel,
        limits: &Limits,
        clock: Clock,
        records: mpsc::Sender<Record>,
        counters: Arc<Counters>,
    ) -> Self {
        let state = State {
            bucket: Bucket::new(limits.log_rate, Instant::now()),
            left_out: 0,
            recent: VecDeque::new(),
        };
        Self {
            inner: Arc::new(Inner {
                component,
                least,
                too_fast: limits.exceeded("log-rate", None),
                line_bytes: usize::try_from(limits.log_line).unwrap_or(usize::MAX),
                clock,
                records,
                state: Mutex::new(state),
                waiting: Arc::default(),
                counters,
            }),
        }
    }

    /// Whether records of this level are kept.
    pub fn enabled(&self, level: Level) -> bool {
        self.inner.least.keeps(level)
    }

    /// Longest line kept, in bytes.
    pub fn line_bytes(&self) -> usize {
        self.inner.line_bytes
    }

    /// Whether a good many more records fit before some are left out.
    pub fn has_room(&self) -> bool {
        self.inner.waiting.has_room()
    }

    /// Wait until [`LogSink::has_room`].
    pub async fn room(&self) {
        loop {
            let fewer = self.inner.waiting.fewer.notified();
            if self.has_room() {
                return;
            }
            fewer.await;
        }
    }

    /// Take a record from the component, if its rate allows.
    pub fn write(
        &self,
        level: Level,
        source: Source,
        message: &str,
        fields: Vec<(String, String)>,
    ) {
        if !self.enabled(level) {
            return;
        }
        let mut state = self.lock();
        if !state.bucket.take(Instant::now()) {
            self.leave_out(&mut state);
            return;
        }
        let left_out = std::mem::take(&mut state.left_out);
        let message = presentable(message, self.inner.line_bytes);
        let fields = presentable_fields(fields, self.inner.line_bytes);
        while state.recent.len() >= RECENT {
            state.recent.pop_front();
        }
        state.recent.push_back(cut(&message, RECENT_BYTES).to_owned());
        drop(state);
        self.say_left_out(left_out);
        self.count(self.send(level, source, message.into_owned(), fields));
    }

    /// Say something about the component that it can bring about as often as it likes: limited
    /// like its own records.
    pub fn about(&self, level: Level, message: impl Into<String>) {
        let mut state = self.lock();
        if !state.bucket.take(Instant::now()) {
            self.leave_out(&mut state);
            return;
        }
        let left_out = std::mem::take(&mut state.left_out);
        drop(state);
        self.say_left_out(left_out);
        self.count(self.send(level, Source::Host, message.into(), Vec::new()));
    }

    /// Say something about the component that happens seldom and must be heard: it goes before
    /// the component's own records.
    pub fn host(&self, level: Level, message: impl Into<String>) {
        let record = self.record(level, Source::Host, message.into(), Vec::new(), None);
        self.count(self.inner.records.try_send(record).is_ok());
    }

    /// The last lines the component said.
    pub fn recent(&self) -> Vec<String> {
        self.lock().recent.iter().cloned().collect()
    }

    /// Say how many records were left out since it was last said.
    pub fn flush(&self) {
        let left_out = std::mem::take(&mut self.lock().left_out);
        self.say_left_out(left_out);
    }

    fn say_left_out(&self, left_out: u64) {
        if left_out > 0 {
            let message = left_out_message(left_out, &self.inner.too_fast);
            if !self.send(Level::Warn, Source::Host, message, Vec::new()) {
                self.lock().left_out += left_out;
            }
        }
    }

    /// What could not be sent is left out, and said to be with the next record.
    fn count(&self, sent: bool) {
        if !sent {
            self.leave_out(&mut self.lock());
        }
    }

    fn leave_out(&self, state: &mut State) {
        state.left_out += 1;
        self.inner.counters.logs_dropped.add(1);
    }

    fn send(
        &self,
        level: Level,
        source: Source,
        message: String,
        fields: Vec<(String, String)>,
    ) -> bool {
        let Some(place) = self.inner.waiting.take() else { return false };
        let record = self.record(level, source, message, fields, Some(place));
        self.inner.records.try_send(record).is_ok()
    }

    fn record(
        &self,
        level: Level,
        source: Source,
        message: String,
        fields: Vec<(String, String)>,
        place: Option<Place>,
    ) -> Record {
        let at = self.inner.clock.now();
        let component = self.inner.component.clone();
        Record { at, component, level, source, message, fields, place }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn left_out_message(count: u64, too_fast: &Exceeded) -> String {
    format!(
        "{count} log records left out: the component logs faster than they are written down, or \
         {too_fast}"
    )
}
