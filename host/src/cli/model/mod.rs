//! `gg-host model`: look at a model, check its numbers, and measure it, in a worker as the nucleus
//! has it.

mod bench;
mod check;
mod inspect;

use crate::inference::library::{self, LibraryError};
use crate::inference::worker::{self, DEFAULT_MEMORY, ModelFiles, Settings, StartError, Worker};
use anyhow::{Context as _, Result};
use bytesize::ByteSize;
use clap::{Subcommand, ValueHint};
use gg_inference::backend::{Options, Passed};
use gg_model::nucleus::OnnxruntimeSetting;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Look at a machine-learning model, check its numbers, and measure it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gg-host model inspect autoencoder.onnx
  gg-host model check autoencoder.onnx --golden autoencoder.golden.json
  gg-host model bench autoencoder.onnx --seconds 5")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure how long predictions take, on inputs of the golden vectors or made-up ones.
    Bench(bench::Args),
    /// Compare a model's outputs with its golden vectors. The code is 1 when no backend has them.
    Check(check::Args),
    /// Show what a model takes and gives, its operators, and which backends can run it.
    Inspect(inspect::Args),
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let code = runtime.block_on(async {
        match &args.command {
            Command::Bench(args) => bench::run(args).await,
            Command::Check(args) => check::run(args).await,
            Command::Inspect(args) => inspect::run(args).await,
        }
    });
    runtime.shutdown_background();
    code
}

/// A model, and how it is run.
#[derive(Debug, clap::Args)]
struct ModelArg {
    /// A file of ONNX.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Its golden vectors. Default: FILE with .golden.json instead of its extension, if that is there.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    golden: Option<PathBuf>,

    /// Memory that its worker may have.
    #[arg(long, value_name = "SIZE", default_value_t = ByteSize(DEFAULT_MEMORY))]
    memory: ByteSize,

    /// Seconds that it may take to load, golden vectors included.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,

    #[command(flatten)]
    library: LibraryArg,

    /// Threads that share the work of a prediction, if the backend can. Default: 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    threads: Option<u32>,

    /// What to run it on: cpu, or what this onnxruntime has beside it, such as xnnpack. Default: cpu.
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
}

/// Whose onnxruntime is used.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct LibraryArg {
    /// The machine's onnxruntime, libonnxruntime.so of version 1.17 or later, or "none". Default: the
    /// one in /usr/local/lib, /usr/lib or /opt/onnxruntime/lib, if there is one.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    onnxruntime: Option<PathBuf>,
}

impl LibraryArg {
    /// What it sets.
    pub(in crate::cli) fn setting(&self) -> Option<OnnxruntimeSetting> {
        self.onnxruntime.clone().map(OnnxruntimeSetting::from)
    }

    /// onnxruntime, if there is one.
    pub(in crate::cli) fn find(&self) -> Result<Option<PathBuf>, LibraryError> {
        library::find(self.setting().as_ref())
    }
}

impl ModelArg {
    fn files(&self) -> ModelFiles {
        let golden = self.golden.clone().or_else(|| beside(&self.file));
        ModelFiles { model: self.file.clone(), golden }
    }

    /// Start a worker with it.
    async fn start(&self, backend: Option<&str>) -> Result<Worker, StartError> {
        let options = Options {
            backend: backend.map(str::to_owned),
            threads: self.threads,
            device: self.device.clone(),
        };
        let (program, library) = (worker::program()?, self.library.find()?);
        let settings = Settings { program, library, memory: self.memory.as_u64() };
        let patience = Duration::from_secs(self.timeout);
        Worker::start(&settings, &self.files(), &options, patience).await
    }
}

/// The golden vectors that lie beside a model, if any do.
pub(in crate::cli) fn beside(model: &Path) -> Option<PathBuf> {
    let golden = model.with_extension("golden.json");
    golden.is_file().then_some(golden)
}

/// What speaks for a model's numbers, in words.
fn passed(passed: Passed) -> String {
    match passed {
        Passed::Golden(1) => "its golden vector is met".to_owned(),
        Passed::Golden(cases) => format!("its {cases} golden vectors are met"),
        Passed::Probe => {
            "no golden vectors; optimised and not, it agrees on a made-up input".to_owned()
        }
        Passed::Nothing => "no golden vectors, and nothing to compare with".to_owned(),
    }
}
