//! Requests a second over REST: signed ones that read the state, beside one that needs no signature and
//! reads nothing, by one client and by several, over connections that are kept.

mod common;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::client::{Ask, Asked, Client};
use common::process::Usage;
use common::report::{Aim, Row};
use common::server::Server;
use common::{finish, say};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rounds, each of ours and of the peer's.
const ROUNDS: usize = 9;

/// How long each side of a round takes.
const LONG: Duration = Duration::from_millis(500);

/// Clients at a time.
const CLIENTS: [usize; 2] = [1, 16];

/// What needs no signature.
const PEER: &str = "/healthz";

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let rows = runtime.block_on(async {
        let server = Server::start()?;
        let measured = measure(&server).await;
        server.tasks().finish(Duration::ZERO).await;
        measured
    })?;
    finish(&rows);
    Ok(())
}

async fn measure(server: &Server) -> Result<Vec<Row>> {
    let mut client = server.client().await?;
    let deployment = prepare(&mut client).await?;
    let deployment = format!("/greengrass/v2/deployments/{deployment}");
    let mut rows = Vec::new();
    for clients in CLIENTS {
        for (name, service, path) in [
            ("DescribeThing", "iot", "/things/lamp"),
            ("GetDeployment", "greengrass", &deployment),
            ("GetThingShadow", "iotdata", "/things/lamp/shadow"),
        ] {
            let signed = client.signed(&Ask::get(service, path))?;
            let peer = client.unsigned(PEER)?;
            // The first round is not counted: connections and caches are new.
            let mut rounds = Vec::new();
            for _ in 0..=ROUNDS {
                let ours = round(server, clients, &signed).await?;
                rounds.push((ours, round(server, clients, &peer).await?));
            }
            let of = |which: fn(&(Round, Round)) -> f64| -> Vec<f64> {
                rounds.iter().skip(1).map(which).collect()
            };
            let what = format!("{name}, signed, {clients} at a time (against {PEER}, not signed)");
            let rate = Row::new(what.clone(), "/s", of(|(ours, _)| ours.rate), Aim::NONE);
            rows.push(rate.beside(of(|(_, peer)| peer.rate)));
            let what = format!("{what}: processor time");
            let work = Row::new(what, "µs", of(|(ours, _)| ours.processor), Aim::NONE);
            rows.push(work.beside(of(|(_, peer)| peer.processor)));
            say(&format!("{name}, {clients} at a time"));
        }
    }
    Ok(rows)
}

/// A thing with a shadow, and a deployment, whose id this is.
async fn prepare(client: &mut Client) -> Result<String> {
    client.call(&Ask::post("iot", "/things/lamp", &json!({}))).await?;
    let state = json!({ "state": { "desired": { "on": true }, "reported": { "on": false } } });
    client.call(&Ask::post("iotdata", "/things/lamp/shadow", &state)).await?;
    let recipe = json!({
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": "com.example.A",
        "ComponentVersion": "1.0.0",
        "Manifests": [{ "Lifecycle": { "run": "true" } }],
    });
    let body = json!({ "inlineRecipe": STANDARD.encode(recipe.to_string()) });
    client.call(&Ask::post("greengrass", "/greengrass/v2/createComponentVersion", &body)).await?;
    let body = json!({
        "targetArn": "arn:aws:iot:us-east-1:000000000000:thing/lamp",
        "components": { "com.example.A": { "componentVersion": "1.0.0" } },
    });
    let made = client.call(&Ask::post("greengrass", "/greengrass/v2/deployments", &body)).await?;
    Ok(made["deploymentId"].as_str().context("a deployment's id")?.to_owned())
}

/// What a side of a round comes to.
struct Round {
    /// Requests a second.
    rate: f64,
    /// Microseconds of processors that a request takes gg-cloud.
    processor: f64,
}

/// Ask the same for a while. It was signed before, so that nobody waits for who signs.
async fn round(server: &Server, clients: usize, asked: &Asked) -> Result<Round> {
    let asked = Arc::new(asked.clone());
    let mut connected = Vec::new();
    for _ in 0..clients {
        connected.push(server.client().await?);
    }
    let before = Usage::of(server.pid())?;
    let begin = Instant::now();
    let tasks: Vec<_> = connected
        .into_iter()
        .map(|mut client| {
            let asked = Arc::clone(&asked);
            server.tasks().spawn(async move {
                let mut count = 0.0;
                while begin.elapsed() < LONG {
                    client.repeat(&asked).await?;
                    count += 1.0;
                }
                Ok::<f64, anyhow::Error>(count)
            })
        })
        .collect();
    let mut count = 0.0;
    for task in tasks {
        count += task.await??;
    }
    let took = begin.elapsed().as_secs_f64();
    let work = Usage::of(server.pid())?.processor - before.processor;
    Ok(Round { rate: count / took, processor: work * 1e6 / count })
}
