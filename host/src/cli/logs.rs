//! `gg-host logs`: what the components of a device said, from its log files; no nucleus is asked.

use super::print::Style;
use super::{Format, RootArg, ask, start_tracing, stdout_colours};
use crate::clock::Clock;
use crate::logs::files::FOLDER;
use crate::logs::read::{LogReader, Query};
use crate::logs::{Level, Record};
use anyhow::{Context as _, Result, anyhow};
use clap::{Subcommand, ValueHint};
use gg_ipc::operation::call;
use gg_ipc::shapes::{GetLogLevelRequest, SetLogLevelRequest};
use gg_model::ComponentName;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, StdoutLock, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

/// Lines are gathered up to so many bytes while more can be had at once.
const BUFFER: usize = 64 << 10;

/// Show what components said, and the nucleus (as greengrass), in the order of time.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gg-host logs
  gg-host logs com.example.Sensor --follow --lines 20
  gg-host logs greengrass --since 1h --level warn
  gg-host logs --since 2026-01-31T12:00:00Z --output json
  gg-host logs level debug")]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    /// Components; all when there are none.
    #[arg(value_name = "COMPONENT")]
    components: Vec<ComponentName>,

    /// Go on with what is said from now on.
    #[arg(long, short = 'f')]
    follow: bool,

    /// Only what was said since then: 10m or 2h ago, or 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Only records of this level and above: trace, debug, info, warn, error.
    #[arg(long, default_value = "trace", hide_default_value = true)]
    level: Level,

    /// Only the last so many records of those there are.
    #[arg(long, short = 'n', value_name = "COUNT")]
    lines: Option<usize>,

    #[command(flatten)]
    root: RootArg,

    /// The folder of the log files, where the nucleus has another than logs in its root folder.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: Option<PathBuf>,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show or change the level from which on a nucleus that runs keeps logs, until it ends.
    Level {
        /// What is kept from now on: trace, debug, info, warn, error.
        level: Option<Level>,
        #[command(flatten)]
        root: RootArg,
        /// How to print.
        #[arg(long, short = 'o', value_enum, default_value_t)]
        output: Format,
    },
}

/// Print what there is, and on request what comes.
pub(super) fn run(args: Args) -> Result<ExitCode> {
    start_tracing(0);
    if let Some(Command::Level { level, root, output }) = &args.command {
        if let Some(level) = level {
            let request = SetLogLevelRequest { level: level.name().to_owned() };
            ask::<call::SetLogLevel>(root, &request)?;
        }
        let level = ask::<call::GetLogLevel>(root, &GetLogLevelRequest {})?.level;
        match output {
            Format::Json => writeln!(io::stdout(), "{}", json!({ "level": level }))?,
            Format::Text => writeln!(io::stdout(), "{level}")?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    open_many_files();
    let since = args.since.as_deref().map(|text| since(text, Clock::system().now())).transpose()?;
    let mut reader = LogReader::open(Query {
        folder: match args.folder {
            Some(folder) => folder,
            None => args.root.path()?.join(FOLDER),
        },
        components: args.components,
        since,
        level: args.level,
        follow: args.follow,
    })?;
    let style = Style { format: args.output, colours: stdout_colours(), date: true };
    let mut out = Out { stdout: io::stdout().lock(), style, text: String::new() };
    match show(&mut reader, args.lines, args.follow, &mut out) {
        // Nobody reads any more.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        shown => shown.map(|()| ExitCode::SUCCESS).context("cannot print"),
    }
}

/// Each log is an open file, and a device may have more than a process opens without asking.
fn open_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _refused = setrlimit(Resource::Nofile, limit);
}

fn show(
    reader: &mut LogReader,
    last: Option<usize>,
    follow: bool,
    out: &mut Out<'_>,
) -> io::Result<()> {
    if let Some(last) = last {
        let mut kept = VecDeque::new();
        while let Some(record) = reader.next_record() {
            kept.push_back(record);
            if kept.len() > last {
                kept.pop_front();
            }
        }
        kept.iter().try_for_each(|record| out.push(record))?;
    }
    loop {
        while let Some(record) = reader.next_record() {
            out.push(&record)?;
        }
        out.flush()?;
        if !follow {
            return Ok(());
        }
        reader.wait();
    }
}

/// Standard output, a good many lines at a time.
struct Out<'a> {
    stdout: StdoutLock<'a>,
    style: Style,
    text: String,
}

impl Out<'_> {
    fn push(&mut self, record: &Record) -> io::Result<()> {
        self.style.push(&mut self.text, record);
        if self.text.len() > BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.write_all(self.text.as_bytes())?;
        self.text.clear();
        self.stdout.flush()
    }
}

/// A time, or how long ago it was.
fn since(text: &str, now: SystemTime) -> Result<SystemTime> {
    if let Ok(ago) = humantime::parse_duration(text) {
        return Ok(now.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH));
    }
    humantime::parse_rfc3339_weak(text).map_err(|_| {
        anyhow!(
            "--since {text}: write how long ago (10m, 2h) or a time in UTC (2026-01-31T12:00:00Z)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn since_is_a_time_or_how_long_ago_it_was() {
        let day = |days: u64| UNIX_EPOCH + Duration::from_secs(days * 86_400);
        assert_eq!(since("1day", day(3)).unwrap(), day(2));
        assert_eq!(since("1970-01-02T00:00:00Z", day(3)).unwrap(), day(1));
        assert_eq!(since("1970-01-02 00:00:00", day(3)).unwrap(), day(1));
        assert!(since("9999 years", day(3)).unwrap() < UNIX_EPOCH);
        assert!(since("yesterday", day(3)).unwrap_err().to_string().contains("--since yesterday"));
    }
}
