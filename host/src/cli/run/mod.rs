//! `gg-host run`: components from files, in a nucleus of their own, until they are done.

mod args;
mod end;
mod feed;
pub(super) mod output;

pub(super) use args::Args;

use super::print::Style;
use super::{start_tracing, stdout_colours};
use crate::capability::inference::Model;
use crate::clock::Clock;
use crate::deployment::concrete::{Operator, Places};
use crate::deployment::source::local::{self, LocalComponent, Setting};
use crate::deployment::{Deployment, DesiredComponent};
use crate::logs::Level;
use crate::nucleus::Nucleus;
use crate::watched::files::Watch;
use anyhow::{Context as _, Result, anyhow};
use end::{End, INTERRUPTED};
use feed::Publication;
use gg_model::ComponentName;
use output::Printer;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

/// Run to the end.
pub(super) fn run(args: Args) -> Result<ExitCode> {
    start_tracing(args.verbose);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let code = runtime.block_on(run_async(&args));
    runtime.shutdown_background();
    Ok(ExitCode::from(u8::try_from(code? & 0xff).unwrap_or(1)))
}

async fn run_async(args: &Args) -> Result<i32> {
    let root = tempfile::Builder::new()
        .prefix("gg-host-")
        .tempdir()
        .context("cannot make a work folder")?;
    let clock = Clock::system();
    let places = Places { root: root.path().to_owned(), thing: "local".parse()? };
    let source = Source::read(args, places, clock.clone())?;
    let deployment = source.deployment()?;
    let publications = feed::publications(&args.publish)?;

    let config = args.nucleus(&deployment, &source.places, clock.clone())?;
    let (mut nucleus, records) = Nucleus::start(config).await?;
    // A run is seldom longer than a day.
    let style = Style { format: args.output, colours: stdout_colours(), date: false };
    let printer = Printer::start(records, style)?;
    for filter in &args.subscribe {
        feed::show(&nucleus, nucleus.operator(), filter, clock.clone())?;
    }
    let end = tokio::select! {
        end = live(&mut nucleus, args, &source, &deployment, &publications) => end.map(|()| End::Over),
        () = end::interrupted() => Ok(End::Interrupted),
        () = end::after(args.timeout) => Ok(End::TimedOut),
    };
    let components = deployment.components.iter();
    let statuses: Vec<_> =
        components.filter_map(|desired| nucleus.status(&desired.component.name)).collect();
    let unfinished = statuses.len() < deployment.components.len() || end::unfinished(&statuses);
    let forced = tokio::select! {
        () = nucleus.drain(args.grace) => false,
        // A second Ctrl-C ends the wait.
        () = end::interrupted() => true,
    };
    printer.finish();
    let code = end::code(end?, unfinished, &statuses);
    Ok(if forced { INTERRUPTED } else { code })
}

/// Deploy, feed, and wait until all is over.
async fn live(
    nucleus: &mut Nucleus,
    args: &Args,
    source: &Source,
    deployment: &Deployment,
    publications: &[Publication],
) -> Result<()> {
    let mut watching = match args.watch {
        true => {
            let files = deployment.components.iter().map(|desired| &desired.component.artifact);
            Some(Watch::new(files.cloned()).context("cannot watch for changes")?)
        }
        false => None,
    };
    nucleus.deploy(deployment.clone()).await.map_err(|error| anyhow!("{error}"))?;
    let nucleus = &*nucleus;
    let names: Vec<ComponentName> =
        deployment.components.iter().map(|desired| desired.component.name.clone()).collect();
    let over = async {
        let nobody = async || end::nobody_left(nucleus, &names, args.watch).await;
        feed::publish(nucleus, nucleus.operator(), publications, nobody).await?;
        match &args.until {
            Some(until) => end::one_over(nucleus, until).await,
            None => {
                end::all_over(nucleus, &names, args.watch, !publications.is_empty()).await;
                Ok(())
            }
        }
    };
    tokio::select! {
        over = over => over,
        () = reload_forever(nucleus, args, source, watching.as_mut()) => Ok(()),
    }
}

/// The files that components come from, to be read again when they change.
struct Source {
    locals: Vec<LocalComponent>,
    operator: Operator,
    settings: Vec<Setting>,
    models: Vec<Model>,
    places: Places,
    clock: Clock,
}

impl Source {
    fn read(args: &Args, places: Places, clock: Clock) -> Result<Self> {
        let (operator, settings) = (args.operator()?, args.settings()?);
        let locals = args.components.iter().map(|path| local::read(path)).collect::<Result<_>>()?;
        let models = args.models();
        Ok(Self { locals, operator, settings, models, places, clock })
    }

    fn deployment(&self) -> Result<Deployment> {
        Ok(Deployment { components: self.desired(&self.locals)?, models: self.models.clone() })
    }

    fn desired(&self, locals: &[LocalComponent]) -> Result<Vec<DesiredComponent>> {
        local::desired(locals, &self.operator, &self.settings, &self.places, &self.clock)
    }

    /// The components whose files have changed, as they are now.
    fn changed(&self, files: &BTreeSet<PathBuf>) -> Result<Vec<DesiredComponent>> {
        let again = self.locals.iter().map(|local| local::read(&local.path));
        let mut desired = self.desired(&again.collect::<Result<Vec<_>>>()?)?;
        desired.retain(|desired| files.contains(&desired.component.artifact));
        Ok(desired)
    }
}

/// Swap components as their files change, for ever.
async fn reload_forever(
    nucleus: &Nucleus,
    args: &Args,
    source: &Source,
    watching: Option<&mut Watch>,
) {
    let Some(watching) = watching else { return std::future::pending().await };
    loop {
        let changed = watching.changed().await;
        let again = match source.changed(&changed) {
            Ok(again) => again,
            Err(error) => {
                tracing::error!("{error:#}; what runs goes on");
                continue;
            }
        };
        for desired in again {
            let log = nucleus.log(&desired.component);
            match nucleus.reload(&desired, args.grace).await {
                Ok(()) => log.host(Level::Info, "changed on disk; swapped"),
                Err(error) => log.host(Level::Error, format!("{error}; the one that runs goes on")),
            }
        }
    }
}
