use super::*;
use crate::platform::RuntimeKind;
use proptest::prelude::*;
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
    assert_eq!(recipe.default_configuration, json!({"Message": "hello", "accessControl": {}}));
    assert_eq!(recipe.dependencies["com.example.B"].dependency_type, DependencyType::Soft);
    assert_eq!(recipe.dependencies["com.example.C"].dependency_type, DependencyType::Hard);
    assert_eq!(recipe.dependencies["com.example.C"].version_requirement.as_str(), "^1.2");
    let manifest = &recipe.manifests[0];
    assert_eq!(manifest.name.as_deref(), Some("wasm"));
    assert_eq!(manifest.platform["architecture"], "*");
    assert_eq!(manifest.selections, ["all"]);
    assert_eq!(manifest.lifecycle.environment["N"], "1");
    assert_eq!(manifest.lifecycle.steps["install"].script, "echo install");
    let run = &manifest.lifecycle.steps["run"];
    assert_eq!(run.script, "{artifacts:path}/a.wasm");
    assert!(run.requires_privilege);
    assert_eq!(run.timeout, Some(Duration::from_millis(1500)));
    assert_eq!(run.skip_if.as_deref(), Some("onpath x"));
    assert_eq!(run.environment["C"], "d");
    assert_eq!(run.other_options["extra"], json!([1]));
    assert_eq!(manifest.artifacts[0].unarchive, Unarchive::Zip);
    assert_eq!(manifest.artifacts[0].digest.as_deref(), Some("abc="));
    assert_eq!(
        manifest.artifacts[0].permission,
        Permission { read: Access::All, execute: Access::Owner }
    );
    assert_eq!(manifest.artifacts[1].uri, "docker:alpine");
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
        .map(|manifest| manifest.lifecycle.steps["run"].script.as_str())
        .collect();
    assert_eq!(scripts, ["global", "global", "own"]);
    assert_eq!(recipe.manifests[0].lifecycle.environment["A"], "b");
    assert!(recipe.manifests[2].lifecycle.environment.is_empty());
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
    let script = |index: usize, step: &str| {
        recipe.manifests[index].lifecycle.steps.get(step).map(|step| step.script.clone())
    };
    assert_eq!(script(0, "install").as_deref(), Some("for the pi"));
    assert_eq!(script(0, "run").as_deref(), Some("run on the pi"));
    assert_eq!(script(0, "startup").as_deref(), Some("start"));
    assert_eq!(script(1, "install").as_deref(), Some("for all"));
    assert_eq!(script(1, "run").as_deref(), Some("run with gpu"));
    assert_eq!(script(1, "shutdown").as_deref(), Some("stop"));
    assert_eq!(
        recipe.warnings.iter().map(without_place).collect::<Vec<_>>(),
        [
            "Lifecycle.shutdown.Script: stands beside selections and has no effect; move it below one of them"
        ]
    );
    let whole = self::recipe(
        "Lifecycle: {linux: {run: a}, all: {run: b}}\nManifests: [{Selections: [linux]}, {}]\n",
    );
    assert_eq!(whole.manifests[0].lifecycle.steps["run"].script, "a");
    assert_eq!(whole.manifests[1].lifecycle.steps["run"].script, "b");
    // A step of which a manifest's selections pick nothing is not there for it.
    let none = self::recipe(
        "Lifecycle: {run: {pi: a}}\nManifests: [{Selections: [pi]}, {Selections: [x]}]\n",
    );
    assert!(none.manifests[1].lifecycle.steps.is_empty());
}

#[test]
fn errors_name_the_place_what_was_expected_and_what_came() {
    #[rustfmt::skip]
    let table = [
        ("ComponentType: lambda", "ComponentType: expected one of `aws.greengrass.generic`, \
          `aws.greengrass.lambda`, `aws.greengrass.plugin`, `aws.greengrass.nucleus`, came the text `lambda`"),
        ("ComponentConfiguration: []", "ComponentConfiguration: expected an object, came a list"),
        ("ComponentConfiguration: {DefaultConfiguration: 1}",
         "ComponentConfiguration.DefaultConfiguration: expected an object, came the number 1"),
        ("ComponentDependencies: {a b: {}}", "ComponentDependencies[\"a b\"]: the component name `a b` \
          contains ' '; use letters, digits and any of `-_.`"),
        ("ComponentDependencies: {b: {VersionRequirment: 1}}", "ComponentDependencies.b.VersionRequirement: \
          is required but missing; is it what `VersionRequirment` means?"),
        ("ComponentDependencies: {b: {VersionRequirement: 1.0}}", "ComponentDependencies.b.VersionRequirement: \
          expected text (put it in quotes), came the number 1.0"),
        ("ComponentDependencies: {b: {VersionRequirement: '>=1.0.0, <2.0.0'}}",
         "ComponentDependencies.b.VersionRequirement: the version requirement `>=1.0.0, <2.0.0` is not a \
          range such as `^1.2.0`: write a space instead of the comma"),
        ("Manifests: {}", "Manifests: expected a list, came an object"),
        ("Manifests: [null]", "Manifests[0]: expected an object, came null"),
        ("Manifests: [{Platform: {os: [linux]}}]", "Manifests[0].Platform.os: expected text, came a list"),
        ("Manifests: [{Platform: {os: a, OS: b}}]", "Manifests[0].Platform.os: is there twice; keep one"),
        ("Manifests: [{Lifecycle: {run: 7}}]", "Manifests[0].Lifecycle.run: expected text or an object, came the number 7"),
        ("Manifests: [{Lifecycle: {run: {Timeout: 7}}}]", "Manifests[0].Lifecycle.run.Script: is required but missing"),
        ("Manifests: [{Lifecycle: {run: {Script: a, Timeout: -1}}}]",
         "Manifests[0].Lifecycle.run.Timeout: expected a number of seconds, came the number -1"),
        ("Manifests: [{Lifecycle: {run: {Script: a, Timeout: 1e300}}}]",
         "Manifests[0].Lifecycle.run.Timeout: expected a number of seconds, came the number 1e+300"),
        ("Manifests: [{Lifecycle: {run: {Script: a, RequiresPrivilege: maybe}}}]",
         "Manifests[0].Lifecycle.run.RequiresPrivilege: expected true or false, came the text `maybe`"),
        ("Manifests: [{Lifecycle: {run: a, RUN: b}}]", "Manifests[0].Lifecycle.run: is there twice; keep one"),
        ("Manifests: [{Artifacts: [{}]}]", "Manifests[0].Artifacts[0].URI: is required but missing"),
        ("Manifests: [{Artifacts: [{URI: a, Unarchive: TAR}]}]",
         "Manifests[0].Artifacts[0].Unarchive: expected one of `NONE`, `ZIP`, came the text `TAR`"),
        ("Manifests: [{Selections: [1]}]",
         "Manifests[0].Selections[0]: expected text (put it in quotes), came the number 1"),
        ("Lifecycle: 7\nManifests: [{}]", "Lifecycle: expected text or an object, came the number 7"),
    ];
    for (rest, expected) in table {
        assert_eq!(error(rest), expected, "{rest}");
    }
}

#[test]
fn the_head_must_be_there() {
    #[rustfmt::skip]
    let table = [
        ("", "the document: expected an object, came null"),
        ("[]", "the document: expected an object, came a list"),
        ("hello", "the document: expected an object, came the text `hello`"),
        ("{}", "RecipeFormatVersion: is required but missing"),
        ("RecipeFormatVersion: 2020-01-26", "RecipeFormatVersion: `2020-01-26` is not known; write `2020-01-25`"),
        ("RecipeFormatVersion: 2020-01-25\nComponetName: a",
         "ComponentName: is required but missing; is it what `ComponetName` means?"),
        ("RecipeFormatVersion: 2020-01-25\nComponentName: a\nComponentVersion: 1.0",
         "ComponentVersion: expected text (put it in quotes), came the number 1.0"),
        ("RecipeFormatVersion: 2020-01-25\nComponentName: ..\nComponentVersion: 1.0.0",
         "ComponentName: the component name `..` is dots alone; add a letter or a digit"),
    ];
    for (text, expected) in table {
        assert_eq!(without_place(&Recipe::parse(text).unwrap_err()), expected, "{text}");
    }
}

#[test]
fn errors_and_warnings_have_line_and_column() {
    let yaml = "
ComponentConfig: {}
Manifests:
  - Platform: {os: linux}
    Artifacts:
      - URI: s3://a/b
        Sha: x
      - Unarchive: ZIP
        URI: &uri s3://a/b
  - Platform: {os: linux}
    Lifecycle:
      run:
        Script: |
          Timeout: not this one
        Timeout: soon
";
    assert_eq!(
        Recipe::parse(&format!("{HEAD}{yaml}")).unwrap_err().to_string(),
        "Manifests[1].Lifecycle.run.Timeout (line 18, column 9): expected a number of seconds, came \
         the text `soon`"
    );
    let recipe = recipe(&yaml.replace("soon", "7"));
    let places = |recipe: &Recipe| -> Vec<String> {
        let place = |warning: &Warning| format!("{} {}", warning.path, warning.place.unwrap());
        recipe.warnings.iter().map(place).collect()
    };
    assert_eq!(
        places(&recipe),
        ["Manifests[0].Artifacts[0].Sha line 10, column 9", "ComponentConfig line 5, column 1"]
    );
    let json = r#"{
        "RecipeFormatVersion": "2020-01-25", "ComponentName": "a", "componentVersion": "1.0.0",
        "Manifests": [
            {},
            {
                "Lifecycle": {"run": {"script": "{\"Extra\": 1}", "Extra": 1}},
                "PLATFORM": {"os": ["linux"]}
            }
        ]
    }"#;
    assert_eq!(
        Recipe::parse(json).unwrap_err().to_string(),
        "Manifests[1].Platform.os (line 7, column 30): expected text, came a list"
    );
    let recipe = Recipe::parse(&json.replace(r#"["linux"]"#, "null")).unwrap();
    assert_eq!(places(&recipe), ["Manifests[1].Lifecycle.run.Extra line 6, column 67"]);
    let twice = json.replace("\"PLATFORM\"", "\"lifecycle\": {},\n\"platform\"");
    assert_eq!(
        Recipe::parse(&twice).unwrap_err().to_string(),
        "Manifests[1].lifecycle (line 7, column 17): is the same key as `Lifecycle`; keep one"
    );
    // What is missing has the place of what it is missing from; the whole document has none.
    let missing = format!("{HEAD}Manifests:\n  - Artifacts:\n      - {{Uri: a}}\n      - {{}}\n");
    assert_eq!(
        Recipe::parse(&missing).unwrap_err().to_string(),
        "Manifests[0].Artifacts[1].URI (line 7, column 9): is required but missing"
    );
    assert_eq!(
        Recipe::parse("a: 1").unwrap_err().to_string(),
        "RecipeFormatVersion: is required but missing"
    );
    // An alias stands for what was written elsewhere.
    let alias = format!("{HEAD}x: &x {{run: 7}}\nManifests:\n  - {{Lifecycle: *x}}\n");
    assert_eq!(
        Recipe::parse(&alias).unwrap_err().to_string(),
        "Manifests[0].Lifecycle.run (line 6, column 6): expected text or an object, came the number 7"
    );
}

#[test]
fn syntax_errors_have_line_and_column() {
    #[rustfmt::skip]
    let table = [
        ("{\n  \"a\": }", "the recipe is not JSON: line 2, column 8: expected value"),
        ("{", "the recipe is not JSON: line 1, column 1: EOF while parsing an object"),
        ("a: 1\nb: [", "the recipe is not YAML: line 2, column 4: unclosed bracket '['"),
        ("a: *x", "the recipe is not YAML: line 1, column 4: reference to unknown value"),
        ("a: 1\na: 2", "the recipe is not YAML: line 2, column 1: duplicate mapping key `a` is not allowed here"),
        ("a: .nan", "the recipe is not YAML: line 1, column 4: value `.nan` is not a finite number"),
    ];
    for (text, expected) in table {
        assert_eq!(Recipe::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    assert!(
        Recipe::parse("a: 1\n---\nb: 2").unwrap_err().to_string().contains("single YAML document")
    );
}

#[test]
fn unknown_keys_are_warnings_with_a_suggestion() {
    #[rustfmt::skip]
    let table = [
        ("Manifest: []", "Manifest: is not a known key; is it `Manifests`?"),
        ("Banana: 1", "Banana: is not a known key; known are RecipeFormatVersion, ComponentName, \
          ComponentVersion, ComponentDescription, ComponentPublisher, ComponentType, ComponentSource, \
          ComponentConfiguration, ComponentDependencies, Lifecycle, Manifests"),
        ("Manifests: [{Artifact: []}]", "Manifests[0].Artifact: is not a known key; is it `Artifacts`?"),
        ("Manifests: [{Lifecycle: {start: x}}]",
         "Manifests[0].Lifecycle.start: is not a known key; is it `startup`?"),
        ("Manifests: [{Lifecycle: {run: {Script: x, Timout: 1}}}]",
         "Manifests[0].Lifecycle.run.Timout: is not a known key; is it `Timeout`?"),
        ("ComponentConfiguration: {DefaultConfig: {}}",
         "ComponentConfiguration.DefaultConfig: is not a known key; known are DefaultConfiguration"),
        ("Manifests: [{Platform: {os: '/[/'}}]",
         "Manifests[0].Platform.os: `/[/` matches no device: it is not a regular expression: "),
        ("Manifests: [{Platform: {os: '<x>'}}]",
         "Manifests[0].Platform.os: `<x>` matches no device: it begins with '<'; write a value, `*`, or `/regex/`"),
        ("Manifests: [{Artifacts: [{URI: a, Sha: b, Permission: {Write: ALL}}]}]",
         "Manifests[0].Artifacts[0].Permission.Write: is not a known key; known are Read, Execute"),
    ];
    for (rest, expected) in table {
        let warnings = warnings(rest);
        assert!(warnings[0].starts_with(expected), "{rest}: {warnings:?}");
    }
    let many: String = (0..10_000).map(|n| format!("unknown{n}: 1\n")).collect();
    assert_eq!(warnings(&many).len(), 100);
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

#[test]
fn hostile_texts_are_refused_quickly() {
    let started = std::time::Instant::now();
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let uses = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{uses}]\n"));
    }
    let quadratic = format!("a: &a [{}]\nb: [{}]", "x,".repeat(10_000), "*a,".repeat(900));
    let text_bomb = format!("a: &a {}\nb: [{}]", "x".repeat(500_000), "*a,".repeat(900));
    #[rustfmt::skip]
    let texts = [
        bomb, quadratic, text_bomb,
        "[".repeat(100_000), "{\"a\":".repeat(100_000), format!("a: {}", "{a: ".repeat(100_000)),
        format!("x: {}", "[".repeat(5_000)), "- ".repeat(100_000), "? ".repeat(100_000),
        (0..5_000).map(|n| format!("{}a:\n", " ".repeat(n % 1000))).collect(),
        "&a ".repeat(10_000), "!t ".repeat(10_000), "\u{0}".repeat(1000), "\"\\u".repeat(1000),
        "a: &a [*a]".into(), "<<: *x".into(), "a: &a {<<: *a}".into(), "%YAML 9.9\n--- a".into(),
        "\t\t\t:".into(), ": ".repeat(100_000), "- - - - \n".repeat(10_000), "'".repeat(100_001),
        "a: |\n".repeat(10_000), "#".repeat(1_000_000), "\r\n".repeat(300_000),
    ];
    for text in &texts {
        assert!(Recipe::parse(text).is_err(), "{text:.40}");
        let with_head = format!("{HEAD}ComponentConfiguration:\n  DefaultConfiguration: {text}");
        let _may_be_either = Recipe::parse(&with_head);
    }
    assert_eq!(
        Recipe::parse(&" ".repeat(MAX_RECIPE_BYTES + 1)),
        Err(RecipeError::TooLong { length: MAX_RECIPE_BYTES + 1 })
    );
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn numbers_of_manifests_and_selections_are_limited() {
    let list = |count: usize, element: &str| vec![element; count].join(", ");
    assert_eq!(recipe(&format!("Manifests: [{}]", list(100, "{}"))).manifests.len(), 100);
    assert_eq!(
        error(&format!("Manifests: [{}]", list(101, "{}"))),
        "Manifests: has 101 elements; at most 100 are allowed"
    );
    assert_eq!(
        error(&format!("Manifests: [{{Selections: [{}]}}]", list(101, "a"))),
        "Manifests[0].Selections: has 101 elements; at most 100 are allowed"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(rest in "(Manifests|Lifecycle|[a-c]|: |\\[|\\]|\\{|\\}|, |- |\n|  |&a |\\*a|!t |'|\"|#|\\||>|~|é|1){0,40}") {
        drop(Recipe::parse(&format!("{HEAD}{rest}")));
        drop(Recipe::parse(&rest));
        drop(Recipe::parse(&format!("{{{rest}")));
    }
}
