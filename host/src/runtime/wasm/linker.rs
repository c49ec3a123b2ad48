//! Every door, for every guest. What a component may do behind a door is for the cores to say.

use super::guest::Guest;
use crate::capability::door::View;
use crate::capability::{
    Capabilities, configuration, inference, keyvalue, lifecycle, logging, mqtt, pubsub, secrets,
    shadow,
};
use wasmtime::Engine;
use wasmtime::component::Linker;

/// A linker that serves all interfaces.
///
/// # Errors
/// Two doors define the same name.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    #[cfg(feature = "wasi3")]
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    // The interface of shared types defines no function.
    linker.instance("gg:host/types@0.1.0")?;
    pubsub::wit::add_to_linker(&mut linker, |guest: &mut Guest| pubsub::wit::View {
        pubsub: &capabilities(&guest.capabilities).pubsub,
        publisher: &mut guest.publisher,
        caller: &guest.caller,
        table: &mut guest.table,
        turn: &mut guest.turn,
    })?;
    mqtt::wit::add_to_linker(&mut linker, |guest| view(guest, |all| &all.mqtt))?;
    configuration::wit::add_to_linker(&mut linker, |guest| view(guest, |all| &all.configuration))?;
    lifecycle::wit::add_to_linker(&mut linker, |guest: &mut Guest| lifecycle::wit::View {
        lifecycle: &capabilities(&guest.capabilities).lifecycle,
        caller: &guest.caller,
    })?;
    logging::wit::add_to_linker(&mut linker, |guest: &mut Guest| logging::wit::View {
        logging: &guest.logging,
        caller: &guest.caller,
    })?;
    keyvalue::wit::add_to_linker(&mut linker, |guest: &mut Guest| keyvalue::wit::View {
        keyvalue: &capabilities(&guest.capabilities).keyvalue,
        caller: &guest.caller,
        table: &mut guest.table,
    })?;
    secrets::wit::add_to_linker(&mut linker, |guest| view(guest, |all| &all.secrets))?;
    shadow::wit::add_to_linker(&mut linker, |guest| view(guest, |all| &all.shadows))?;
    inference::wit::add_to_linker(&mut linker, |guest| view(guest, |all| &all.inference))?;
    inference::nn::wit::add_to_linker(&mut linker, |guest| view(guest, |all| &all.inference))?;
    Ok(linker)
}

/// What most doors need of a guest's store.
fn view<'a, C>(guest: &'a mut Guest, core: fn(&Capabilities) -> &C) -> View<'a, C> {
    View {
        core: core(capabilities(&guest.capabilities)),
        caller: &guest.caller,
        table: &mut guest.table,
    }
}

/// Names every capability, so that a new one does not go without its door.
fn capabilities(capabilities: &Capabilities) -> &Capabilities {
    // Deployments, metrics, passwords and the nucleus itself have a native door alone.
    let Capabilities {
        configuration: _,
        debug: _,
        deployment: _,
        host: _,
        inference: _,
        keyvalue: _,
        lifecycle: _,
        metric: _,
        mqtt: _,
        pubsub: _,
        secrets: _,
        shadows: _,
    } = capabilities;
    capabilities
}
