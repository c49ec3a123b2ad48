mod errors;

use super::*;
use crate::platform::RuntimeKind;
use serde_json::json;
use std::time::Duration;

const HEAD: &str = "RecipeFormatVersion: 2020-01-25\n\
                    ComponentName: com.example.A\n\
                    ComponentVersion: 1.2.3\n";

fn recipe(rest: &str) -> Recipe {
    Recipe::parse(&format!("{HEAD}{rest}")).unwrap()
}

fn error(rest: &str) -> String {
    without_place(&Recipe::parse(&format!("{HEAD}{rest}")).unwrap_err())
}

fn warnings(rest: &str) -> Vec<String> {
    recipe(rest).warnings.iter().map(without_place).collect()
}

/// A message without its line and column, which have tests of their own.
fn without_place(message: &impl ToString) -> String {
    let message = message.to_string();
    match message.split_once(" (line ").map(|(path, rest)| (path, rest.split_once(')'))) {
        Some((path, Some((_, rest)))) => format!("{path}{rest}"),
        _ => message,
    }
}

/// A recipe as it would be read from another text.
fn elsewhere(mut recipe: Recipe) -> Recipe {
    recipe.warnings.iter_mut().for_each(|warning| warning.place = None);
    recipe
}

fn platform(attributes: &[(&str, &str)], runtimes: &[&str]) -> Platform {
    Platform {
        attributes: attributes.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        runtimes: runtimes.iter().map(|runtime| (*runtime).into()).collect(),
    }
}

#[test]
fn the_least_recipe_has_defaults_for_the_rest() {
    let recipe = recipe("");
    assert_eq!(recipe.name.as_str(), "com.example.A");
    assert_eq!(recipe.version.to_string(), "1.2.3");
    assert_eq!(recipe.component_type, ComponentType::Generic);
    assert_eq!(recipe.default_configuration, json!({}));
    assert!(recipe.dependencies.is_empty() && recipe.manifests.is_empty());
    assert!(recipe.warnings.is_empty());
    assert_eq!(recipe.manifest_for(&Platform::default()), None);
}

#[test]
fn a_full_recipe_reads_the_same_from_json_in_any_case() {
    let yaml = "
ComponentDescription: Says hello
ComponentPublisher: Example
ComponentType: aws.greengrass.generic
ComponentSource: arn:aws:lambda:eu-central-1:1:function:a
ComponentConfiguration:
  DefaultConfiguration: {Message: hello, accessControl: {}}
ComponentDependencies:
  com.example.B: {VersionRequirement: '>=1.0.0 <2.0.0', DependencyType: SOFT}
  com.example.C: {VersionRequirement: ^1.2}
Manifests:
  - Name: wasm
    Platform: {os: linux, architecture: null, runtime: wasm}
    Lifecycle:
      Setenv: {A: b, N: 1}
      Install: echo install
      run:
        Script: '{artifacts:path}/a.wasm'
        RequiresPrivilege: 'true'
        Timeout: 1.5
        Setenv: {C: d}
        Skipif: onpath x
        Extra: [1]
    Artifacts:
      - URI: s3://bucket/a.wasm
        Unarchive: ZIP
        Digest: abc=
        Algorithm: SHA-256
        Permission: {Read: ALL, Execute: OWNER}
      - Uri: docker:alpine
";
    let recipe = recipe(yaml);
    assert_eq!(recipe.description.as_deref(), Some("Says hello"));
    assert_eq!(recipe.publisher.as_deref(), Some("Example"));
    assert_eq!(
        recipe.component_source.as_deref(),
        Some("arn:aws:lambda:eu-central-1:1:function:a")
    );
    assert_eq!(recipe.default_configuration, json!({"Message": "hello", "accessControl": {}}));
    assert_eq!(recipe.dependencies["com.example.B"].dependency_type, DependencyType::Soft);
    assert_eq!(recipe.dependencies["com.example.C"].dependency_type, DependencyType::Hard);
    assert_eq!(recipe.dependencies["com.example.C"].version_requirement.as_str(), "^1.2");
    let manifest = &recipe.manifests[0];
    assert_eq!(manifest.name.as_deref(), Some("wasm"));
    assert_eq!(manifest.platform["architecture"], "*");
    assert_eq!(manifest.selections, ["all"]);
    assert_eq!(manifest.lifecycle.environment["N"], "1");
    assert_eq!(manifest.lifecycle.steps[&StepName::Install].script, "echo install");
    let run = &manifest.lifecycle.steps[&StepName::Run];
    assert_eq!(run.script, "{artifacts:path}/a.wasm");
    assert!(run.requires_privilege);
    assert_eq!(run.timeout, Some(Duration::from_millis(1500)));
    let condition = Condition::OnPath("x".into());
    assert_eq!(run.skip_if, Some(SkipIf { negated: false, condition }));
    assert_eq!(run.environment["C"], "d");
    assert_eq!(run.other_options["extra"], json!([1]));
    assert_eq!(manifest.artifacts[0].unarchive, Unarchive::Zip);
    assert_eq!(manifest.artifacts[0].digest.as_deref(), Some("abc="));
    assert_eq!(
        manifest.artifacts[0].permission,
        Permission { read: Access::All, execute: Access::Owner }
    );
    assert_eq!(manifest.artifacts[1].uri, ArtifactUri::Docker { image: "alpine".into() });
    assert_eq!(manifest.artifacts[1].permission, Permission::default());
    assert_eq!(recipe.warnings.len(), 1, "the option `Extra`");

    let recipe = elsewhere(recipe);
    let value = text::parse(&format!("{HEAD}{yaml}")).unwrap();
    assert_eq!(elsewhere(Recipe::parse(&value.to_string()).unwrap()), recipe);
    let spaced = format!("\u{feff}\n\t {value}");
    assert_eq!(elsewhere(Recipe::parse(&spaced).unwrap()), recipe);
    let other_case = value
        .to_string()
        .replace("\"Manifests\"", "\"manifests\"")
        .replace("\"Lifecycle\"", "\"LIFECYCLE\"")
        .replace("\"SOFT\"", "\"soft\"")
        .replace("\"Script\"", "\"script\"");
    assert_eq!(elsewhere(Recipe::parse(&other_case).unwrap()), recipe);
}

#[test]
fn the_first_manifest_that_matches_wins() {
    let recipe = recipe(
        "
Manifests:
  - {Name: windows, Platform: {os: windows}}
  - {Name: wasm, Platform: {os: linux, runtime: wasm}}
  - {Name: docker, Platform: {os: /linux|darwin/, runtime: docker}}
  - {Name: lite, Platform: {os: linux, runtime: aws_nucleus_lite}}
  - {Name: native, Platform: {os: linux}}
  - {Name: any}
",
    );
    let linux = [("os", "linux"), ("architecture", "amd64")];
    let found = |platform: &Platform| {
        let manifest = recipe.manifest_for(platform).unwrap();
        (manifest.name.clone().unwrap(), manifest.runtime())
    };
    #[rustfmt::skip]
    let table: [(Platform, &str, RuntimeKind); 6] = [
        (platform(&linux, &["wasm", "docker", "aws_nucleus_lite"]), "wasm", RuntimeKind::Wasm),
        (platform(&linux, &["docker", "aws_nucleus_lite"]), "docker", RuntimeKind::Docker),
        (platform(&linux, &["aws_nucleus_lite"]), "lite", RuntimeKind::Process),
        (platform(&linux, &[]), "native", RuntimeKind::Process),
        (platform(&[("os", "windows")], &["wasm"]), "windows", RuntimeKind::Process),
        (platform(&[("os", "plan9")], &["wasm"]), "any", RuntimeKind::Process),
    ];
    for (platform, name, runtime) in table {
        assert_eq!(found(&platform), (name.to_owned(), runtime), "{platform:?}");
    }
}

#[test]
fn manifests_without_a_lifecycle_take_the_global_one() {
    let recipe = recipe(
        "
Lifecycle: {run: global, setenv: {A: b}}
Manifests:
  - {}
  - {Lifecycle: {}}
  - {Lifecycle: {run: own}}
",
    );
    let scripts: Vec<&str> = recipe
        .manifests
        .iter()
        .map(|manifest| manifest.lifecycle.steps[&StepName::Run].script.as_str())
        .collect();
    assert_eq!(scripts, ["global", "global", "own"]);
    assert_eq!(recipe.manifests[0].lifecycle.environment["A"], "b");
    assert!(recipe.manifests[2].lifecycle.environment.is_empty());
}

#[test]
fn steps_have_the_timeouts_of_the_java_nucleus() {
    let recipe = recipe(
        "Manifests: [{Lifecycle: {install: {Script: a, Timeout: '7'}, run: b, errorResetTime: 60}}, {}]",
    );
    let seconds = |lifecycle: &Lifecycle| {
        StepName::ALL.map(|step| lifecycle.timeout(step).map_or(0, |timeout| timeout.as_secs()))
    };
    assert_eq!(seconds(&recipe.manifests[0].lifecycle), [120, 7, 120, 0, 15, 60, 120]);
    assert_eq!(recipe.manifests[0].lifecycle.error_reset_time.as_secs(), 60);
    assert_eq!(recipe.manifests[1].lifecycle.error_reset_time.as_secs(), 3600);
    assert_eq!(
        StepName::ALL.map(|step| step.to_string()).join(" "),
        "bootstrap install startup run shutdown recover uninstall"
    );
}

#[test]
fn conditions_are_read_as_written() {
    #[rustfmt::skip]
    let table = [
        ("onpath git", false, Condition::OnPath("git".into())), (" ! onpath  a b ", true, Condition::OnPath("a b".into())),
        ("!exists ~/x", true, Condition::Exists("~/x".into())), ("EXISTS {work:path}/x", false, Condition::Exists("{work:path}/x".into())),
    ];
    for (text, negated, condition) in table {
        let skip_if: SkipIf = text.parse().unwrap();
        assert_eq!(skip_if, SkipIf { negated, condition });
        assert_eq!(skip_if.to_string().parse::<SkipIf>().unwrap(), skip_if);
    }
    for bad in ["", "!", "git", "onpath", "onpath ", "!!onpath x", "onpathx", "maybe x"] {
        assert!(bad.parse::<SkipIf>().is_err(), "{bad}");
    }
}

#[test]
fn archives_are_unpacked_into_a_folder_of_their_name() {
    #[rustfmt::skip]
    let table = [
        ("s3://b/x/a.b.zip", "ZIP", Some("a.b")), ("s3://b/a", "ZIP", Some("a")), ("s3://b/a.tar.gz", "zip", Some("a.tar")),
        ("s3://b/a.TAR.GZ", "TAR", Some("a")), ("s3://b/a.tgz", "TAR", Some("a")), ("s3://b/a.tar", "TAR", Some("a")),
        ("s3://b/a.zip", "NONE", None), ("docker:a", "ZIP", None), ("s3://b/.zip", "ZIP", None), ("s3://b/...zip", "ZIP", None),
        ("s3://b/é.gz", "TAR", Some("é")),
    ];
    for (uri, unarchive, folder) in table {
        let recipe = recipe(&format!(
            "Manifests: [{{Artifacts: [{{URI: '{uri}', Unarchive: {unarchive}}}]}}]"
        ));
        assert_eq!(
            recipe.manifests[0].artifacts[0].unarchived_folder(),
            folder,
            "{uri} {unarchive}"
        );
    }
}

#[test]
fn a_manifest_brings_its_files_and_what_is_in_its_archives() {
    let recipe = recipe(
        "Manifests: [{Artifacts: [{URI: 's3://b/x/a.onnx'}, {URI: 'file:more.zip', Unarchive: ZIP}]}]",
    );
    let manifest = &recipe.manifests[0];
    for (file, brought) in [
        ("a.onnx", true),
        ("more/deep/b.onnx", true),
        ("more.zip", true),
        ("b.onnx", false),
        ("x/a.onnx", false),
        ("more", false),
    ] {
        assert_eq!(manifest.brings(file), brought, "{file}");
    }
}

#[test]
fn selections_pick_at_every_level_of_the_global_lifecycle() {
    let recipe = recipe(
        "
Lifecycle:
  install:
    pi: {Script: for the pi}
    all: for all
  run:
    Script: {pi: run on the pi, gpu: run with gpu}
  startup: {gpu: start}
  shutdown:
    all: stop
    Script: dropped
Manifests:
  - {Selections: [pi, gpu]}
  - {Selections: gpu}
  - {Lifecycle: {run: own}, Selections: [other]}
",
    );
    let script = |index: usize, step: StepName| {
        recipe.manifests[index].lifecycle.steps.get(&step).map(|step| step.script.clone())
    };
    assert_eq!(script(0, StepName::Install).as_deref(), Some("for the pi"));
    assert_eq!(script(0, StepName::Run).as_deref(), Some("run on the pi"));
    assert_eq!(script(0, StepName::Startup).as_deref(), Some("start"));
    assert_eq!(script(1, StepName::Install).as_deref(), Some("for all"));
    assert_eq!(script(1, StepName::Run).as_deref(), Some("run with gpu"));
    assert_eq!(script(1, StepName::Shutdown).as_deref(), Some("stop"));
    assert_eq!(
        recipe.warnings.iter().map(without_place).collect::<Vec<_>>(),
        [
            "Lifecycle.shutdown.Script: stands beside selections and has no effect; move it below one of them"
        ]
    );
    let whole = self::recipe(
        "Lifecycle: {linux: {run: a}, all: {run: b}}\nManifests: [{Selections: [linux]}, {}]\n",
    );
    assert_eq!(whole.manifests[0].lifecycle.steps[&StepName::Run].script, "a");
    assert_eq!(whole.manifests[1].lifecycle.steps[&StepName::Run].script, "b");
    // A step of which a manifest's selections pick nothing is not there for it.
    let none = self::recipe(
        "Lifecycle: {run: {pi: a}}\nManifests: [{Selections: [pi]}, {Selections: [x]}]\n",
    );
    assert!(none.manifests[1].lifecycle.steps.is_empty());
}

#[test]
fn yaml_scalars_keep_their_text_where_it_matters() {
    let recipe = recipe(
        "ComponentConfiguration: {DefaultConfiguration: {account: 012345678901, date: 2020-01-25, \
         yes: yes, n: 7, f: 1.5, b: true, none: ~, underscore: 1_000}}",
    );
    assert_eq!(
        recipe.default_configuration,
        json!({"account": "012345678901", "date": "2020-01-25", "yes": "yes", "n": 7, "f": 1.5,
               "b": true, "none": null, "underscore": "1_000"})
    );
    let anchors =
        self::recipe("ComponentConfiguration: {DefaultConfiguration: {a: &x {k: 1}, b: *x}}");
    assert_eq!(anchors.default_configuration, json!({"a": {"k": 1}, "b": {"k": 1}}));
}
