use super::*;
use crate::config_tree::ConfigTree;
use crate::name::ComponentName;
use crate::version::VersionRequirement;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const FULL: &str = r#"{
    "schemaDate": "2021-05-17",
    "deploymentId": "8d9f",
    "deploymentName": "fleet A",
    "configurationArn": "arn:aws:greengrass:us-east-1:123456789012:configuration:thinggroup/fleet-a:3",
    "creationTimestamp": 1.604067741583E12,
    "components": {
        "com.example.Hello": {
            "version": "1.0.0",
            "configurationUpdate": {"merge": {"Message": "hi"}, "reset": ["/old", ""]},
            "runWith": {
                "posixUser": "ggc_user:ggc_group",
                "windowsUser": "bar",
                "systemResourceLimits": {"memory": 65536.0, "cpus": 0.5}
            }
        },
        "com.example.Plain": {"version": "2.0.0-rc.1", "runWith": {"posixUser": "", "systemResourceLimits": null}}
    },
    "failureHandlingPolicy": "DO_NOTHING",
    "componentUpdatePolicy": {"timeout": 120.0, "action": "SKIP_NOTIFY_COMPONENTS"},
    "configurationValidationPolicy": {"timeout": "30"},
    "requiredCapabilities": ["LARGE_CONFIGURATION", "ANOTHER"]
}"#;

fn name(text: &str) -> ComponentName {
    text.parse().unwrap()
}

fn id(text: &str) -> DeploymentId {
    text.parse().unwrap()
}

fn requirement(text: &str) -> VersionRequirement {
    text.parse().unwrap()
}

#[test]
fn a_full_document_is_read() {
    let document = DeploymentDocument::parse(FULL).unwrap();
    assert_eq!(document.deployment_id, id("8d9f"));
    assert_eq!(document.deployment_name.as_deref(), Some("fleet A"));
    assert_eq!(document.group(), DeploymentGroup::ThingGroup("fleet-a".into()));
    assert_eq!(document.configuration_arn.as_ref().unwrap().revision(), Some(3));
    assert_eq!(document.creation_timestamp, Some(1_604_067_741_583));
    assert_eq!(document.failure_handling, FailureHandlingPolicy::DoNothing);
    let update = ComponentUpdatePolicy {
        timeout: Duration::from_secs(120),
        action: UpdateAction::SkipNotifyComponents,
    };
    assert_eq!(document.component_update, update);
    assert_eq!(document.validation_timeout, Duration::from_secs(30));
    assert_eq!(document.required_capabilities, ["LARGE_CONFIGURATION", "ANOTHER"]);
    assert!(document.warnings.is_empty());

    let hello = &document.components[&name("com.example.Hello")];
    assert_eq!(hello.version.to_string(), "1.0.0");
    let update = hello.configuration_update.as_ref().unwrap();
    assert_eq!(update.merge, json!({"Message": "hi"}));
    assert_eq!(update.reset, ["/old", ""]);
    assert_eq!(hello.run_with.posix_user, Change::To("ggc_user:ggc_group".parse().unwrap()));
    let limits = SystemResourceLimits { memory_kb: Some(65_536), cpus: Some(0.5) };
    assert_eq!(hello.run_with.limits, Change::To(limits));
    let plain = &document.components[&name("com.example.Plain")];
    assert_eq!(plain.configuration_update, None);
    let to_default = RunWith { posix_user: Change::ToDefault, limits: Change::ToDefault };
    assert_eq!(plain.run_with, to_default);

    assert_eq!(DeploymentDocument::from_json(&document.to_json()).unwrap(), document);
    let other_case =
        FULL.replace("configurationUpdate", "CONFIGURATIONUPDATE").replace("DO_", "do_");
    assert_eq!(DeploymentDocument::parse(&other_case).unwrap(), document);
}

#[test]
fn the_least_document_has_defaults_for_the_rest() {
    let document = DeploymentDocument::parse(r#"{"deploymentId": "a"}"#).unwrap();
    assert_eq!(document, DeploymentDocument::new(id("a")));
    assert_eq!(document.failure_handling, FailureHandlingPolicy::Rollback);
    assert_eq!(document.component_update.timeout, Duration::from_secs(60));
    assert_eq!(document.component_update.action, UpdateAction::NotifyComponents);
    assert_eq!(document.validation_timeout, Duration::from_secs(60));
    assert_eq!(document.group(), DeploymentGroup::Local);
    let component = r#"{"deploymentId": "a", "components": {"b": {"version": "1.0.0"}}}"#;
    let document = DeploymentDocument::parse(component).unwrap();
    assert_eq!(document.components[&name("b")].run_with, RunWith::default());
}

#[test]
fn the_group_is_read_from_the_arn() {
    use DeploymentGroup::{Local, Other, Thing, ThingGroup};
    let configuration = "arn:aws:greengrass:eu-central-1:1:configuration:";
    #[rustfmt::skip]
    let table = [
        (format!("{configuration}thinggroup/a:3"), ThingGroup("a".into()), Some(3)),
        (format!("{configuration}thing/T:12"), Thing("T".into()), Some(12)),
        (format!("{configuration}thinggroup/a:b:7"), ThingGroup("a:b".into()), Some(7)),
        (format!("{configuration}thinggroup/a"), ThingGroup("a".into()), None),
        ("Test".into(), Other("Test".into()), None), ("arn:aws:x".into(), Other("arn:aws:x".into()), None),
        ("LOCAL_DEPLOYMENT".into(), Local, None),
    ];
    for (text, group, revision) in table {
        let arn: ConfigurationArn = text.parse().unwrap();
        assert_eq!((arn.group(), arn.revision()), (group.clone(), revision), "{text}");
        assert_eq!(DeploymentGroup::from(group.to_string()), group);
        let json = serde_json::to_string(&group).unwrap();
        assert_eq!(serde_json::from_str::<DeploymentGroup>(&json).unwrap(), group);
    }
    let sub = r#"{"deploymentId": "a", "configurationArn": "x", "parentTargetArn": "",
        "onBehalfOf": "arn:aws:iot:eu-central-1:1:thinggroup/sub"}"#;
    let document = DeploymentDocument::parse(sub).unwrap();
    assert_eq!(document.group(), ThingGroup("sub".into()));
    assert_eq!(document.parent_target_arn, None);
}

#[test]
fn errors_and_warnings_of_documents_say_where() {
    let with = |rest: &str| format!("{{\"deploymentId\": \"a\",\n{rest}}}");
    let component = |rest: &str| with(&format!("\"components\": {{\"b\": {{{rest}}}}}"));
    #[rustfmt::skip]
    let table = [
        ("[]".into(), "the document: expected an object, came a list"),
        ("{}".into(), "deploymentId: is required but missing"),
        (r#"{"deploymentId": ""}"#.into(), "deploymentId (line 1, column 2): the text is empty; leave the key out, or give it 1 to 2048 characters"),
        (with("\"deploymentId \": 1, \"creationTimestamp\": -1"),
         "creationTimestamp (line 2, column 21): expected a whole number of milliseconds, from 0 to 9223372036854775807, came the number -1"),
        (with("\"components\": []"), "components (line 2, column 1): expected an object, came a list"),
        (with("\"components\": {\"a b\": {}}"), "components[\"a b\"] (line 2, column 16): the component name `a b` \
          contains ' '; use letters, digits and any of `-_.`"),
        (with("\"components\": {\"b\": null}"), "components.b (line 2, column 16): expected an object, came null"),
        (component(""), "components.b.version (line 2, column 16): is required but missing"),
        (component("\"Version\": \"1\""), "components.b.version (line 2, column 22): the version `1` is not a \
          semantic version such as `1.0.0`: unexpected end of input while parsing major version number"),
        (component("\"version\": \"1.0.0\", \"configurationUpdate\": {\"merge\": 7}"),
         "components.b.configurationUpdate.merge (line 2, column 66): expected an object, came the number 7"),
        (component("\"version\": \"1.0.0\", \"configurationUpdate\": {\"reset\": [\"/a\", \"b\"]}"),
         "components.b.configurationUpdate.reset[1] (line 2, column 82): `b` is not a JSON pointer: it must be empty or begin with `/`"),
        (component("\"version\": \"1.0.0\", \"runWith\": {\"posixUser\": \"a b\"}"),
         "components.b.runWith.posixUser (line 2, column 54): `a b` does not name a user; write `user`, `user:group`, or numbers for them"),
        (component("\"version\": \"1.0.0\", \"runWith\": {\"systemResourceLimits\": {\"memory\": 0}}"),
         "components.b.runWith.systemResourceLimits.memory (line 2, column 79): expected a whole number of kilobytes, \
          from 1 to 18014398509481983, came the number 0"),
        (component("\"version\": \"1.0.0\", \"runWith\": {\"systemResourceLimits\": {\"cpus\": 0}}"),
         "components.b.runWith.systemResourceLimits.cpus (line 2, column 79): expected a number of cores above 0, came the number 0"),
        (with("\"failureHandlingPolicy\": \"PANIC\""), "failureHandlingPolicy (line 2, column 1): expected one of `ROLLBACK`, \
          `DO_NOTHING`, came the text `PANIC`"),
        (with("\"componentUpdatePolicy\": {\"timeout\": 1.5}"), "componentUpdatePolicy.timeout (line 2, column 27): \
          expected a whole number of seconds, from 0 to 4294967295, came the number 1.5"),
        (with("\"requiredCapabilities\": [1]"),
         "requiredCapabilities[0] (line 2, column 26): expected text (put it in quotes), came the number 1"),
        (with("\"components\": {"), "the deployment document is not JSON: line 2, column 16: EOF while parsing an object"),
    ];
    for (text, expected) in table {
        assert_eq!(DeploymentDocument::parse(&text).unwrap_err().to_string(), expected, "{text}");
    }
    let text = with(
        "\"schemaDate\": \"2031-01-01\", \"component\": {},\n\"components\": {\"b\": {\"version\": \"1.0.0\", \"runwiht\": 1}}",
    );
    let warnings = DeploymentDocument::parse(&text).unwrap().warnings;
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "schemaDate (line 2, column 1): is not known; the document is read as of 2021-05-17",
            "components.b.runwiht (line 3, column 42): is not a known key; is it `runWith`?",
            "component (line 2, column 29): is not a known key; is it `components`?",
        ]
    );
}

#[test]
fn hostile_documents_are_refused_quickly() {
    let started = std::time::Instant::now();
    let long = " ".repeat(MAX_DOCUMENT_BYTES + 1);
    assert_eq!(
        DeploymentDocument::parse(&long),
        Err(DocumentError::TooLong { length: MAX_DOCUMENT_BYTES + 1 })
    );
    for text in ["[".repeat(1_000_000), "{\"components\":".repeat(100_000), String::new()] {
        assert!(matches!(DeploymentDocument::parse(&text), Err(DocumentError::Syntax { .. })));
        assert!(LocalDeploymentRequest::parse(&text).is_err());
    }
    let many: String = (0..10_000).map(|n| format!(",\"unknown{n}\": 1")).collect();
    let document =
        DeploymentDocument::parse(&format!("{{\"deploymentId\": \"a\"{many}}}")).unwrap();
    assert_eq!(document.warnings.len(), 100);
    assert!("x".repeat(2049).parse::<DeploymentId>().unwrap_err().to_string().len() < 200);
    assert!("a\nb".parse::<ConfigurationArn>().is_err());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn users_are_names_or_numbers() {
    for good in ["ggc_user", "ggc_user:ggc_group", "1000:1000", "a.b-c$", "DOMAIN\\user", "é:é"] {
        let user: PosixUser = good.parse().unwrap();
        assert_eq!(user.to_string(), good);
        let json = serde_json::to_string(&user).unwrap();
        assert_eq!(serde_json::from_str::<PosixUser>(&json).unwrap(), user);
    }
    let long = "x".repeat(257);
    for bad in ["", ":", "a:", ":b", "a:b:c", "a b", "-u", "a:-g", "a/b", "a\0", "a\n", &long] {
        assert!(bad.parse::<PosixUser>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_change_is_carried_out_on_what_is_remembered() {
    let after = |change: Change<i32>, mut remembered: Option<i32>| {
        change.apply(&mut remembered);
        remembered
    };
    assert_eq!(after(Change::Keep, Some(1)), Some(1));
    assert_eq!(after(Change::ToDefault, Some(1)), None);
    assert_eq!(after(Change::To(2), Some(1)), Some(2));
}

#[test]
fn a_local_request_is_read() {
    let text = r#"{
        "requestId": "f7fe", "requestTimestamp": 1592574829000, "groupName": "fleet",
        "rootComponentVersionsToAdd": {"a": "1.0.0", "b": "^2"},
        "rootComponentsToRemove": ["c"],
        "recipeDirectoryPath": "/r", "artifactsDirectoryPath": "/a",
        "configurationUpdate": {"a": {"MERGE": {"k": 1}, "RESET": ["/x"]}},
        "componentToRunWithInfo": {"a": {"posixUser": "nobody"}},
        "failureHandlingPolicy": "ROLLBACK"
    }"#;
    let request = LocalDeploymentRequest::parse(text).unwrap();
    assert_eq!(request.request_id, id("f7fe"));
    assert_eq!(request.request_timestamp, Some(1_592_574_829_000));
    assert_eq!(request.group, DeploymentGroup::ThingGroup("fleet".into()));
    assert_eq!(request.recipe_directory.as_deref(), Some("/r"));
    assert_eq!(request.artifacts_directory.as_deref(), Some("/a"));
    assert_eq!(request.configuration_updates[&name("a")].merge, json!({"k": 1}));
    assert_eq!(request.configuration_updates[&name("a")].reset, ["/x"]);
    let nobody = Change::To("nobody".parse().unwrap());
    assert_eq!(request.run_with[&name("a")].posix_user, nobody);
    assert_eq!(request.failure_handling, FailureHandlingPolicy::Rollback);
    assert!(request.warnings.is_empty());
    assert_eq!(LocalDeploymentRequest::from_json(&request.to_json()).unwrap(), request);

    let before = [("b", "1"), ("c", "1"), ("d", "*")].map(|(n, r)| (name(n), requirement(r)));
    let after = [("a", "1.0.0"), ("b", "^2"), ("d", "*")].map(|(n, r)| (name(n), requirement(r)));
    assert_eq!(request.roots(&before.into()), BTreeMap::from(after));

    // The names of IPC and of the Java nucleus.
    let other_names = text
        .replace("rootComponentVersionsToAdd", "componentsToMerge")
        .replace("rootComponentsToRemove", "componentsToRemove")
        .replace("configurationUpdate", "componentToConfiguration");
    assert_eq!(LocalDeploymentRequest::parse(&other_names).unwrap(), request);

    let least = LocalDeploymentRequest::parse(r#"{"requestId": "a", "groupName": ""}"#).unwrap();
    assert_eq!(least.group, DeploymentGroup::Local);
    assert_eq!(least.failure_handling, FailureHandlingPolicy::DoNothing);
    assert_eq!(least.components_to_remove, BTreeSet::new());
    for (bad, expected) in [
        (
            r#"{"requestId": "a", "groupName": "a:b"}"#,
            "groupName (line 1, column 20): may not contain `:`",
        ),
        (
            r#"{"requestId": "a", "componentsToMerge": {"b": "banana"}}"#,
            "componentsToMerge.b (line 1, column 42): the version requirement `banana` is not a range such as \
          `^1.2.0`: `banana` is not a version such as `1.2.3`, `1.2` or `1.x`",
        ),
    ] {
        assert_eq!(LocalDeploymentRequest::parse(bad).unwrap_err().to_string(), expected);
    }
}

#[test]
fn configuration_is_reset_then_filled_then_merged() {
    let defaults = json!({"a": {"x": 1, "y": 2}, "list": [1, 2], "new": true});
    let before = ConfigTree::from_json(&json!({"a": {"x": 7}, "list": [9], "own": 1}), 10).unwrap();
    #[rustfmt::skip]
    let table = [
        // (reset, merge, after)
        (vec![], json!(null), json!({"a": {"x": 7, "y": 2}, "list": [9], "new": true, "own": 1})),
        (vec![""], json!(null), defaults.clone()),
        (vec!["/a", "/own"], json!(null), json!({"a": {"x": 1, "y": 2}, "list": [9], "new": true})),
        (vec!["/list/0", "/nothing"], json!({"list": [3]}), json!({"a": {"x": 7, "y": 2}, "list": [3], "new": true, "own": 1})),
        (vec!["/a/x"], json!({"A": {"X": 8, "z": null}}), json!({"a": {"x": 8, "y": 2, "z": null}, "list": [9], "new": true, "own": 1})),
        (vec![""], json!({"a": null}), json!({"a": null, "list": [1, 2], "new": true})),
        (vec![], json!({"a": [1], "own": {"k": 1}}), json!({"a": [1], "list": [9], "new": true, "own": {"k": 1}})),
    ];
    for (reset, merge, after) in table {
        let reset = reset.into_iter().map(Into::into).collect();
        let update = ConfigurationUpdate { merge, reset };
        assert_eq!(update.apply(&before, &defaults, 20).unwrap().to_json(), after, "{update:?}");
    }
    // What a component wrote after the deployment was made survives it.
    let mut later = before.clone();
    later.merge(&["a", "x"], &json!("later"), 30).unwrap();
    let update = ConfigurationUpdate { merge: json!({"a": {"x": 8}, "own": 2}), reset: Vec::new() };
    let after = update.apply(&later, &defaults, 20).unwrap();
    assert_eq!(after.get(&["a", "x"]), Some(json!("later")));
    assert_eq!((after.get(&["own"]), after.modified(&["own"])), (Some(json!(2)), Some(20)));
    assert!(update.apply(&later, &json!([]), 20).is_err());
}

fn change<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Change<T>> {
    prop_oneof![Just(Change::Keep), Just(Change::ToDefault), value.prop_map(Change::To)]
}

fn run_with() -> impl Strategy<Value = RunWith> {
    let user = "[a-z]{1,4}(:[a-z0-9]{1,4})?".prop_map(|text| text.parse().unwrap());
    let memory = prop::option::of(1..u64::MAX >> 10);
    let cpus = prop::option::of(0.001..1000.0_f64);
    let limits =
        (memory, cpus).prop_map(|(memory_kb, cpus)| SystemResourceLimits { memory_kb, cpus });
    (change(user), change(limits)).prop_map(|(posix_user, limits)| RunWith { posix_user, limits })
}

fn update() -> impl Strategy<Value = ConfigurationUpdate> {
    let object =
        prop::collection::btree_map("[a-z]{0,2}", any::<i32>().prop_map(Value::from), 0..3)
            .prop_map(|map| map.into_iter().collect());
    let merge = prop_oneof![Just(Value::Null), object];
    (merge, prop::collection::vec("(/[a-z]{0,2}){0,2}", 0..3))
        .prop_map(|(merge, reset)| ConfigurationUpdate { merge, reset })
}

fn named<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = BTreeMap<ComponentName, T>> {
    prop::collection::btree_map("[a-c]{1,2}".prop_map(|text| name(&text)), value, 0..3)
}

fn failure() -> impl Strategy<Value = FailureHandlingPolicy> {
    prop_oneof![Just(FailureHandlingPolicy::Rollback), Just(FailureHandlingPolicy::DoNothing)]
}

prop_compose! {
    fn component()(
        version in "[0-9]\\.[0-9]\\.[0-9](-rc)?",
        configuration_update in prop::option::of(update()),
        run_with in run_with(),
    ) -> ComponentDeployment {
        ComponentDeployment { version: version.parse().unwrap(), configuration_update, run_with }
    }
}

prop_compose! {
    fn document()(
        texts in prop::array::uniform4(prop::option::of("\\PC{1,8}")),
        creation_timestamp in prop::option::of(0..i64::MAX),
        components in named(component()),
        failure_handling in failure(),
        (update, validation) in (any::<u32>(), any::<u32>()),
        skip: bool,
        required_capabilities in prop::collection::vec("[A-Z]{1,3}", 0..3),
    ) -> DeploymentDocument {
        let [deployment_name, arn, parent_target_arn, on_behalf_of] = texts;
        let action = if skip { UpdateAction::SkipNotifyComponents } else { UpdateAction::default() };
        let timeout = Duration::from_secs(update.into());
        DeploymentDocument {
            deployment_name, parent_target_arn, on_behalf_of, creation_timestamp, components,
            failure_handling, required_capabilities,
            configuration_arn: arn.map(|arn| arn.parse().unwrap()),
            component_update: ComponentUpdatePolicy { timeout, action },
            validation_timeout: Duration::from_secs(validation.into()),
            ..DeploymentDocument::new(id("a"))
        }
    }
}

prop_compose! {
    fn request()(
        group in prop::option::of("[a-z]{1,3}"),
        request_timestamp in prop::option::of(0..i64::MAX),
        components_to_add in named("[~^]?[0-9]".prop_map(|text| requirement(&text))),
        components_to_remove in prop::collection::btree_set("[a-c]".prop_map(|text| name(&text)), 0..3),
        (recipe_directory, artifacts_directory) in (prop::option::of("\\PC{0,5}"), prop::option::of("\\PC{0,5}")),
        configuration_updates in named(update()),
        run_with in named(run_with()),
        failure_handling in failure(),
    ) -> LocalDeploymentRequest {
        LocalDeploymentRequest {
            request_id: id("a"), request_timestamp, components_to_add, components_to_remove,
            recipe_directory, artifacts_directory, configuration_updates, run_with, failure_handling,
            component_update: ComponentUpdatePolicy::default(),
            group: group.map_or(DeploymentGroup::Local, DeploymentGroup::ThingGroup),
            warnings: Vec::new(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_that_is_written_is_read_as_the_same(document in document()) {
        let text = document.to_json().to_string();
        prop_assert_eq!(DeploymentDocument::parse(&text), Ok(document));
    }

    #[test]
    fn a_request_that_is_written_is_read_as_the_same(request in request()) {
        let text = request.to_json().to_string();
        prop_assert_eq!(LocalDeploymentRequest::parse(&text), Ok(request));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "(\\{|\\}|\"deploymentId\"|\"components\"|\"a\"|:|,|1|null|\\[|\\]){0,20}") {
        drop(DeploymentDocument::parse(&text));
        drop(LocalDeploymentRequest::parse(&text));
    }
}
