//! The toolchains of the guest languages: found where they are, installed where they are not.
//!
//! Everything but a system package goes into one cache folder, in a sub-folder named by what it
//! holds, so that a second run costs nothing and nothing old is ever taken for new.

mod aws;
mod broker;
mod c;
pub mod cache;
mod debian;
pub mod docker;
mod ipc;
mod ipc_js;
mod js;
mod onnx;
mod python;
pub mod run;
mod sigstore;
mod wasm_target;

use anyhow::{Result, bail};
use std::path::PathBuf;

pub use aws::Aws;
pub use c::C;
pub use ipc::Ipc;
pub use ipc_js::IpcJs;
pub use js::Js;
pub use onnx::Onnx;
pub use python::Python;
pub use sigstore::Sigstore;

/// The toolchains that can be used; `None`: samples in this language cannot be built here.
#[derive(Debug)]
pub struct Toolchains {
    /// Rust's target `wasm32-wasip2`.
    pub rust: Option<()>,
    /// clang, a sysroot and a linker of components.
    pub c: Option<C>,
    /// The engines for JavaScript.
    pub js: Option<Js>,
    /// componentize-py.
    pub python: Option<Python>,
    /// AWS's client of Greengrass IPC, for native components in Python.
    pub ipc: Option<Ipc>,
    /// The same in JavaScript.
    pub ipc_js: Option<IpcJs>,
    /// AWS's SDK for Python, its command line, and moto.
    pub aws: Option<Aws>,
    /// onnxruntime, which runs models where there is one.
    pub onnx: Option<Onnx>,
    /// cosign, a registry and a client of it.
    pub sigstore: Option<Sigstore>,
}

impl Toolchains {
    /// Variables that tell the guest SDKs' build commands, and tests that use them, where the
    /// toolchains are.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let mut variables = Vec::new();
        if let Some(c) = &self.c {
            variables.extend([
                ("GG_CLANG", c.clang.clone()),
                ("GG_WASI_SYSROOT", c.sysroot.clone()),
                ("GG_WASM_LD", c.linker.clone()),
            ]);
        }
        if let Some(js) = &self.js {
            variables
                .extend([("GG_JS_TOOLCHAIN", js.folder.clone()), ("GG_NODE", js.node.clone())]);
        }
        if let Some(python) = &self.python {
            variables.push(("GG_PYTHON", python.interpreter()));
        }
        if let Some(ipc) = &self.ipc {
            variables.extend([
                ("GG_IPC_PYTHON", ipc.interpreter.into()),
                ("GG_IPC_PACKAGES", ipc.packages.clone()),
            ]);
        }
        if let Some(ipc) = &self.ipc_js {
            variables.extend([
                ("GG_IPC_NODE", ipc.node.into()),
                ("GG_IPC_NODE_MODULES", ipc.packages.clone()),
            ]);
        }
        if let Some(aws) = &self.aws {
            variables.push(("GG_AWS_PACKAGES", aws.packages.clone()));
        }
        if let Some(onnx) = &self.onnx {
            variables.push(("GG_ONNXRUNTIME", onnx.library.clone()));
        }
        if let Some(sigstore) = &self.sigstore {
            variables.extend([
                ("GG_COSIGN", sigstore.cosign.clone()),
                ("GG_COSIGN_2", sigstore.cosign_before.clone()),
                ("GG_ORAS", sigstore.oras.clone()),
                ("GG_REGISTRY", sigstore.registry.clone()),
            ]);
        }
        variables
    }
}

/// Install what the demo needs: Rust, and JavaScript and boto3 if they can be had.
pub fn for_demo() -> Toolchains {
    let mut missing = Vec::new();
    let python = keep("Python", python::install(), &mut missing);
    let ipc = python.as_ref().and_then(|python| {
        keep("the AWS IoT Device SDK for Python", ipc::install(python), &mut missing)
    });
    let aws = python
        .as_ref()
        .zip(ipc.as_ref())
        .and_then(|(python, ipc)| keep("boto3", aws::install(python, ipc), &mut missing));
    Toolchains {
        rust: keep("Rust", wasm_target::install(), &mut missing),
        c: None,
        js: keep("JavaScript", js::install(), &mut missing),
        python: None,
        ipc,
        ipc_js: None,
        aws,
        onnx: None,
        sigstore: None,
    }
}

/// Install what the benchmarks need: Rust's target, and the peers for local messages and for `models`
/// if they can be had; without them, their rows have no ratio.
pub fn for_bench(models: bool) -> Result<Option<Onnx>> {
    wasm_target::install()?;
    if let Err(error) = broker::install() {
        eprintln!("WARNING: no mosquitto to compare with: {error:#}");
    }
    let onnx = models.then(onnx::install).transpose();
    Ok(onnx.unwrap_or_else(|error| {
        eprintln!("WARNING: no onnxruntime to compare with: {error:#}");
        None
    }))
}

/// Install what is missing. A toolchain that cannot be had is left out with a warning, and with
/// `ci` is an error.
pub fn run(ci: bool) -> Result<Toolchains> {
    let mut missing = Vec::new();
    let python = keep("Python", python::install(), &mut missing);
    let js = keep("JavaScript", js::install(), &mut missing);
    let client = python.as_ref().map(ipc::install);
    let client_js = js.as_ref().map(ipc_js::install);
    let _installed = keep("MQTT", broker::install(), &mut missing);
    let _installed = keep("PKCS#11", broker::install_token(), &mut missing);
    let _installed = keep("clocks", broker::install_faketime(), &mut missing);
    let ipc = client.and_then(|client| keep("Greengrass IPC in Python", client, &mut missing));
    let aws = python.as_ref().zip(ipc.as_ref()).map(|(python, ipc)| aws::install(python, ipc));
    let tools = Toolchains {
        aws: aws.and_then(|aws| keep("AWS's services", aws, &mut missing)),
        rust: keep("Rust", wasm_target::install(), &mut missing),
        c: keep("C", c::install(), &mut missing),
        ipc,
        ipc_js: client_js
            .and_then(|client| keep("Greengrass IPC in JavaScript", client, &mut missing)),
        js,
        onnx: keep("onnxruntime", onnx::install(), &mut missing),
        python,
        sigstore: keep("signatures", sigstore::install(), &mut missing),
    };
    if ci && !missing.is_empty() {
        bail!("no toolchain for {}", missing.join(", "));
    }
    Ok(tools)
}

fn keep<T>(
    language: &'static str,
    result: Result<T>,
    missing: &mut Vec<&'static str>,
) -> Option<T> {
    match result {
        Ok(tool) => Some(tool),
        Err(error) => {
            eprintln!("WARNING: no toolchain for {language}: {error:#}");
            missing.push(language);
            None
        }
    }
}
