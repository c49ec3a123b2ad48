//! Predictions of models, each by the backend that runs it without onnxruntime and by onnxruntime, in this
//! process, through a worker and for guests, set beside onnxruntime for Python with one thread on the same
//! inputs.

#[path = "inference/asking.rs"]
mod asking;
mod common;

use anyhow::{Context, Result, bail, ensure};
use common::report::{Aim, Row, percentile};
use common::{Group, ROOT, Rows, measure, program};
use gg_host::inference::worker::{DEFAULT_MEMORY, ModelFiles, Settings, Worker};
use gg_host::metrics::Usage;
use gg_inference::backend::classical::Classical;
use gg_inference::backend::{Backend, Candidate, Chosen, Options, Until, choose};
use gg_inference::golden::Golden;
use gg_inference::{Model, Named};
use gg_inference_ort::Onnxruntime;
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::json;
use std::future::pending;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

const GROUPS: [Group; 3] = [("models", models), ("worker", worker), ("guests", asking::guests)];

/// Rounds that count; one comes before them that does not.
const ROUNDS: usize = 9;

/// How long a round takes, about.
const ROUND: Duration = Duration::from_millis(60);

/// How long one prediction may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// The models, and what their processor time may be of onnxruntime's.
const MODELS: [(&str, Aim); 14] = [
    ("mlp", Aim::ratio_at_most(1.3)),
    ("autoencoder", Aim::ratio_at_most(1.3)),
    ("forecast", Aim::ratio_at_most(1.3)),
    ("cnn1d", Aim::ratio_at_most(1.3)),
    ("gru", Aim::ratio_at_most(1.3)),
    ("transformer", Aim::ratio_at_most(1.3)),
    ("lstm", Aim::ratio_at_most(2.5)),
    ("mobilenet_tiny", Aim::ratio_at_most(4.5)),
    (LARGE, Aim::ratio_at_most(4.5)),
    ("mlp_int8", Aim::NONE),
    ("gbt_classifier", Aim::ratio_at_most(0.3)),
    ("gbt_regressor", Aim::ratio_at_most(0.3)),
    ("isolation_forest", Aim::NONE),
    ("scaler_logreg", Aim::NONE),
];

/// The one that is too large to be kept: `make.py --only` puts it into `target/models`.
const LARGE: &str = "mobilenetv2_224";

fn main() -> Result<()> {
    measure(&GROUPS)
}

fn models(all: &mut Rows) -> Result<()> {
    let mut peer = Peer::start()?;
    let onnxruntime = onnxruntime();
    for (name, aim) in MODELS {
        model(all, name, aim, None, peer.as_mut())?;
        if let Some(onnxruntime) = &onnxruntime {
            model(all, name, Aim::ratio_at_most(1.1), Some(onnxruntime), peer.as_mut())?;
        }
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "rows that are missing want a reason")]
fn model(
    all: &mut Rows,
    name: &str,
    aim: Aim,
    by: Option<&Onnxruntime>,
    mut peer: Option<&mut Peer>,
) -> Result<()> {
    if name == LARGE && !folder(name).is_dir() {
        eprintln!("  there is no {}: no rows of {name}", folder(name).display());
        return Ok(());
    }
    let (files, inputs) = sample(name)?;
    let Chosen { mut session, backend, .. } = load(&files, by)?;
    let mut predict = || -> Result<()> {
        session.run(&inputs, &Until::default()).context("a prediction")?;
        Ok(())
    };
    let count = enough(&mut predict)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let before = processor();
        (0..count).try_for_each(|_| predict())?;
        let took = (processor() - before).as_secs_f64() * 1e6 / count as f64;
        let beside = peer.as_mut().map(|peer| peer.run(&files, count)).transpose()?;
        if round > 0 {
            ours.push(took);
            theirs.extend(beside);
        }
    }
    let row = Row::new(format!("model {name} by {backend}: processor time"), "µs", ours, aim);
    all.add(row.beside(theirs).note("against onnxruntime for Python"));
    Ok(())
}

/// The library, if one is named.
#[expect(clippy::print_stderr, reason = "rows that are missing want a reason")]
fn onnxruntime() -> Option<Onnxruntime> {
    let library = std::env::var_os("GG_ONNXRUNTIME");
    if library.is_none() {
        eprintln!("  GG_ONNXRUNTIME names no libonnxruntime.so: no rows of it");
    }
    library.map(|library| Onnxruntime::load(library.as_ref()))
}

/// What the way to a worker and back adds.
fn worker(all: &mut Rows) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let program = env!("CARGO_BIN_EXE_gg-inference-worker").into();
    let settings = Settings { program, library: None, memory: DEFAULT_MEMORY };
    for name in ["mlp", "mobilenet_tiny"] {
        let (files, inputs) = sample(name)?;
        let Chosen { mut session, .. } = load(&files, None)?;
        let (mut through, mut alone, mut added) = (Vec::new(), Vec::new(), Vec::new());
        let (mut loads, mut memory) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let options = Options::default();
            let started = Worker::start(&settings, &files, &options, DEADLINE);
            let mut worker = runtime.block_on(started)?;
            loads.push(begin.elapsed().as_secs_f64() * 1e3);
            let mut times = [Vec::new(), Vec::new()];
            for _ in 0..300 {
                let begin = Instant::now();
                runtime.block_on(worker.run(&inputs, DEADLINE, pending()))?;
                times[0].push(begin.elapsed().as_secs_f64() * 1e6);
                let begin = Instant::now();
                session.run(&inputs, &Until::default()).context("a prediction")?;
                times[1].push(begin.elapsed().as_secs_f64() * 1e6);
            }
            let used = Usage::of_process(i32::try_from(worker.pid()).ok()).memory;
            memory.extend(used.map(|bytes| bytes as f64 / f64::from(1 << 20)));
            let [with, without] = times.map(|times| percentile(&times, 50.0));
            through.push(with);
            alone.push(without);
            added.push(with - without);
        }
        let bytes: usize = inputs.iter().map(|(_, tensor)| tensor.data().len()).sum();
        let what = format!("model {name} through its worker, {bytes} bytes in");
        let row = Row::new(format!("{what}: p50"), "µs", through, Aim::NONE);
        all.add(row.beside(alone).note("against the same in this process"));
        all.add(Row::new(format!("{what}: added"), "µs", added, Aim::NONE));
        all.add(Row::new(format!("model {name}: worker ready"), "ms", loads, Aim::NONE));
        all.add(Row::new(format!("model {name}: memory of its worker"), "MiB", memory, Aim::NONE));
    }
    Ok(())
}

/// Where a model is.
fn folder(name: &str) -> PathBuf {
    let folder = if name == LARGE { "target/models" } else { "sample-components/models" };
    Path::new(ROOT).join(folder)
}

/// A model of the samples, with the inputs of its first golden vector.
fn sample(name: &str) -> Result<(ModelFiles, Vec<Named>)> {
    let folder = folder(name).canonicalize()?;
    let model = folder.join(format!("{name}.onnx"));
    let golden = folder.join(format!("{name}.golden.json"));
    let cases = Golden::parse(&std::fs::read(&golden)?)?.cases;
    let case = cases.into_iter().next().context("no golden vector")?;
    Ok((ModelFiles { model, golden: Some(golden) }, case.inputs))
}

/// Have a model loaded by onnxruntime, or by the first of all others.
fn load(files: &ModelFiles, by: Option<&Onnxruntime>) -> Result<Chosen> {
    let model = Model::read(std::fs::read(&files.model)?.into())?;
    let candidates: Vec<Candidate<'_>> = match by {
        Some(onnxruntime) => vec![(onnxruntime, None)],
        None => [(&Classical as &dyn Backend, None)]
            .into_iter()
            .chain(gg_inference_tract::CANDIDATES)
            .collect(),
    };
    match choose(&candidates, &model, &Options::default(), None) {
        Ok(chosen) => Ok(chosen),
        Err(refused) => bail!("{}: {refused:?}", files.model.display()),
    }
}

/// How many predictions make a round.
fn enough(predict: &mut impl FnMut() -> Result<()>) -> Result<usize> {
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < ROUND {
        predict()?;
        count += 1;
    }
    Ok(count)
}

/// Processor time of this process so far.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// onnxruntime for Python.
struct Peer {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Answer {
    micros: f64,
}

impl Peer {
    /// Start it, if an interpreter is named that has it.
    #[expect(clippy::print_stderr, reason = "a column that is empty wants a reason")]
    fn start() -> Result<Option<Self>> {
        let Some(interpreter) = std::env::var_os("GG_BENCH_ONNXRUNTIME") else {
            eprintln!("  GG_BENCH_ONNXRUNTIME names no Python with onnxruntime: no peer");
            return Ok(None);
        };
        let mut command = program(interpreter);
        command.arg(Path::new(ROOT).join("benches/inference/peer.py"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (to, from) = (process.stdin.take(), process.stdout.take());
        let (to, from) = (to.context("stdin")?, BufReader::new(from.context("stdout")?));
        Ok(Some(Self { process, to, from }))
    }

    /// Microseconds of its processor for each of so many predictions.
    fn run(&mut self, files: &ModelFiles, count: usize) -> Result<f64> {
        let order = json!({ "model": files.model, "golden": files.golden, "count": count });
        writeln!(self.to, "{order}")?;
        let mut line = String::new();
        ensure!(self.from.read_line(&mut line)? > 0, "onnxruntime ended");
        Ok(serde_json::from_str::<Answer>(&line)?.micros)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}
