//! `gg-host model bench`: how long predictions take here, in a worker and with the way to it.

use super::super::Format;
use super::ModelArg;
use anyhow::{Context as _, Result, ensure};
use bytesize::ByteSize;
use gg_inference::Named;
use gg_inference::backend::made_up;
use gg_inference::golden::{Golden, LONGEST_GOLDEN};
use gg_inference::wire::Loaded;
use serde_json::json;
use std::future::pending;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Predictions that are made before it counts.
const WARM: usize = 5;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArg,

    /// The backend; by default the first that runs the model rightly.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,

    /// How long to measure.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    seconds: f64,

    /// How long one prediction may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    deadline: f64,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let path = args.model.file.display();
    ensure!((0.0..=3600.0).contains(&args.seconds), "--seconds is between 0 and 3600");
    ensure!((0.0..=3600.0).contains(&args.deadline), "--deadline is between 0 and 3600");
    let deadline = Duration::from_secs_f64(args.deadline);
    let begin = Instant::now();
    let mut worker = args.model.start(args.backend.as_deref()).await?;
    let load = begin.elapsed();
    let inputs = inputs(args, &worker.loaded().seen.inputs)?;
    for _ in 0..WARM {
        worker.run(&inputs, deadline, pending()).await.with_context(|| path.to_string())?;
    }
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.is_empty() || begin.elapsed().as_secs_f64() < args.seconds {
        let one = Instant::now();
        worker.run(&inputs, deadline, pending()).await?;
        times.push(one.elapsed());
    }
    let rate = times.len() as f64 / begin.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    let memory = memory(worker.pid());
    let (p50, p99) = (at(0.5), at(0.99));
    let Loaded { backend, device, threads, .. } = worker.loaded();
    let micros = |time: Duration| (time.as_secs_f64() * 1e7).round() / 10.0;
    let text = match args.output {
        Format::Json => {
            let object = json!({
                "backend": backend,
                "device": device,
                "threads": threads,
                "loadMillis": micros(load) / 1e3,
                "predictions": times.len(),
                "p50Micros": micros(p50),
                "p99Micros": micros(p99),
                "perSecond": rate.round(),
                "workerBytes": memory,
            });
            format!("{object}\n")
        }
        Format::Text => format!(
            "{path} on {backend}, one at a time, with the way to the worker and back\n\
             load    {:.1} ms\np50     {:.1} µs\np99     {:.1} µs\nrate    {rate:.0} /s\n\
             memory  {} of the worker\n",
            micros(load) / 1e3,
            micros(p50),
            micros(p99),
            memory.map_or_else(|| "?".to_owned(), |bytes| ByteSize(bytes).to_string()),
        ),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Those of the first golden vector, or made-up ones.
fn inputs(args: &Args, ports: &[gg_inference::Port]) -> Result<Vec<Named>> {
    if let Some(path) = args.model.files().golden {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        file.take(LONGEST_GOLDEN as u64).read_to_end(&mut bytes)?;
        let golden = Golden::parse(&bytes).with_context(|| path.display().to_string())?;
        if let Some(case) = golden.cases.into_iter().next() {
            return Ok(case.inputs);
        }
    }
    made_up(ports).context("no input can be made up for this model; give golden vectors")
}

/// Bytes of a process that are in memory.
fn memory(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}
