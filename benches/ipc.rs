//! The door for components outside the sandbox: messages over Greengrass IPC, alone and with guests
//! at the other end, configuration, and connections that wait.
//!
//! The clients are components' tokens in the hands of this program, one thread of raw bytes, so that
//! the nucleus, a process of its own, is what is measured.

mod common;

/// A file for each group of rows, and what they share.
#[allow(dead_code, reason = "each benchmark uses a part of the lanes")]
mod ipc {
    pub(crate) mod client;
    pub(crate) mod configuration;
    pub(crate) mod connections;
    pub(crate) mod lane;
    pub(crate) mod messages;
    pub(crate) mod mixed;
    pub(crate) mod relay;
    pub(crate) mod series;
}

use anyhow::Result;
use common::{Group, measure};
use ipc::{configuration, connections, messages, mixed, relay};
use rustix::process::{Resource, getrlimit, setrlimit};

const GROUPS: [Group; 4] = [
    ("messages", messages::measure),
    ("mixed", mixed::measure),
    ("configuration", configuration::measure),
    ("connections", connections::measure),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, path, subscribers] = arguments.as_slice()
        && word == relay::WORD
    {
        return relay::run(path.as_ref(), subscribers.parse()?);
    }
    // Each connection is one on both sides; what is started takes it over.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files)?;
    measure(&GROUPS)
}
