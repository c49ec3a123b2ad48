//! Components that bring their own packages: their step `install` fetches them from the registries of
//! this machine's environment, as a user without rights or a home.

use super::{expect_of, is_root, native_device, source};
use crate::device::Device;
use crate::host::Host;
use serde_json::json;
use std::collections::BTreeMap;
use std::env;

const NAME: &str = "com.example.Installs";

/// How the environment says where registries are and how they are reached.
const REGISTRIES: [&str; 12] = [
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// What an operator grants such a component on this machine.
fn registries() -> BTreeMap<String, String> {
    let tells = |name: &str| {
        REGISTRIES.contains(&name)
            || name.starts_with("PIP_")
            || name.to_lowercase().starts_with("npm_config_")
    };
    env::vars().filter(|(name, _)| tells(name)).collect()
}

/// A device to which the component is deployed: its steps, and what it is shipped with.
fn deployed(steps: &str, artifacts: &[&str]) -> Option<(Device, Host)> {
    if !is_root() {
        return None;
    }
    let device = native_device();
    for artifact in artifacts {
        device.artifact(NAME, "1.0.0", &source(artifact));
    }
    let uris = artifacts.iter().map(|artifact| json!({"URI": format!("s3://bucket/{artifact}")}));
    let manifest = format!(
        "Manifests:\n  - Platform: {{os: linux}}\n    Lifecycle:\n{steps}    Artifacts: {}\n",
        json!(uris.collect::<Vec<_>>())
    );
    device.recipe(NAME, "1.0.0", &manifest);
    // Some have programs of their user alone, which a component cannot reach.
    let nucleus = device.start_with([("PATH", "/usr/bin:/bin")]);
    let environment = json!({NAME: {"MERGE": {"sandbox": {"environment": registries()}}}});
    let merge = format!("{NAME}=1.0.0");
    let arguments = ["--merge", &merge, "--update-config", &environment.to_string()];
    device.deploy(arguments).expect_code(0);
    Some((device, nucleus))
}

#[test]
fn a_recipe_brings_python_code_with_its_requirements() {
    if env::var_os("GG_IPC_PYTHON").is_none() {
        println!("SKIPPED, NOTHING TESTED: ipc::installs, since GG_IPC_PYTHON is not set");
        return;
    }
    let steps = "      install: |\n        set -e\n        echo home is $HOME\n        \
         /usr/bin/python3 -m venv venv\n        \
         venv/bin/pip install --quiet --requirement {artifacts:path}/requirements.txt\n      \
         startup: exec venv/bin/python {artifacts:path}/startup.py\n";
    let Some((device, mut nucleus)) = deployed(steps, &["requirements.txt", "startup.py"]) else {
        return;
    };
    let work = device.root().canonicalize().unwrap().join("work").join(NAME);
    let home = format!("home is {}", work.display());
    expect_of(&mut nucleus, NAME, &[&home, "said so"]);
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
}

#[test]
fn a_recipe_brings_javascript_with_its_packages() {
    if env::var_os("GG_IPC_NODE").is_none() {
        println!("SKIPPED, NOTHING TESTED: ipc::installs, since GG_IPC_NODE is not set");
        return;
    }
    let steps = "      install: cp {artifacts:path}/package*.json . && npm ci --no-audit --no-fund\n      \
         startup:\n        Script: exec node {artifacts:path}/startup.js\n        \
         Setenv: {NODE_PATH: '{work:path}/node_modules'}\n";
    let artifacts = ["package.json", "package-lock.json", "startup.js"];
    let Some((device, mut nucleus)) = deployed(steps, &artifacts) else { return };
    expect_of(&mut nucleus, NAME, &["added ", "said so"]);
    assert_eq!(device.components(), [format!("{NAME} 1.0.0 RUNNING")]);
}
