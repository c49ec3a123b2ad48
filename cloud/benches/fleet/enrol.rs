//! Things with certificates, in one group: made over REST as AWS's own instructions have it (Greengrass
//! developer guide, "Install AWS IoT Greengrass Core software with manual resource provisioning").

use super::device::Device;
use crate::common::client::{Ask, Client};
use crate::common::server::{Server, program};
use crate::common::tls::Identity;
use anyhow::{Context as _, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The group that all are in.
pub(crate) const GROUP: &str = "fleet";

const POLICY: &str = "fleet";

/// Connections over which things are made.
const CONNECTIONS: usize = 8;

/// What AWS's instructions let a core device do, as `gg-cloud thing add` does.
fn policy() -> Value {
    let thing = "${iot:Connection.Thing.ThingName}";
    let arn = |what: String| format!("arn:aws:iot:us-east-1:000000000000:{what}");
    let allow = |action: Value, resource: Vec<String>| json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let topics = |kind: &str| {
        vec![arn(format!("{kind}/$aws/things/{thing}/*")), arn(format!("{kind}/{thing}/*"))]
    };
    json!({ "Version": "2012-10-17", "Statement": [
        allow(json!("iot:Connect"), vec![arn(format!("client/{thing}")), arn(format!("client/{thing}#*"))]),
        allow(json!(["iot:Publish", "iot:Receive"]), topics("topic")),
        allow(json!("iot:Subscribe"), topics("topicfilter")),
        allow(json!("greengrass:*"), vec!["*".to_owned()]),
    ] })
}

/// Make so many, and the group. How long that took.
pub(crate) async fn enrol(server: &Server, devices: usize) -> Result<(Vec<Device>, Duration)> {
    let mut client = server.client().await?;
    client.call(&Ask::post("iot", &format!("/thing-groups/{GROUP}"), &json!({}))).await?;
    let body = json!({ "policyDocument": policy().to_string() });
    client.call(&Ask::post("iot", &format!("/policies/{POLICY}"), &body)).await?;
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for first in 0..CONNECTIONS.min(devices) {
        let client = server.client().await?;
        let numbers = (first..devices).step_by(CONNECTIONS);
        tasks.push(server.tasks().spawn(some(client, numbers)));
    }
    let mut all = Vec::with_capacity(devices);
    for task in tasks {
        all.extend(task.await??);
    }
    Ok((all, begin.elapsed()))
}

async fn some(
    mut client: Client,
    numbers: impl Iterator<Item = usize> + Send + 'static,
) -> Result<Vec<Device>> {
    let mut devices = Vec::new();
    for number in numbers {
        devices.push(one(&mut client, format!("device-{number:05}")).await?);
    }
    Ok(devices)
}

async fn one(client: &mut Client, thing: String) -> Result<Device> {
    client.call(&Ask::post("iot", &format!("/things/{thing}"), &json!({}))).await?;
    let create =
        Ask { query: "setAsActive=true", ..Ask::post("iot", "/keys-and-certificate", &json!({})) };
    let made = client.call(&create).await?;
    let arn = made["certificateArn"].as_str().context("an ARN")?;
    let principals = format!("/things/{thing}/principals");
    let attach = Ask { method: Method::PUT, principal: Some(arn), ..Ask::get("iot", &principals) };
    client.call(&attach).await?;
    let target = json!({ "target": arn });
    client.call(&Ask::put("iot", &format!("/target-policies/{POLICY}"), &target)).await?;
    let pair = json!({ "thingName": thing, "thingGroupName": GROUP });
    client.call(&Ask::put("iot", "/thing-groups/addThingToThingGroup", &pair)).await?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("PEM");
    let (certificate, key) =
        (text(&made["certificatePem"])?, text(&made["keyPair"]["PrivateKey"])?);
    Ok(Device { thing, identity: Identity::parse(&certificate, &key)? })
}

/// The milliseconds that `gg-cloud thing add` takes, each of so many times.
pub(crate) fn by_command(server: &Server, times: usize) -> Result<Vec<f64>> {
    let data = server.data();
    let add = |number: usize| {
        let name = format!("added-{number}");
        let begin = Instant::now();
        let status = program()
            .args(["thing", "add", &name, "--group", "added", "--kit"])
            .arg(data.join(format!("{name}.tar.gz")))
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "gg-cloud thing add failed");
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    };
    (0..times).map(add).collect()
}
