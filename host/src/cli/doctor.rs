//! `gg-host doctor`: what is wrong with a device and its link to the cloud, and what helps.

use super::{Format, RootArg, start_tracing_to, stdout_colours};
use crate::doctor::{Finding, Told, Verdict, examine};
use crate::logs::{self, harmless};
use crate::tasks::Tasks;
use anyhow::{Context as _, Result, ensure};
use gg_model::{ThingName, Topic, TopicFilter};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Find out what is wrong with this device and its link to the cloud, and what helps.
///
/// Looks at the configuration, the root folder, its disk, the kernel, the clock, the certificates, the
/// network, and what the broker allows; with or without a nucleus that runs. While none runs, it connects
/// to the broker by the device's name for some seconds. The code is 1 if there is a failure.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gg-host doctor
  gg-host doctor --publish clients/kettle/data --subscribe 'cmd/kettle/#'
  gg-host doctor --output json --timeout 10s")]
pub(super) struct Args {
    #[command(flatten)]
    root: RootArg,

    /// The settings that the nucleus is started with. Default: config.yaml in the root folder, if it is
    /// there.
    #[arg(long, visible_alias = "init-config", value_name = "FILE")]
    config: Option<PathBuf>,

    /// The core device's name, as given to gg-host start.
    #[arg(long, value_name = "NAME")]
    thing_name: Option<ThingName>,

    /// Try whether the broker lets the device publish to this topic, with an empty message. Can be
    /// repeated.
    #[arg(long, value_name = "TOPIC")]
    publish: Vec<Topic>,

    /// Try whether the broker lets the device subscribe to this. Can be repeated.
    #[arg(long, value_name = "FILTER")]
    subscribe: Vec<TopicFilter>,

    /// How long all of it may take.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "20s")]
    timeout: Duration,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

/// Look, and print what is found.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    ensure!(!args.timeout.is_zero(), "--timeout must be above 0");
    // What is found is said once, below.
    start_tracing_to(0, None);
    let told = Told {
        root: args.root.path()?,
        root_counts: args.root.root.is_some(),
        config: args.config.clone(),
        thing: args.thing_name.clone(),
        publish: args.publish.clone(),
        subscribe: args.subscribe.clone(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start")?;
    let found = runtime.block_on(async {
        let tasks = Tasks::new(std::num::NonZeroUsize::new(1)).context("cannot start")?;
        anyhow::Ok(examine(told, &tasks, args.timeout).await)
    });
    // A disk that does not answer holds up nobody.
    runtime.shutdown_background();
    let found = found?;
    let text = match args.output {
        Format::Json => json_lines(&found),
        Format::Text => table(&found, stdout_colours()),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    let failed = found.iter().any(|finding| finding.verdict == Verdict::Failure);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn json_lines(found: &[Finding]) -> String {
    let mut text = String::new();
    for finding in found {
        let object = json!({
            "check": finding.check.name(),
            "subject": finding.subject,
            "verdict": finding.verdict.name(),
            "message": finding.message,
            "remedy": finding.remedy,
        });
        logs::push_json(&mut text, &object.to_string());
        text.push('\n');
    }
    text
}

/// Most characters of a subject that others are aligned with.
const WIDEST: usize = 30;

fn table(found: &[Finding], colours: bool) -> String {
    let paint = |colour: &'static str| if colours { colour } else { "" };
    let plain = paint("\x1b[0m");
    let widths = found.iter().map(|finding| finding.subject.chars().count());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or_default();
    let (mut text, mut last) = (String::new(), None);
    for Finding { check, subject, verdict, message, remedy } in found {
        if last.replace(*check) != Some(*check) {
            let _infallible = writeln!(text, "{}{}{plain}", paint("\x1b[1m"), check.name());
        }
        let colour = paint(match verdict {
            Verdict::Ok => "\x1b[32m",
            Verdict::Warning => "\x1b[33m",
            Verdict::Failure => "\x1b[1;31m",
        });
        let (subject, message) = (harmless(subject), harmless(message));
        let name = verdict.name();
        let _infallible =
            writeln!(text, "  {colour}{name:<7}{plain}  {subject:<width$}  {message}");
        if let Some(remedy) = remedy {
            let _infallible = writeln!(text, "  {:<7}  {:<width$}  → {}", "", "", harmless(remedy));
        }
    }
    let count = |verdict| found.iter().filter(|finding| finding.verdict == verdict).count();
    let several = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    let failures = several(count(Verdict::Failure), "failure");
    let _infallible = writeln!(text, "{failures}, {}", several(count(Verdict::Warning), "warning"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Check;

    #[test]
    fn findings_are_aligned_and_harmless() {
        let finding =
            |check, subject: &str, verdict, message: &str, remedy: Option<&str>| Finding {
                check,
                subject: subject.into(),
                verdict,
                message: message.into(),
                remedy: remedy.map(Into::into),
            };
        let found = [
            finding(Check::Disk, "room", Verdict::Ok, "1 GiB", None),
            finding(Check::Disk, "writing", Verdict::Failure, "\x1b[2Jno", Some("mount")),
        ];
        let text = table(&found, false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["disk", "  ok       room     1 GiB"]);
        assert!(lines[2].starts_with("  failure  writing  ") && !text.contains('\x1b'), "{text}");
        assert_eq!(lines[3], "                    → mount");
        assert_eq!(lines[4], "1 failure, 0 warnings");
        assert!(table(&found, true).contains("\x1b[1;31mfailure"));
    }
}
