//! What a component is, without running it.

use super::engine::{self, WasmEngine};
use super::imports::{self, Service};
use super::load::{Digest, Kind, classify};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What there is to know of a wasm file.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// What the file holds.
    pub kind: Kind,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub digest: Digest,
    /// What it imports, and whether it is served.
    pub imports: Vec<(String, Service)>,
    /// What it exports.
    pub exports: Vec<String>,
}

/// What an import means for the recipe: what to grant for it, or that it needs nothing.
pub fn needs(import: &str) -> Option<&'static str> {
    let path = import.split('@').next().unwrap_or(import);
    Some(match path {
        "gg:host/pubsub" => {
            "accessControl aws.greengrass.ipc.pubsub: the topics (--allow pubsub:publish:TOPIC)"
        }
        "gg:host/mqtt" => {
            "accessControl aws.greengrass.ipc.mqttproxy: the topics (--allow mqtt:publish:TOPIC)"
        }
        "gg:host/secrets" => {
            "accessControl aws.greengrass.SecretManager: the secrets (--allow secrets:get:NAME)"
        }
        "gg:host/inference" => {
            "accessControl gg.host.inference: the models (--allow inference:run:MODEL)"
        }
        "wasi:nn/graph" => {
            "accessControl gg.host.inference: the models (--allow inference:run:MODEL), and for \
             those that it loads itself --allow inference:load"
        }
        "gg:host/shadow" => {
            "accessControl aws.greengrass.ShadowManager: the shadows (--allow shadow:get:SHADOW)"
        }
        "wasi:http/outgoing-handler" => "sandbox.network: the hosts it calls (--net HOST:PORT)",
        "wasi:sockets/tcp" | "wasi:sockets/udp" => {
            "sandbox.network: the addresses, if it opens sockets (--net ADDRESS:PORT)"
        }
        "wasi:filesystem/preopens" => {
            "sandbox.directories: folders beside its own (--dir HOST::GUEST[:ro])"
        }
        "wasi:cli/environment" => {
            "sandbox.environment: variables, if it reads any (--env NAME=VALUE)"
        }
        _ => return None,
    })
}

/// Look at a wasm file. Blocks; compiles it if the cache does not have it.
///
/// # Errors
/// The file cannot be read, or is no component.
pub fn inspect(engine: &WasmEngine, path: &Path) -> Result<Inspection, String> {
    let bytes = engine::read(path)?;
    let kind = classify(&bytes).map_err(|error| engine::chain(&error))?;
    let digest = Digest::of(&bytes);
    let component = engine.component(digest, &bytes, &AtomicBool::new(false))?;
    let imports = imports::imports_of(&engine.engine, &component);
    Ok(Inspection {
        kind,
        size: bytes.len() as u64,
        digest,
        imports: imports
            .into_iter()
            .map(|name| {
                let service = imports::service_of(&name);
                (name, service)
            })
            .collect(),
        exports: imports::exports_of(&engine.engine, &component),
    })
}
