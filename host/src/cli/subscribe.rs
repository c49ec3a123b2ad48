//! `gg-host sub`: show the messages of local topics of the device.

use super::print::{message_json, payload_text};
use super::{Format, RootArg, is_closed, with_hint};
use crate::clock::Clock;
use crate::ipc::client::Client;
use crate::logs::{harmless, push_json};
use anyhow::Result;
use bytes::Bytes;
use gg_ipc::operation::call;
use gg_ipc::shapes::{
    BinaryMessage, JsonMessage, MessageContext, ReceiveMode, SubscribeToTopicRequest,
    SubscriptionResponseMessage,
};
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Show the messages of local topics as they come, a line each: topic and payload.
///
/// It goes on until Ctrl-C. A payload that is no text is shown in hexadecimal.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gg-host sub 'sensors/+/temperature' alerts/temperature
  gg-host sub '#' --count 10 --output json")]
pub(super) struct Args {
    #[command(flatten)]
    root: RootArg,

    /// Topic filters; + stands for one level, # for all that follow.
    #[arg(value_name = "FILTER", required = true)]
    filters: Vec<String>,

    /// End after so many messages.
    #[arg(long, short = 'n', value_name = "COUNT")]
    count: Option<usize>,

    /// How to print.
    #[arg(long, short = 'o', value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match show(args) {
        // Nobody reads any more.
        Err(error) if is_closed(&error) => Ok(ExitCode::SUCCESS),
        shown => shown.map(|()| ExitCode::SUCCESS),
    }
}

fn show(args: &Args) -> Result<()> {
    let request = |filter: &String| SubscribeToTopicRequest {
        topic: filter.clone(),
        // `gg-host pub` of the same user is no other.
        receive_mode: Some(ReceiveMode::ReceiveAllMessages),
    };
    let requests: Vec<_> = args.filters.iter().map(request).collect();
    let client = Client::connect(&args.root.path()?).map_err(with_hint)?;
    let messages = client.subscribe::<call::SubscribeToTopic>(&requests).map_err(with_hint)?;
    let (clock, mut line) = (Clock::system(), String::new());
    for message in messages.take(args.count.unwrap_or(usize::MAX)) {
        let (topic, payload) = parts(message.map_err(with_hint)?);
        line.clear();
        match args.output {
            Format::Text => line = format!("{} {}", harmless(&topic), payload_text(&payload)),
            Format::Json => {
                // Programs get all of it.
                let text = String::from_utf8(payload.to_vec());
                let text = text.unwrap_or_else(|_| payload_text(&payload));
                push_json(&mut line, &message_json(clock.now(), &topic, &text).to_string());
            }
        }
        line.push('\n');
        let mut stdout = io::stdout().lock();
        stdout.write_all(line.as_bytes())?;
        stdout.flush()?;
    }
    Ok(())
}

/// The topic and the payload.
fn parts(message: SubscriptionResponseMessage) -> (String, Bytes) {
    let (context, payload) = match message {
        SubscriptionResponseMessage::JsonMessage(JsonMessage { message, context }) => {
            (context, message.into_bytes())
        }
        SubscriptionResponseMessage::BinaryMessage(BinaryMessage { message, context }) => {
            (context, message.0)
        }
    };
    (context.map(|MessageContext { topic }| topic).unwrap_or_default(), payload)
}
