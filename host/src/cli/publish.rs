//! `gg-host pub`: publish a message on a local topic of the device.

use super::{RootArg, ask};
use anyhow::{Context as _, Result, ensure};
use clap::ValueHint;
use gg_ipc::ObjectText;
use gg_ipc::operation::call;
use gg_ipc::shapes::{BinaryMessage, JsonMessage, PublishMessage, PublishToTopicRequest};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Publish a message on a local topic.
///
/// A payload that is a JSON object is published as JSON, any other as bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gg-host pub sensors/kettle/temperature '{\"value\": 31}'
  gg-host pub pictures/front --binary --file front.jpg
  date | gg-host pub clock -")]
pub(super) struct Args {
    #[command(flatten)]
    root: RootArg,

    /// The topic.
    #[arg(value_name = "TOPIC")]
    topic: String,

    /// The payload; - reads it from standard input.
    #[arg(value_name = "PAYLOAD", required_unless_present = "file", conflicts_with = "file")]
    payload: Option<String>,

    /// A file that is the payload.
    #[arg(long, short = 'f', value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,

    /// As JSON; an error if it is no object.
    #[arg(long, conflicts_with = "binary")]
    json: bool,

    /// As bytes, whatever they are.
    #[arg(long)]
    binary: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let publish_message = message(payload(args)?, args)?;
    let request = PublishToTopicRequest { topic: args.topic.clone(), publish_message };
    ask::<call::PublishToTopic>(&args.root, &request)?;
    Ok(ExitCode::SUCCESS)
}

fn payload(args: &Args) -> Result<Vec<u8>> {
    match (&args.file, args.payload.as_deref()) {
        (Some(path), _) => {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        }
        (None, Some("-")) => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
            Ok(bytes)
        }
        (None, payload) => Ok(payload.unwrap_or_default().into()),
    }
}

fn message(payload: Vec<u8>, args: &Args) -> Result<PublishMessage> {
    let object = match args.binary {
        true => None,
        false => std::str::from_utf8(&payload).ok().and_then(|text| {
            // Space around it is no part of it.
            ObjectText::parse(text.trim()).ok()
        }),
    };
    ensure!(object.is_some() || !args.json, "the payload is no JSON object, as --json asks for");
    Ok(match object {
        Some(message) => PublishMessage::JsonMessage(JsonMessage { message, context: None }),
        None => {
            PublishMessage::BinaryMessage(BinaryMessage { message: payload.into(), context: None })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(json: bool, binary: bool) -> Args {
        Args {
            root: RootArg { root: None },
            topic: "t".to_owned(),
            payload: None,
            file: None,
            json,
            binary,
        }
    }

    #[test]
    fn an_object_is_json_and_all_else_bytes() {
        let is_json = |payload: &str, args: &Args| {
            let message = message(payload.into(), args).unwrap();
            matches!(message, PublishMessage::JsonMessage(_))
        };
        let neither = args(false, false);
        assert!(is_json("{\"a\": 1}", &neither) && is_json(" {}\n", &neither));
        for bytes in ["", "[1]", "5", "{", "text"] {
            assert!(!is_json(bytes, &neither), "{bytes}");
            assert!(message(bytes.into(), &args(true, false)).is_err(), "{bytes}");
        }
        assert!(!is_json("{}", &args(false, true)));
        assert!(message(vec![0xff], &neither).is_ok());
    }
}
