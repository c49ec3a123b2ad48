//! `--publish` and `--subscribe`: messages without a second program.

use crate::capability::caller::Caller;
use crate::capability::pubsub::{PayloadFormat, SubscribeOptions};
use crate::cli::print::{TOPIC, payload_text};
use crate::clock::Clock;
use crate::logs::{Level, Record, Source};
use crate::nucleus::Nucleus;
use anyhow::{Context as _, Result, anyhow};
use gg_model::{ReceiveMode, Topic, WhenFull};
use std::time::Duration;

/// A message for --publish.
pub(super) struct Publication {
    topic: Topic,
    payload: Vec<u8>,
    format: PayloadFormat,
}

/// Read the arguments of --publish.
pub(super) fn publications(pairs: &[String]) -> Result<Vec<Publication>> {
    pairs
        .iter()
        .map(|pair| {
            let (topic, payload) = pair
                .split_once('=')
                .ok_or_else(|| anyhow!("--publish {pair}: write TOPIC=PAYLOAD"))?;
            let topic = topic.parse().with_context(|| format!("--publish {pair}"))?;
            let json = serde_json::from_str::<serde::de::IgnoredAny>(payload).is_ok();
            let format = if json { PayloadFormat::Json } else { PayloadFormat::Binary };
            Ok(Publication { topic, payload: payload.as_bytes().to_vec(), format })
        })
        .collect()
}

/// How long a message waits for somebody to subscribe to it.
const FOR_A_SUBSCRIBER: Duration = Duration::from_secs(5);

/// Publish the messages, each once somebody has subscribed to it, or `nobody` is left who could.
pub(super) async fn publish(
    nucleus: &Nucleus,
    caller: &Caller,
    publications: &[Publication],
    nobody: impl AsyncFn(),
) -> Result<()> {
    let mut publisher = nucleus.pubsub().publisher(caller.clone());
    for Publication { topic, payload, format } in publications {
        let subscribed = tokio::select! {
            biased;
            () = nucleus.pubsub().until_subscribed(caller, topic) => true,
            () = nobody() => false,
            () = tokio::time::sleep(FOR_A_SUBSCRIBER) => false,
        };
        if !subscribed {
            tracing::warn!(%topic, "no component has subscribed to this topic of --publish");
        }
        publisher
            .publish(topic.as_ref(), payload.clone(), *format)
            .await
            .with_context(|| format!("--publish {topic}"))?;
    }
    Ok(())
}

/// Show the messages of a filter as they come.
pub(super) fn show(nucleus: &Nucleus, caller: &Caller, filter: &str, clock: Clock) -> Result<()> {
    let options = SubscribeOptions {
        receive_mode: Some(ReceiveMode::All),
        queue: Some(1000),
        when_full: Some(WhenFull::Block),
    };
    let mut subscription = nucleus
        .pubsub()
        .subscribe(caller, filter, options)
        .with_context(|| format!("--subscribe {filter}"))?;
    let records = nucleus.records().downgrade();
    let component = caller.name().clone();
    nucleus.tasks().spawn(async move {
        while let Some(message) = subscription.next().await {
            let record = Record {
                at: clock.now(),
                component: component.clone(),
                level: Level::Info,
                source: Source::Message,
                message: payload_text(&message.payload),
                fields: vec![(TOPIC.to_owned(), message.topic.to_string())],
                place: None,
            };
            let Some(records) = records.upgrade() else { return };
            if records.send(record).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}
