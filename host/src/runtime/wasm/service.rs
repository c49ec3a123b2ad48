//! A component that runs until it is done: `wasi:cli/run`.

use super::Instances;
use super::engine::Entry;
use super::guest::Guest;
use crate::capability::caller::Caller;
use crate::runtime::{Exit, Failure, Status};
use tokio::sync::watch;
use wasmtime::Store;
use wasmtime::component::Instance;
use wasmtime_wasi::I32Exit;

const EXPORT: &str = "wasi:cli/run";

/// Make an instance, run it, and say how it ended.
pub(super) async fn run(
    instances: &Instances,
    caller: Caller,
    status: &watch::Sender<Status>,
) -> Exit {
    let (mut store, instance) = match instances.make(&caller).await {
        Ok(made) => made,
        Err(failure) => return failure.into(),
    };
    status.send_replace(Status::Running);
    match call(instances, &mut store, &instance).await {
        Err(failure) => failure.into(),
        Ok(Ok(Ok(()))) => Exit::Finished(0),
        Ok(Ok(Err(()))) => Exit::Finished(1),
        Ok(Err(error)) => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(code)) => Exit::Finished(*code),
            None => instances.failure(&error, &mut store, EXPORT).into(),
        },
    }
}

async fn call(
    instances: &Instances,
    store: &mut Store<Guest>,
    instance: &Instance,
) -> Result<wasmtime::Result<Result<(), ()>>, Failure> {
    let other = |error: wasmtime::Error| {
        Failure::to_start(format!("its export {EXPORT} is not as defined: {error:#}"))
    };
    Ok(match &instances.loaded.entry {
        Entry::Service(indices) => {
            indices.load(&mut *store, instance).map_err(other)?.call_run(store).await
        }
        #[cfg(feature = "wasi3")]
        Entry::Service3(indices) => {
            let command = indices.load(&mut *store, instance).map_err(other)?;
            store
                .run_concurrent(async |accessor| command.wasi_cli_run().call_run(accessor).await)
                .await
                .flatten()
        }
        Entry::Handler(_) => Err(wasmtime::Error::msg("a handler is not run")),
    })
}
