use super::*;
use gg_model::recipe::SIGNATURES;

const DIGEST: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

/// As people write it.
fn written() -> String {
    format!(
        "RecipeFormatVersion: 2020-01-25
ComponentName: com.example.A
ComponentVersion: 1.2.0
ComponentDescription: What it does
ComponentConfiguration:
  DefaultConfiguration:
    rate: 2.0
    accessControl: {{b: 1, a: [x, null, true]}}
ComponentDependencies:
  com.example.B: {{VersionRequirement: ^1.0.0}}
Lifecycle:
  wasm: {{run: {{ script: '{{artifacts:path}}/a.wasm', timeout: '15'}}}}
Manifests:
  - Platform: {{os: linux, runtime: wasm}}
    Selections: [wasm]
    Artifacts:
      - URI: s3://bucket/folder/a.wasm
        Digest: {DIGEST}
        Algorithm: SHA-256
"
    )
}

/// As a cloud might hand it on.
fn handed_on() -> String {
    json!({
        "recipeFormatVersion": "2020-01-25",
        "componentName": "com.example.A",
        "componentVersion": "1.2.0",
        "componentType": "aws.greengrass.generic",
        "componentPublisher": "me",
        "componentConfiguration": {"defaultConfiguration": {
            "accessControl": {"a": ["x", null, true], "b": 1},
            "rate": 2,
            SIGNATURES: ["AAAA"],
        }},
        "componentDependencies": {
            "com.example.B": {"versionRequirement": "^1.0.0", "dependencyType": "HARD"},
        },
        "manifests": [{
            "platform": {"runtime": "wasm", "os": "linux"},
            "lifecycle": {"run": {"script": "{artifacts:path}/a.wasm", "timeout": 15}},
            "artifacts": [{
                "uri": "greengrass:abc/a.wasm",
                "unarchive": "NONE",
                "permission": {"read": "OWNER", "execute": "NONE"},
                "digest": DIGEST,
                "algorithm": "SHA-256",
            }],
        }],
    })
    .to_string()
}

fn of(text: &str) -> String {
    statement(&Recipe::parse(text).unwrap()).unwrap()
}

#[test]
fn it_is_the_same_however_the_recipe_is_written() {
    assert_eq!(of(&written()), of(&handed_on()));
}

#[test]
fn it_is_another_when_anything_changes_that_has_an_effect() {
    let text = written();
    for (from, to) in [
        ("com.example.A", "com.example.C"),
        ("1.2.0", "1.2.1"),
        ("rate: 2.0", "rate: 2.5"),
        ("b: 1", "b: 2"),
        ("[x, null, true]", "[null, x, true]"),
        ("^1.0.0", "^2.0.0"),
        ("a.wasm'", "a.wasm --more'"),
        ("'15'", "'16'"),
        (" timeout", " setenv: {A: b}, timeout"),
        (" script", " requiresPrivilege: true, script"),
        ("{os: linux, runtime: wasm}", "{os: linux}"),
        ("folder/a.wasm", "folder/b.wasm"),
        (DIGEST, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ("Algorithm: SHA-256", "Unarchive: ZIP"),
        ("Algorithm: SHA-256", "Permission: {Execute: ALL}"),
    ] {
        assert!(text.contains(from), "{from}");
        assert_ne!(of(&text), of(&text.replacen(from, to, 1)), "{from} -> {to}");
    }
}

#[test]
fn what_has_no_effect_may_change() {
    let text = written();
    for (from, to) in [
        ("What it does", "Something else"),
        ("bucket/folder", "elsewhere"),
        ("Algorithm: SHA-256", "Unarchive: NONE"),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(of(&text), of(&text.replacen(from, to, 1)), "{from} -> {to}");
    }
}

#[test]
fn it_stays_as_it_is_in_later_versions() {
    let text = "RecipeFormatVersion: 2020-01-25
ComponentName: com.example.A
ComponentVersion: 1.0.0
Manifests:
  - Lifecycle: {run: sleep 1}
";
    assert_eq!(
        of(text),
        concat!(
            r#"{"configuration":{},"dependencies":{},"format":"gg-host/recipe/1","manifests":[{"#,
            r#""artifacts":[],"lifecycle":{"environment":{},"errorResetTime":"3600.000000000","#,
            r#""steps":{"run":{"bootstrapOnRollback":false,"environment":{},"otherOptions":{},"#,
            r#""requiresPrivilege":false,"script":"sleep 1","skipIf":null,"timeout":null}}},"#,
            r#""platform":{}}],"name":"com.example.A","source":null,"type":"generic","#,
            r#""version":"1.0.0"}"#
        )
    );
}

#[test]
fn artifacts_must_be_pinned() {
    let text = written().replace("Digest", "Unknown");
    let refused = statement(&Recipe::parse(&text).unwrap()).unwrap_err();
    assert!(matches!(refused, Reason::Unpinned { .. }), "{refused}");
}

#[test]
fn the_configuration_that_components_see_has_no_signatures() {
    let recipe = Recipe::parse(&handed_on()).unwrap();
    assert_eq!(recipe.signatures, [json!("AAAA")]);
    assert_eq!(signatures_in(&recipe).len(), 1);
    assert!(recipe.default_configuration.get(SIGNATURES).is_none());
}
