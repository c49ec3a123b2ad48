//! The door for guests: a component in the sandbox, which a test asks over a connection that it is
//! granted.

use super::ask::{Answer, Ask};
use super::{Door, Ipc, Made};
use crate::host::{DEADLINE, Host, guest};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;

/// A guest that does what it is asked to do.
pub(crate) struct Wit {
    stream: BufReader<TcpStream>,
}

impl Door for Wit {
    type Other = Ipc;
    type Waiting = TcpListener;

    fn artifact() -> Option<PathBuf> {
        Some(guest("asks"))
    }

    fn make() -> (Made, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let manifest = json!({
            "Platform": { "runtime": "wasm" },
            "Lifecycle": { "run": format!("{{artifacts:path}}/asks.wasm {address}") },
            "Artifacts": [{ "URI": "file:asks.wasm" }],
        });
        let sandbox = json!({ "network": [address] });
        (Made { manifest, sandbox }, listener)
    }

    fn open(listener: TcpListener, host: &mut Host, name: &str) -> Self {
        host.wait_until_said(name, "connected");
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    fn ask(&mut self, ask: Ask) -> Answer {
        let mut line = serde_json::to_string(&ask).unwrap();
        line.push('\n');
        self.stream.get_mut().write_all(line.as_bytes()).unwrap();
        line.clear();
        self.stream.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{ask:?} ended it"))
    }
}
