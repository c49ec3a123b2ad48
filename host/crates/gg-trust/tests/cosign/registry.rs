//! A registry on a free port, and what is in it.

use crate::tools::{Bench, program};
use gg_trust::Digest;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A registry that runs until this is dropped.
pub(crate) struct Registry<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) address: String,
    child: Child,
}

impl<'a> Registry<'a> {
    pub(crate) fn start(bench: &'a Bench) -> Self {
        // Free now, and most likely in a moment.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let files = bench.path("registry");
        fs::create_dir_all(&files).unwrap();
        let config = format!(
            "version: 0.1\nlog: {{ level: warn }}\nhttp: {{ addr: \"{address}\" }}\n\
             storage: {{ filesystem: {{ rootdirectory: \"{}\" }} }}\n",
            files.display()
        );
        bench.write("registry.yml", config.as_bytes());
        let log = File::create(bench.path("registry.log")).unwrap();
        let mut command = Command::new(program("GG_REGISTRY"));
        command.arg("serve").arg(bench.path("registry.yml"));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        let begin = Instant::now();
        while TcpStream::connect(&address).is_err() {
            let ended = child.try_wait().unwrap().is_some() || begin.elapsed() > PATIENCE;
            let said = || fs::read_to_string(bench.path("registry.log")).unwrap_or_default();
            assert!(!ended, "the registry does not come up\n{}", said());
            thread::sleep(Duration::from_millis(20));
        }
        Self { bench, address, child }
    }

    /// Put an artifact of one file there; its digest.
    pub(crate) fn push(&self, repository: &str, content: &[u8]) -> Digest {
        self.bench.write("artifact.wasm", content);
        let name = format!("{}/{repository}:1", self.address);
        let kind = ["--artifact-type", "application/vnd.gg.component"];
        self.oras(&[&["push"][..], &kind, &[&name, "artifact.wasm:application/wasm"]].concat());
        let digest = String::from_utf8(self.oras(&["resolve", &name])).unwrap();
        digest.trim().parse().unwrap()
    }

    /// `127.0.0.1:1234/repository@sha256:…`
    pub(crate) fn reference(&self, repository: &str, digest: &Digest) -> String {
        format!("{}/{repository}@{digest}", self.address)
    }

    pub(crate) fn manifest(&self, repository: &str, of: &str) -> Vec<u8> {
        let separator = if of.contains(':') { '@' } else { ':' };
        let name = format!("{}/{repository}{separator}{of}", self.address);
        self.oras(&["manifest", "fetch", &name])
    }

    pub(crate) fn blob(&self, repository: &str, digest: &Digest) -> Vec<u8> {
        let name = self.reference(repository, digest);
        self.oras(&["blob", "fetch", "--output", "-", &name])
    }

    /// Run oras, which must succeed; what it prints.
    pub(crate) fn oras(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.bench.run(&program("GG_ORAS"), &[arguments, &["--plain-http"]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}\n{said}");
        output.stdout
    }
}

impl Drop for Registry<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("WARNING: failed to stop the registry: {error}");
        }
    }
}
