//! What the documents say of files and limits is so.

use crate::host::{command, finish};
use gg_model::{AccessPolicy, Recipe, RuntimeKind, Sandbox};
use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// What stands between backticks, outside of indented and fenced blocks.
fn quoted(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut prose = text.lines().filter(move |line| {
        fenced ^= line.starts_with("```");
        !fenced && !line.starts_with("    ")
    });
    let mut found = Vec::new();
    for line in &mut prose {
        found.extend(line.split('`').skip(1).step_by(2));
    }
    found
}

#[test]
fn files_that_documents_name_exist() {
    let documents = [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "README.md",
        "sample-components/README.md",
        "tests/README.md",
    ];
    for name in documents {
        let text = document(name);
        for path in quoted(&text) {
            let is_path = path.contains(['/', '.'])
                && !path.starts_with('.')
                && !path.contains([' ', ':', '*', '<', '~', '(', '#', '@', '{'])
                && (path.contains(".rs") || path.contains(".md") || path.ends_with('/'));
            // A name alone, or from a folder that the sentence is about.
            let folders = [
                "",
                "cloud/src",
                "cloud/src/web",
                "host/src",
                "host/src/capability",
                "host/src/capability/pubsub",
                "host/src/runtime/wasm",
                "host/src/supervisor",
                "host/src/deployment",
                "host/crates/gg-model/src",
                "tests",
            ];
            // `x` stands for one that is to be added.
            let added = path.split(['/', '.']).any(|part| part == "x");
            let exists =
                folders.iter().any(|folder| Path::new(ROOT).join(folder).join(path).exists());
            assert!(!is_path || added || exists, "{name} names {path}, which is not there");
        }
    }
}

#[test]
fn limits_in_the_readme_are_the_defaults() {
    let mut limits = command("limits");
    limits.args(["--output", "json"]);
    let outcome = finish(limits);
    outcome.expect_code(0);
    let text = document("README.md");
    let (_, table) = text.split_once("| Limit | Default |").unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 5, "{rows:?}");
    for row in rows {
        let [name, default, description] = row.as_slice() else { panic!("{row:?}") };
        let name = name.trim_matches('`');
        let limit = outcome.events.iter().find(|event| event.json["name"] == name);
        let limit = limit.unwrap_or_else(|| panic!("there is no limit {name}"));
        assert_eq!(limit.json["default"], *default, "{name}");
        assert_eq!(limit.json["description"], *description, "{name}");
    }
}

#[test]
fn the_recipe_in_the_readme_is_one() {
    let text = document("README.md");
    let (_, rest) = text.split_once("```yaml\n").unwrap();
    let (body, _) = rest.split_once("```").unwrap();
    let head = "RecipeFormatVersion: 2020-01-25\nComponentName: com.example.Filter\nComponentVersion: 1.0.0\n";
    let recipe = Recipe::parse(&format!("{head}{body}")).unwrap();
    assert!(recipe.warnings.is_empty(), "{:?}", recipe.warnings);
    let sandbox = Sandbox::from_configuration(&recipe.default_configuration).unwrap();
    assert_eq!((sandbox.directories.len(), sandbox.network.len()), (1, 1));
    assert_eq!((sandbox.environment.len(), sandbox.subscriptions.len()), (1, 1));
    let access = &recipe.default_configuration["accessControl"];
    let policy = AccessPolicy::from_access_control(access).unwrap();
    assert!(
        policy.allows_operation("aws.greengrass.ipc.pubsub", "aws.greengrass#SubscribeToTopic")
    );
    assert_eq!(recipe.manifests[0].runtime(), RuntimeKind::Wasm);
}
