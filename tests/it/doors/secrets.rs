//! Secrets, as the operator's file gives them.

use super::ask::Refusal::{NotFound, Unauthorized};
use super::ask::{Secret, Which};
use super::{Answer, Ask, Door, Scene, grant, through_both_doors};
use crate::host::{file, folder};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

through_both_doors! {
    a_secret_takes_a_grant,
    versions_are_found_by_label_and_by_id,
    what_the_operator_changes_counts_at_once,
}

const SERVICE: &str = "aws.greengrass.SecretManager";

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:api-a1B2c3";

/// The operator's file.
struct Secrets {
    folder: TempDir,
}

impl Secrets {
    fn new(secrets: &Value) -> Self {
        let this = Self { folder: folder() };
        this.set(secrets);
        this
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("secrets.json")
    }

    fn set(&self, secrets: &Value) {
        let text = json!({ "secrets": secrets }).to_string();
        file(self.folder.path(), "new", text);
        let new = self.folder.path().join("new");
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(new, self.path()).unwrap();
    }
}

fn scene<D: Door>(secrets: &Path, resources: &[&str]) -> Scene<D> {
    let access = grant(SERVICE, &["GetSecretValue"], resources);
    let others = json!({ "accessControl": {} });
    Scene::with(json!({ "accessControl": access }), others, |run| {
        run.args(["--secrets", secrets.to_str().unwrap()])
    })
}

fn ask(name: &str, which: Option<Which>) -> Ask {
    Ask::Secret { name: name.to_owned(), which, refresh: false }
}

fn current(text: &str) -> Answer {
    let (version, stages) = ("local".to_owned(), vec!["AWSCURRENT".to_owned()]);
    Answer::Secret(Secret { version, stages, value: text.into(), text: true })
}

fn a_secret_takes_a_grant<D: Door>() {
    let secrets = Secrets::new(&json!([
        { "Name": "db", "SecretString": "hunter2" },
        { "Name": "other", "SecretString": "hidden" },
        { "Name": "api", "ARN": ARN, "SecretString": "key" },
    ]));
    let mut scene = scene::<D>(&secrets.path(), &["db", "arn:aws:*:secret:api-*", "missing"]);
    for name in ["other", "none", ""] {
        let answer = scene.me.ask(ask(name, None));
        assert!(matches!(answer, Answer::Refused(_)), "{name}: {answer:?}");
    }
    assert_eq!(scene.me.ask(ask("other", None)), Answer::Refused(Unauthorized));
    assert_eq!(scene.me.ask(ask("missing", None)), Answer::Refused(NotFound));
    for name in ["db", "api", "missing"] {
        assert_eq!(scene.other.ask(ask(name, None)), Answer::Refused(Unauthorized), "{name}");
    }
    assert_eq!(scene.me.ask(ask("db", None)), current("hunter2"));
    for name in ["api", ARN, ARN.strip_suffix("-a1B2c3").unwrap()] {
        assert_eq!(scene.me.ask(ask(name, None)), current("key"), "{name}");
    }
    // Nothing of it is logged, whoever asks.
    let said: String = scene.host.seen().iter().map(|event| event.line.as_str()).collect();
    assert!(!said.contains("hunter2") && !said.contains("hidden"), "{said}");
}

fn versions_are_found_by_label_and_by_id<D: Door>() {
    let secrets = Secrets::new(&json!([
        { "Name": "a", "VersionId": "2", "VersionStages": ["AWSCURRENT", "live"],
          "SecretString": "grüße" },
        { "Name": "a", "VersionId": "1", "VersionStages": ["AWSPREVIOUS"], "SecretBinary": "AP8=" },
    ]));
    let mut scene = scene::<D>(&secrets.path(), &["*"]);
    let stage = |stage: &str| Some(Which::Stage(stage.to_owned()));
    let version = |version: &str| Some(Which::Version(version.to_owned()));
    let new = Answer::Secret(Secret {
        version: "2".to_owned(),
        stages: vec!["AWSCURRENT".to_owned(), "live".to_owned()],
        value: "grüße".into(),
        text: true,
    });
    let old = Answer::Secret(Secret {
        version: "1".to_owned(),
        stages: vec!["AWSPREVIOUS".to_owned()],
        value: vec![0, 255],
        text: false,
    });
    for (which, expected) in [
        (None, &new),
        (stage("live"), &new),
        (version("2"), &new),
        (stage("AWSPREVIOUS"), &old),
        (version("1"), &old),
        (stage("AWSPENDING"), &Answer::Refused(NotFound)),
        (version("3"), &Answer::Refused(NotFound)),
    ] {
        assert_eq!(scene.me.ask(ask("a", which.clone())), *expected, "{which:?}");
        let refreshed = Ask::Secret { name: "a".to_owned(), which, refresh: true };
        assert_eq!(scene.me.ask(refreshed.clone()), *expected, "{refreshed:?}");
    }
}

fn what_the_operator_changes_counts_at_once<D: Door>() {
    let secrets = Secrets::new(&json!([{ "Name": "a", "SecretString": "one" }]));
    let mut scene = scene::<D>(&secrets.path(), &["*"]);
    assert_eq!(scene.me.ask(ask("a", None)), current("one"));
    secrets.set(&json!([{ "Name": "a", "SecretString": "two" }]));
    assert_eq!(scene.me.ask(ask("a", None)), current("two"));
    // What cannot be used changes nothing.
    secrets.set(&json!([{ "Name": "a", "SecretString": 3 }]));
    assert_eq!(scene.me.ask(ask("a", None)), current("two"));
    fs::remove_file(secrets.path()).unwrap();
    assert_eq!(scene.me.ask(ask("a", None)), Answer::Refused(NotFound));
}
