//! The programs, and a folder in which they run.

use gg_trust::{FormatError, KeyKind, PrivateKey, PublicKey, Signature};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The password of all keys here.
pub(crate) const PASSWORD: &str = "a password";

/// What cosign 3 needs to be told so that it asks no server.
const SIGNING_CONFIG: &str = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;
const TRUSTED_ROOT: &str =
    r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;

/// Which cosign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cosign {
    /// Of version 2.
    Two,
    /// Of version 3.
    Three,
}

/// Where a program is, by a variable.
pub(crate) fn program(variable: &str) -> PathBuf {
    let Some(path) = std::env::var_os(variable) else {
        panic!(
            "{variable} is not set, so nothing here is tested; `cargo xtask test` brings cosign, oras and a \
             registry, or set GG_COSIGN, GG_COSIGN_2, GG_ORAS and GG_REGISTRY to yours"
        );
    };
    path.into()
}

/// A folder with keys and files, which goes when it is dropped.
pub(crate) struct Bench {
    folder: TempDir,
}

/// A key, by the name of its files.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) public: PublicKey,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let bench = Self { folder: TempDir::new().unwrap() };
        bench.write("signing-config.json", SIGNING_CONFIG.as_bytes());
        bench.write("trusted-root.json", TRUSTED_ROOT.as_bytes());
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn signature(&self, name: &str) -> Result<Signature, FormatError> {
        Signature::read(&self.read(name))
    }

    /// Run a program in the folder, as nobody in particular.
    pub(crate) fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path());
        command.env("COSIGN_PASSWORD", PASSWORD).env("HOME", self.folder.path());
        command.output().unwrap_or_else(|error| panic!("{}: {error}", program.display()))
    }

    /// Run cosign, which must succeed.
    pub(crate) fn cosign(&self, which: Cosign, arguments: &[&str]) {
        let output = self.try_cosign(which, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{which:?} {arguments:?}\n{said}");
    }

    pub(crate) fn try_cosign(&self, which: Cosign, arguments: &[&str]) -> Output {
        let program = program(match which {
            Cosign::Two => "GG_COSIGN_2",
            Cosign::Three => "GG_COSIGN",
        });
        self.run(&program, arguments)
    }

    /// Have cosign 3 sign something without asking a server. It checks what it has signed, and finds its
    /// own signatures of Ed25519 wrong; unless it has no `--trusted-root` to begin with.
    pub(crate) fn sign_offline(&self, command: &str, key: &Key, rest: &[&str]) {
        let file = format!("{}.key", key.name);
        let first = [command, "--yes", "--key", &file];
        let config = ["--signing-config", "signing-config.json"];
        let root = ["--trusted-root", "trusted-root.json"];
        let neither = ["--use-signing-config=false", "--tlog-upload=false"];
        let how = match key.public.kind() {
            KeyKind::Ed25519 => neither.to_vec(),
            KeyKind::EcdsaP256 | KeyKind::Rsa => [config, root].concat(),
        };
        self.cosign(Cosign::Three, &[&first[..], &how, rest].concat());
    }

    /// The key that cosign makes.
    pub(crate) fn generate(&self, name: &'static str) -> Key {
        self.cosign(Cosign::Three, &["generate-key-pair", "--output-key-prefix", name]);
        self.key(name)
    }

    /// A key that cosign takes in.
    pub(crate) fn import(&self, name: &'static str, pem: &str) -> Key {
        let file = format!("{name}.pem");
        self.write(&file, pem.as_bytes());
        let prefix = ["--output-key-prefix", name];
        self.cosign(Cosign::Three, &[&["import-key-pair", "--key", &file][..], &prefix].concat());
        self.key(name)
    }

    fn key(&self, name: &'static str) -> Key {
        let pem = String::from_utf8(self.read(&format!("{name}.pub"))).unwrap();
        Key { name, public: PublicKey::from_pem(&pem).unwrap() }
    }

    /// A key of each kind and size: by cosign, by this crate and by OpenSSL.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let ed25519 = PrivateKey::generate_ed25519().unwrap();
        vec![
            self.generate("ecdsa"),
            self.import("ed25519", &ed25519.to_pem()),
            self.import("rsa2048", include_str!("../data/rsa2048.pem")),
            self.import("rsa3072", include_str!("../data/rsa3072.pem")),
            self.import("rsa4096", include_str!("../data/rsa4096.pem")),
        ]
    }

    /// The private half of a key that cosign keeps.
    pub(crate) fn private(&self, key: &Key) -> PrivateKey {
        let pem = String::from_utf8(self.read(&format!("{}.key", key.name))).unwrap();
        PrivateKey::from_pem(&pem, Some(PASSWORD.as_bytes())).unwrap()
    }
}
