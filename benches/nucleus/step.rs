//! One component on one of the runtimes, without a nucleus around it.

use anyhow::{Context, Result, ensure};
use gg_host::capability::caller::Caller;
use gg_host::clock::Clock;
use gg_host::deployment::concrete::{Operator, Places};
use gg_host::deployment::source::local;
use gg_host::logs::{self, Level, LogSink, Record};
use gg_host::runtime::{Exit, Prepared, Runtime, Status};
use gg_model::{PosixUser, RuntimeKind};
use rustix::process::geteuid;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A component that is run again and again.
pub(crate) struct Step {
    prepared: Box<dyn Prepared>,
    caller: Caller,
    records: mpsc::Receiver<Record>,
}

impl Step {
    /// Make a component ready whose lifecycle is this one step.
    pub(crate) async fn prepare(
        runtime: &dyn Runtime,
        kind: RuntimeKind,
        root: &Path,
        run: Value,
    ) -> Result<Self> {
        let platform = match kind {
            RuntimeKind::Docker => json!({ "runtime": "docker" }),
            _ => json!({ "os": "linux" }),
        };
        let recipe = json!({
            "RecipeFormatVersion": "2020-01-25",
            "ComponentName": "bench.Step",
            "ComponentVersion": "1.0.0",
            "Manifests": [{ "Platform": platform, "Lifecycle": { "run": run } }],
        });
        let file = root.join("recipe.json");
        fs::write(&file, recipe.to_string())?;
        let places = Places { root: root.to_owned(), thing: "bench".parse()? };
        let nobody = PosixUser { user: "nobody".to_owned(), group: None };
        let operator =
            Operator { run_as: geteuid().is_root().then_some(nobody), ..Operator::default() };
        let clock = Clock::system();
        let all = local::desired(&[local::read(&file)?], &operator, &[], &places, &clock)?;
        let component = all.into_iter().next().context("there is one")?.component;
        let (sender, records) = mpsc::channel(logs::QUEUE);
        let log =
            LogSink::new(component.name.clone(), Level::Info, &component.limits, clock, sender);
        let caller = Caller::new(
            component.name.clone(),
            component.version.clone(),
            places.thing,
            component.policy.clone(),
            component.limits,
        );
        let prepared = runtime.prepare(&component, &log).await?;
        Ok(Self { prepared, caller, records })
    }

    /// Start it, and wait until it is over and nothing of it is left.
    pub(crate) async fn run(&mut self) -> Result<Duration> {
        let begin = Instant::now();
        let mut running = self.prepared.start(self.caller.clone());
        let over = running.status.wait_for(|status| matches!(status, Status::Exited(_)));
        let status = over.await?.clone();
        let took = begin.elapsed();
        let said: Vec<String> = std::iter::from_fn(|| self.records.try_recv().ok())
            .map(|record| record.message)
            .collect();
        ensure!(
            matches!(status, Status::Exited(Exit::Finished(0))),
            "the step ended with {status:?}\n{}",
            said.join("\n")
        );
        Ok(took)
    }
}
