//! Who publishes versions of the component, each of other bytes, and deploys them.

use super::COMPONENT;
use super::device::{host, quietly};
use crate::common::client::{Ask, Client};
use crate::common::server::Server;
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::sleep;

/// Where artifacts are.
const BUCKET: &str = "artifacts";

/// Milliseconds between two readings of the sensor, at which it looks whether it is to stop.
const INTERVAL: u32 = 50;

/// Between two looks at how a deployment went.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// The longest that gg-cloud takes to hear of what a device has said.
const PATIENCE: Duration = Duration::from_secs(30);

/// The author.
pub(crate) struct Author {
    client: Client,
    /// Its keys, and what it signs.
    folder: TempDir,
    wasm: Vec<u8>,
    versions: u32,
}

impl Author {
    /// An author with a key and a bucket.
    pub(crate) async fn new(server: &Server, wasm: &Path) -> Result<Self> {
        let wasm = fs::read(wasm)
            .with_context(|| format!("{}; cargo xtask bench builds it", wasm.display()))?;
        let (folder, mut client) = (TempDir::new()?, server.client().await?);
        quietly(host().arg("key").arg(folder.path().join("build")))?;
        client.call(&Ask::put_object(&format!("/{BUCKET}"), Bytes::new())).await?;
        Ok(Self { client, folder, wasm, versions: 0 })
    }

    /// What a device says that trusts the author.
    pub(crate) fn policy(&self) -> Result<String> {
        let pem = fs::read_to_string(self.folder.path().join("build.pub"))?;
        Ok(format!(
            "format: gg-host/trust/1\nversion: 1\nkeys:\n  - name: build\n    \
             components: [com.example.*]\n    publicKey: |\n      {}\n",
            pem.trim_end().replace('\n', "\n      ")
        ))
    }

    /// Bytes of the component.
    pub(crate) fn bytes(&self) -> usize {
        self.wasm.len()
    }

    /// Publish the next version, whose recipe is signed or not. Which it is.
    pub(crate) async fn publish(&mut self, signs: bool) -> Result<String> {
        self.versions += 1;
        let version = format!("1.0.{}", self.versions);
        let wasm = [&*self.wasm, &custom_section(self.versions)].concat();
        let key = format!("{COMPONENT}/{version}/component.wasm");
        let recipe = json!({
            "RecipeFormatVersion": "2020-01-25",
            "ComponentName": COMPONENT,
            "ComponentVersion": version,
            "ComponentConfiguration": { "DefaultConfiguration": {
                "intervalMs": INTERVAL,
                "accessControl": { "aws.greengrass.ipc.pubsub": { "com.example.Sensor:pubsub:1": {
                    "operations": ["aws.greengrass#PublishToTopic"],
                    "resources": ["sensors/*"],
                } } },
            } },
            "Manifests": [{
                "Platform": { "runtime": "wasm" },
                "Lifecycle": { "run": "{artifacts:path}/component.wasm" },
                "Artifacts": [{ "URI": format!("s3://{BUCKET}/{key}") }],
            }],
        });
        let recipe = match signs {
            true => self.sign(&recipe, &wasm)?,
            false => recipe.to_string().into_bytes(),
        };
        self.client.call(&Ask::put_object(&format!("/{BUCKET}/{key}"), wasm.into())).await?;
        let body = json!({ "inlineRecipe": STANDARD.encode(recipe) });
        let create = Ask::post("greengrass", "/greengrass/v2/createComponentVersion", &body);
        self.client.call(&create).await?;
        Ok(version)
    }

    fn sign(&self, recipe: &Value, wasm: &[u8]) -> Result<Vec<u8>> {
        let artifacts = self.folder.path().join("artifacts");
        fs::create_dir_all(&artifacts)?;
        fs::write(artifacts.join("component.wasm"), wasm)?;
        let plain = self.folder.path().join("recipe.json");
        fs::write(&plain, recipe.to_string())?;
        let mut sign = host();
        sign.args(["sign", "--key"]).arg(self.folder.path().join("build.key"));
        quietly(sign.arg("--recipe").arg(plain).arg("--artifact-dir").arg(artifacts))
    }

    /// Have a device's group run a version of the component, or nothing. The deployment's id.
    pub(crate) async fn deploy(&mut self, thing: &str, version: Option<&str>) -> Result<String> {
        let components = match version {
            Some(version) => json!({ COMPONENT: { "componentVersion": version } }),
            None => json!({}),
        };
        let target = format!("arn:aws:iot:us-east-1:000000000000:thinggroup/{thing}");
        let body = json!({ "targetArn": target, "components": components });
        let create = Ask::post("greengrass", "/greengrass/v2/deployments", &body);
        let made = self.client.call(&create).await?;
        Ok(made["deploymentId"].as_str().context("a deployment's id")?.to_owned())
    }

    /// Wait until gg-cloud says that a deployment has succeeded.
    pub(crate) async fn succeeded(&mut self, thing: &str, id: &str) -> Result<()> {
        let path = format!("/greengrass/v2/coreDevices/{thing}/effectiveDeployments");
        let begin = Instant::now();
        loop {
            let said = self.client.call(&Ask::get("greengrass", &path)).await?;
            let mut all = said["effectiveDeployments"].as_array().into_iter().flatten();
            let found = all.find(|one| one["deploymentId"] == id);
            if found.is_some_and(|one| one["coreDeviceExecutionStatus"] == "SUCCEEDED") {
                return Ok(());
            }
            ensure!(begin.elapsed() < PATIENCE, "the deployment {id} has not succeeded: {said}");
            sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// A section that means nothing, so that no two versions have the same bytes: its identity, its size, its
/// name and what it holds (WebAssembly core specification, "Custom Section"; components have the same).
fn custom_section(version: u32) -> Vec<u8> {
    let content = [b"\x07version".as_slice(), &version.to_le_bytes()].concat();
    [&[0, content.len() as u8], &*content].concat()
}
