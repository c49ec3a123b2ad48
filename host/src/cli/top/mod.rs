//! `gg-host top`: a live view of the components and what they use.

mod table;
mod terminal;

use super::{Format, RootArg, ask, is_closed, stdout_colours};
use crate::metrics::Figures;
use anyhow::{Context as _, Result};
use gg_ipc::operation::call;
use gg_ipc::shapes::GetMetricsRequest;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use table::{Sort, Table};
use terminal::{Terminal, Woken};

/// How soon a key that has changed something may be answered by a new look.
const SHORTEST: Duration = Duration::from_millis(100);

/// Show what components do and use, live.
///
/// On a terminal it is refreshed until `q` or Ctrl-C; `s` sorts by the next column. Elsewhere, or
/// with --once, it is one table. Processor time and messages are of the time between two looks.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    root: RootArg,

    /// Print one table and end.
    #[arg(long)]
    once: bool,

    /// The time between two looks.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "1s")]
    interval: Duration,

    /// What comes first.
    #[arg(long, value_enum, default_value_t)]
    sort: Sort,

    /// How to print; as JSON one line a look.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

/// Look until asked to end.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let interval = args.interval.max(SHORTEST);
    let mut looks = Looks { args, before: None };
    // What is counted since a moment takes two looks.
    looks.take(args.sort)?;
    let live = io::stdout().is_terminal();
    let shown = if args.output == Format::Json || args.once || !live {
        lines(&mut looks, interval)
    } else {
        screen(&mut looks, interval)
    };
    match shown {
        // Nobody reads any more.
        Err(error) if is_closed(&error) => Ok(ExitCode::SUCCESS),
        shown => shown.map(|()| ExitCode::SUCCESS),
    }
}

/// Print a table, or JSON for ever.
fn lines(looks: &mut Looks<'_>, interval: Duration) -> Result<()> {
    let args = looks.args;
    loop {
        std::thread::sleep(interval);
        let table = looks.take(args.sort)?;
        let mut stdout = io::stdout().lock();
        if args.output == Format::Text {
            return Ok(write!(stdout, "{}", table.text(args.sort, false))?);
        }
        writeln!(stdout, "{}", serde_json::to_string(&table)?)?;
        stdout.flush()?;
        if args.once {
            return Ok(());
        }
    }
}

/// Keep a terminal up to date.
fn screen(looks: &mut Looks<'_>, interval: Duration) -> Result<()> {
    let mut sort = looks.args.sort;
    let mut terminal = Terminal::enter().context("cannot use the terminal")?;
    let mut table = looks.take(sort)?;
    let mut next = Instant::now() + interval;
    loop {
        terminal.draw(&table.text(sort, stdout_colours()))?;
        match terminal.wait(next)? {
            Woken::Ended | Woken::Key(b'q' | b'Q' | terminal::CTRL_C) => return Ok(()),
            Woken::Key(b's' | b'S') => {
                sort = sort.next();
                table.sort(sort);
            }
            Woken::Key(_) | Woken::Resized => {}
            Woken::Time => {
                table = looks.take(sort)?;
                next = Instant::now() + interval;
            }
        }
    }
}

/// Looks at a nucleus, one after the other.
struct Looks<'a> {
    args: &'a Args,
    before: Option<Figures>,
}

impl Looks<'_> {
    fn take(&mut self, sort: Sort) -> Result<Table> {
        let figures = ask::<call::GetMetrics>(&self.args.root, &GetMetricsRequest {})?.figures;
        let mut table = Table::new(self.before.as_ref(), &figures);
        table.sort(sort);
        self.before = Some(figures);
        Ok(table)
    }
}
