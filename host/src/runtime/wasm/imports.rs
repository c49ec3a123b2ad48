//! Whether a component's imports can be served, said before anything is linked.

use std::fmt::Write as _;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Interfaces of `gg:host` that are served.
const SERVED: [&str; 10] = [
    "types",
    "pubsub",
    "mqtt",
    "configuration",
    "lifecycle",
    "logging",
    "secrets",
    "inference",
    "shadow",
    "message-handler",
];

/// The version of `gg:host` that is served.
const VERSION: &str = "0.1.0";

/// What could serve an import.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Service {
    /// This host serves it.
    Served,
    /// Not; the sentence says why.
    Refused(String),
}

/// Whether an import, such as `wasi:cli/environment@0.2.6`, is served.
pub fn service_of(import: &str) -> Service {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let Some((package, interface)) = path.split_once('/') else {
        return Service::Refused(format!(
            "imports the function {import:?} from no interface; only interfaces are served"
        ));
    };
    match package {
        "gg:host" => gg_host(import, interface, version),
        "wasi:cli" | "wasi:clocks" | "wasi:filesystem" | "wasi:io" | "wasi:random"
        | "wasi:sockets" => wasi(import, version, cfg!(feature = "wasi3")),
        "wasi:http" => wasi(import, version, false),
        "wasi:config" => {
            one_of(import, version, &["0.2.0-rc.1", "0.2.0-draft", "0.2.0-draft-2024-09-27"])
        }
        "wasi:keyvalue" => one_of(import, version, &["0.2.0-draft", "0.2.0-draft2"]),
        "wasi:nn" => one_of(import, version, &["0.2.0-rc-2024-10-28"]),
        "wasi:logging" => one_of(import, version, &["0.1.0-draft"]),
        _ => Service::Refused(format!(
            "imports {import}, which nothing on this host serves; compose it with a component that \
             does (wac plug), or build it without"
        )),
    }
}

fn gg_host(import: &str, interface: &str, version: &str) -> Service {
    if !SERVED.contains(&interface) {
        return Service::Refused(format!("imports {import}, which is no interface of gg:host"));
    }
    if version != VERSION {
        return Service::Refused(format!(
            "imports {import}, and this host serves version {VERSION}; build the component with \
             the WIT of this host (gg-host new writes it)"
        ));
    }
    Service::Served
}

/// `three`: whether version 0.3 of the interface is served too.
fn wasi(import: &str, version: &str, three: bool) -> Service {
    if version.starts_with("0.2.") && !version.contains('-') {
        return Service::Served;
    }
    if version.starts_with("0.3.") && three {
        return Service::Served;
    }
    let served = if cfg!(feature = "wasi3") {
        "WASI 0.2, and of 0.3 all but wasi:http"
    } else {
        "WASI 0.2; WASI 0.3 needs a build with the feature wasi3"
    };
    Service::Refused(format!("imports {import}, and this host serves {served}"))
}

fn one_of(import: &str, version: &str, served: &[&str]) -> Service {
    if served.contains(&version) {
        return Service::Served;
    }
    Service::Refused(format!("imports {import}, and this host serves {}", served.join(" and ")))
}

/// The names of what a component imports, in its order.
pub fn imports_of(engine: &Engine, component: &Component) -> Vec<String> {
    component.component_type().imports(engine).map(|(name, _)| name.to_owned()).collect()
}

/// The names of what a component exports, in its order.
pub fn exports_of(engine: &Engine, component: &Component) -> Vec<String> {
    component.component_type().exports(engine).map(|(name, _)| name.to_owned()).collect()
}

/// A sentence on every import that is not served; `None` when all are.
pub fn refusals(imports: &[String]) -> Option<String> {
    let mut text = String::new();
    for import in imports {
        if let Service::Refused(reason) = service_of(import) {
            let separator = if text.is_empty() { "" } else { "; it also " };
            let _infallible = write!(text, "{separator}{reason}");
        }
    }
    (!text.is_empty()).then_some(text)
}
