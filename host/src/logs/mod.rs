//! What components say: log records and the lines of their standard output, limited in rate and
//! size, with the last few kept for the report of a crash.

mod lines;
mod rate;
#[cfg(test)]
mod tests;

pub use lines::LineSplitter;

use crate::clock::Clock;
use gg_model::{ComponentName, Exceeded, Limits};
use rate::Bucket;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};
use tokio::sync::{Notify, mpsc};

/// Records between the components and whoever writes them down. More are left out and counted.
pub const QUEUE: usize = 2048;

/// How many of them may be of one component, so that a flood of one leaves room for the others.
const SHARE: usize = QUEUE / 4;

/// Last lines kept for the report of a crash.
const RECENT: usize = 10;

/// Bytes of each of them.
const RECENT_BYTES: usize = 400;

/// How much a record matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// The finest detail.
    Trace,
    /// Of use while looking for a fault.
    Debug,
    /// Something an operator wants to know.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        })
    }
}

/// Which way a record came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// The host speaks about the component.
    Host,
    /// A logging interface.
    Log,
    /// A message that somebody asked to see; its topic is a field.
    Message,
    /// A line of standard error.
    Stderr,
    /// A line of standard output.
    Stdout,
}

impl Source {
    /// The word for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Log => "log",
            Self::Message => "message",
            Self::Stderr => "stderr",
            Self::Stdout => "stdout",
        }
    }
}

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
    least: Level,
    line_bytes: usize,
    too_fast: Exceeded,
    clock: Clock,
    records: mpsc::Sender<Record>,
    state: Mutex<State>,
    waiting: Arc<Waiting>,
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
            }),
        }
    }

    /// Whether records of this level are kept.
    pub fn enabled(&self, level: Level) -> bool {
        level >= self.inner.least
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
            state.left_out += 1;
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
        self.count(self.send(level, source, message.into_owned(), fields), 1);
    }

    /// Say something about the component that it can bring about as often as it likes: limited
    /// like its own records.
    pub fn about(&self, level: Level, message: impl Into<String>) {
        let mut state = self.lock();
        if !state.bucket.take(Instant::now()) {
            state.left_out += 1;
            return;
        }
        let left_out = std::mem::take(&mut state.left_out);
        drop(state);
        self.say_left_out(left_out);
        self.count(self.send(level, Source::Host, message.into(), Vec::new()), 1);
    }

    /// Say something about the component that happens seldom and must be heard: it goes before
    /// the component's own records.
    pub fn host(&self, level: Level, message: impl Into<String>) {
        let record = self.record(level, Source::Host, message.into(), Vec::new(), None);
        self.count(self.inner.records.try_send(record).is_ok(), 1);
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
            let sent = self.send(Level::Warn, Source::Host, message, Vec::new());
            self.count(sent, left_out);
        }
    }

    /// What could not be sent is left out, and said to be with the next record.
    fn count(&self, sent: bool, records: u64) {
        if !sent {
            self.lock().left_out += records;
        }
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

/// Fields that take no more bytes than a line, all together.
fn presentable_fields(fields: Vec<(String, String)>, most: usize) -> Vec<(String, String)> {
    let mut left = most;
    let mut kept = Vec::new();
    for (key, value) in fields {
        let key = presentable(&key, left.min(200)).into_owned();
        left = left.saturating_sub(key.len());
        let value = presentable(&value, left).into_owned();
        left = left.saturating_sub(value.len());
        kept.push((key, value));
        if left == 0 {
            break;
        }
    }
    kept
}

/// What a terminal or a log file can show: cut to size, control characters made visible.
pub fn presentable(text: &str, most: usize) -> Cow<'_, str> {
    let shown = cut(text, most);
    let whole = shown.len() == text.len();
    if whole && !shown.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(shown.len() + 1);
    for character in shown.chars() {
        if is_control(character) {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    if !whole {
        clean.push('…');
    }
    Cow::Owned(clean)
}

/// The same for a text of several lines, none of which is cut.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let bad = |character: char| is_control(character) && character != '\n';
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<_> = text.split('\n').map(|line| presentable(line, usize::MAX)).collect();
    Cow::Owned(lines.join("\n"))
}

/// Control characters, and those that change the direction of text.
pub fn is_control(character: char) -> bool {
    (character.is_control() && character != '\t')
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// At most so many bytes of a text, and no half character.
fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
