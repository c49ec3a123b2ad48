//! Guests that ask a model: what a call costs one of them, and how many predictions there are in a
//! second when many ask at once.

use super::{ROUNDS, load, sample};
use crate::common::host::{Component, Host};
use crate::common::report::{Aim, Row, percentile};
use crate::common::{Rows, guest};
use anyhow::{Context as _, Result};
use gg_host::capability::inference::Model;
use gg_inference::backend::{Chosen, Until};
use gg_inference::numbers::tensor;
use gg_inference::{ElementType, Named};
use gg_model::{BatchSettings, ComponentVersion, ModelDeclaration};
use serde_json::json;
use std::time::{Duration, Instant};

/// Predictions of each guest in a round.
const CALLS: usize = 300;

/// Rows that are made together at most.
const BATCH: u32 = 32;

/// The models: their names, what they take, and the microseconds that a call may add.
const MODELS: [(&str, &str, &[u32], Aim); 2] = [
    ("mlp", "x", &[1, 8], Aim::at_most(40.0)),
    ("mobilenet_tiny", "image", &[1, 3, 32, 32], Aim::NONE),
];

pub(super) fn guests(all: &mut Rows) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for (name, input, shape, aim) in MODELS {
        runtime.block_on(one(all, name, input, shape, aim))?;
    }
    for (name, input, shape, _) in MODELS {
        for count in [1, 8, 32] {
            runtime.block_on(many(all, name, input, shape, count))?;
        }
    }
    Ok(())
}

/// What a call costs a guest, beside the same prediction in this process.
async fn one(all: &mut Rows, name: &str, input: &str, shape: &[u32], aim: Aim) -> Result<()> {
    let (files, _) = sample(name)?;
    let Chosen { mut session, .. } = load(&files, None)?;
    let inputs = inputs(input, shape)?;
    let mut host = start(name, input, shape, 1, None).await?;
    let (mut through, mut alone, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let with = predictions(&mut host, shape, 1).await?.as_secs_f64() * 1e6 / CALLS as f64;
        let mut times = Vec::new();
        for _ in 0..CALLS {
            let begin = Instant::now();
            session.run(&inputs, &Until::default()).context("a prediction")?;
            times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
        let without = percentile(&times, 50.0);
        if round > 0 {
            through.push(with);
            alone.push(without);
            added.push(with - without);
        }
    }
    host.end().await;
    let row = Row::new(format!("a guest asks {name}: a call"), "µs", through, Aim::NONE);
    all.add(row.beside(alone).note("against the same in this process"));
    all.add(Row::new(format!("a guest asks {name}: added"), "µs", added, aim));
    Ok(())
}

/// Predictions in a second for so many guests, made together beside made one by one.
async fn many(all: &mut Rows, name: &str, input: &str, shape: &[u32], count: usize) -> Result<()> {
    let batch = BatchSettings { max: BATCH, delay: Duration::ZERO };
    let mut hosts = [
        start(name, input, shape, count, Some(batch)).await?,
        start(name, input, shape, count, None).await?,
    ];
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (host, rates) in hosts.iter_mut().zip(&mut rates) {
            let took = predictions(host, shape, count).await?;
            if round > 0 {
                rates.push((CALLS * count) as f64 / took.as_secs_f64());
            }
        }
    }
    for host in hosts {
        host.end().await;
    }
    let [together, alone] = rates;
    let row = Row::new(format!("{count} guests ask {name}, in batches"), "/s", together, Aim::NONE);
    all.add(row.beside(alone).note("against one by one"));
    Ok(())
}

async fn start(
    name: &str,
    input: &str,
    shape: &[u32],
    count: usize,
    batch: Option<BatchSettings>,
) -> Result<Host> {
    let (files, _) = sample(name)?;
    let declaration = ModelDeclaration { batch, ..ModelDeclaration::default() };
    let model =
        Model { name: "model".parse()?, version: ComponentVersion::ZERO, files, declaration };
    let wasm = guest("bench-service")?;
    let configuration = json!({ "mode": "ask", "input": input, "shape": shape });
    let components: Vec<Component> = (0..count)
        .map(|number| Component::new(format!("guest-{number}"), &wasm, configuration.clone()))
        .collect();
    Host::start_with(&components, vec![model]).await
}

/// Have each guest ask its predictions, and wait for all.
async fn predictions(host: &mut Host, shape: &[u32], count: usize) -> Result<Duration> {
    let begin = Instant::now();
    let width: u32 = shape.iter().product();
    host.publish("go", format!("{CALLS} {width}").into_bytes()).await?;
    for _ in 0..count {
        host.done().await?;
    }
    Ok(begin.elapsed())
}

fn inputs(name: &str, shape: &[u32]) -> Result<Vec<Named>> {
    let values = vec![0.5; shape.iter().product::<u32>() as usize];
    Ok(vec![(name.to_owned(), tensor(ElementType::Fp32, shape.to_vec(), &values)?)])
}
