//! `gg-host inspect`: what a component is and what it would need, without running it.

use super::{Format, default_cache, start_tracing};
use crate::runtime::wasm::imports::Service;
use crate::runtime::wasm::inspect::{Inspection, inspect, needs};
use crate::runtime::wasm::load::Kind;
use crate::runtime::wasm::{EngineConfig, WasmEngine};
use anyhow::{Result, anyhow};
use bytesize::ByteSize;
use clap::ValueHint;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Show a component's imports, exports, digest, and what it would need granted.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A .wasm file.
    #[arg(value_name = "COMPONENT", value_hint = ValueHint::FilePath)]
    component: PathBuf,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,

    /// Show more of what the host does.
    #[arg(long, short = 'v', action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Look and print. The code is 1 when the component could not run here.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    start_tracing(args.verbose);
    let engine =
        WasmEngine::new(&EngineConfig { cache: default_cache(), ..EngineConfig::default() })?;
    let path = args.component.display();
    let found = inspect(&engine, &args.component).map_err(|reason| anyhow!("{path}: {reason}"))?;
    let text = match args.output {
        Format::Json => format!("{:#}\n", as_json(&found)),
        Format::Text => as_text(&args.component.display().to_string(), &found),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    let runs = found.imports.iter().all(|(_, service)| *service == Service::Served)
        && role(&found).is_some();
    Ok(if runs { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn kind(found: &Inspection) -> &'static str {
    match found.kind {
        Kind::Component => "component",
        Kind::Command => "core module for WASI preview 1 (adapted when it runs)",
        Kind::Reactor => "core module without a start function (adapted when it runs)",
    }
}

fn role(found: &Inspection) -> Option<&'static str> {
    let exports = |prefix: &str| found.exports.iter().any(|name| name.starts_with(prefix));
    if exports("gg:host/message-handler@") {
        Some("handler")
    } else if exports("wasi:cli/run@") {
        Some("service")
    } else {
        None
    }
}

fn as_json(found: &Inspection) -> serde_json::Value {
    let imports: Vec<_> = found
        .imports
        .iter()
        .map(|(name, service)| match service {
            Service::Served => json!({ "name": name, "served": true, "needs": needs(name) }),
            Service::Refused(reason) => json!({ "name": name, "served": false, "reason": reason }),
        })
        .collect();
    json!({
        "kind": kind(found),
        "role": role(found),
        "size": found.size,
        "digest": format!("sha256:{}", found.digest),
        "imports": imports,
        "exports": found.exports,
    })
}

fn as_text(path: &str, found: &Inspection) -> String {
    let mut text = String::new();
    let size = ByteSize(found.size).display().iec();
    let _infallible = writeln!(text, "{path}");
    let _infallible = writeln!(text, "  kind     {}", kind(found));
    let _infallible =
        writeln!(text, "  role     {}", role(found).unwrap_or("none: it exports nothing to run"));
    let _infallible = writeln!(text, "  size     {size}");
    let _infallible = writeln!(text, "  digest   sha256:{}", found.digest);
    let _infallible = writeln!(text, "  exports");
    for name in &found.exports {
        let _infallible = writeln!(text, "    {name}");
    }
    let _infallible = writeln!(text, "  imports");
    for (name, service) in &found.imports {
        let note = match service {
            Service::Served => "",
            Service::Refused(_) => "   NOT SERVED",
        };
        let _infallible = writeln!(text, "    {name}{note}");
    }
    let wanted: Vec<_> =
        found.imports.iter().filter_map(|(name, _)| Some((name, needs(name)?))).collect();
    if !wanted.is_empty() {
        let _infallible = writeln!(text, "  needs granted, where it uses them");
        for (name, grant) in wanted {
            let _infallible = writeln!(text, "    {name}\n      {grant}");
        }
    }
    for (_, service) in &found.imports {
        if let Service::Refused(reason) = service {
            let _infallible = writeln!(text, "  cannot run here: it {reason}");
        }
    }
    text
}
