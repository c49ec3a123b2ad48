use super::*;
use gg_model::recipe::Recipe;
use gg_model::{AccessPolicy, Limits, RuntimeKind, Sandbox};
use std::path::PathBuf;

fn component(name: &str, version: &str, lifecycle: &str) -> InstalledComponent {
    let recipe = format!(
        r#"{{"RecipeFormatVersion": "2020-01-25", "ComponentName": "{name}",
            "ComponentVersion": "{version}", "Manifests": [{{"Lifecycle": {lifecycle}}}]}}"#
    );
    let recipe = Recipe::parse(&recipe).unwrap();
    InstalledComponent {
        name: recipe.name,
        version: recipe.version,
        runtime: RuntimeKind::Process,
        artifact: PathBuf::new(),
        arguments: Vec::new(),
        lifecycle: recipe.manifests[0].lifecycle.clone(),
        files: Vec::new(),
        images: Vec::new(),
        archives: Vec::new(),
        artifacts: PathBuf::new(),
        unarchived: PathBuf::new(),
        work: PathBuf::new(),
        run_as: None,
        resources: crate::component::Resources::default(),
        models: Vec::new(),
        sandbox: Sandbox::default(),
        limits: Limits::default(),
        policy: Arc::default(),
        dependencies: Vec::new(),
    }
}

const RUN: &str = r#"{"install": "a", "run": "b"}"#;

fn set(components: impl IntoIterator<Item = InstalledComponent>) -> Set {
    components.into_iter().map(|one| (one.name.clone(), Arc::new(one))).collect()
}

fn planned(from: InstalledComponent, to: InstalledComponent) -> Vec<Step> {
    plan(&set([from]), &set([to])).into_iter().map(|(step, _)| step).collect()
}

#[test]
fn nothing_to_do_when_all_is_as_desired() {
    assert_eq!(planned(component("a", "1.0.0", RUN), component("a", "1.0.0", RUN)), []);
}

#[test]
fn what_goes_comes_first_and_what_is_new_last() {
    let running = set([
        component("gone", "1.0.0", RUN),
        component("other", "1.0.0", RUN),
        component("same", "1.0.0", RUN),
    ]);
    let desired = set([
        component("new", "1.0.0", RUN),
        component("other", "1.0.1", RUN),
        component("same", "1.0.0", RUN),
    ]);
    let name = |text: &str| text.parse().unwrap();
    let steps = [
        (Step::Stop, name("gone")),
        (Step::Reinstall, name("other")),
        (Step::Install, name("new")),
    ];
    assert_eq!(plan(&running, &desired), steps);
}

#[test]
fn another_install_step_is_a_new_installation_and_another_run_step_a_restart() {
    let before = component("a", "1.0.0", RUN);
    let install = component("a", "1.0.0", r#"{"install": "x", "run": "b"}"#);
    assert_eq!(planned(before.clone(), install), [Step::Reinstall]);
    let run = component("a", "1.0.0", r#"{"install": "a", "run": "x"}"#);
    assert_eq!(planned(before, run), [Step::Restart]);
}

#[test]
fn another_policy_takes_effect_as_it_runs() {
    let before = component("a", "1.0.0", RUN);
    let mut policy = AccessPolicy::default();
    policy.allow("aws.greengrass.ipc.pubsub", "*", "*").unwrap();
    let after = InstalledComponent { policy: Arc::new(policy), ..before.clone() };
    assert_eq!(planned(before, after), [Step::Reconfigure]);
}
