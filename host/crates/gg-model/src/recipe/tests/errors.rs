//! What is refused, and how that is said.

use super::*;
use proptest::prelude::*;

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
        ("Manifests: [{Platform: {os: a, OS: b}}]", "Manifests[0].Platform.os: is the same key as `OS`; keep one"),
        ("Manifests: [{Lifecycle: {run: 7}}]", "Manifests[0].Lifecycle.run: expected text or an object, came the number 7"),
        ("Manifests: [{Lifecycle: {run: {Timeout: 7}}}]", "Manifests[0].Lifecycle.run.Script: is required but missing"),
        ("Manifests: [{Lifecycle: {run: {Script: a, Timeout: -1}}}]",
         "Manifests[0].Lifecycle.run.Timeout: expected a number of seconds, came the number -1"),
        ("Manifests: [{Lifecycle: {run: {Script: a, Timeout: 1e300}}}]",
         "Manifests[0].Lifecycle.run.Timeout: expected a number of seconds, came the number 1e+300"),
        ("Manifests: [{Lifecycle: {run: {Script: a, RequiresPrivilege: maybe}}}]",
         "Manifests[0].Lifecycle.run.RequiresPrivilege: expected true or false, came the text `maybe`"),
        ("Manifests: [{Lifecycle: {run: a, RUN: b}}]", "Manifests[0].Lifecycle.run: is the same key as `RUN`; keep one"),
        ("Manifests: [{Artifacts: [{}]}]", "Manifests[0].Artifacts[0].URI: is required but missing"),
        ("Manifests: [{Lifecycle: {run: {Script: a, SCRIPT: b}}}]",
         "Manifests[0].Lifecycle.run.Script: is the same key as `SCRIPT`; keep one"),
        ("Manifests: [{Lifecycle: {run: {Script: a, Skipif: git}}}]",
         "Manifests[0].Lifecycle.run.Skipif: `git` is not a condition; write `onpath PROGRAM` or \
          `exists FILE`, and `!` before it for the opposite"),
        ("Manifests: [{Artifacts: [{URI: ''}]}]", "Manifests[0].Artifacts[0].URI: the URI is empty; write for \
          example `s3://bucket/file.wasm`"),
        ("Manifests: [{Artifacts: [{URI: a, Unarchive: RAR}]}]",
         "Manifests[0].Artifacts[0].Unarchive: expected one of `NONE`, `ZIP`, `TAR`, came the text `RAR`"),
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
