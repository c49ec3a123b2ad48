//! Configuration, of one's own and of others.

use super::*;
use crate::capability::caller::Operation;
use crate::capability::testing::{component, granted, nobody};
use gg_ipc::shapes::{
    ConfigurationUpdateEvents, GetConfigurationRequest, SubscribeToConfigurationUpdateRequest,
    UpdateConfigurationRequest,
};
use gg_ipc::{Document, Timestamp};
use gg_model::ConfigTree;
use serde_json::{Value, json};

fn install(bench: &Bench, name: &str, value: &Value) {
    bench.configuration.install(&component(name), ConfigTree::from_json(value, 1000).unwrap());
}

fn read(name: Option<&str>, path: &[&str]) -> GetConfigurationRequest {
    GetConfigurationRequest {
        component_name: name.map(str::to_owned),
        key_path: path.iter().map(|key| (*key).to_owned()).collect(),
    }
}

fn update(path: &[&str], value: Value, millis: i64) -> UpdateConfigurationRequest {
    UpdateConfigurationRequest {
        key_path: path.iter().map(|key| (*key).to_owned()).collect(),
        timestamp: Timestamp::from_millis(millis),
        value_to_merge: Document(value.as_object().unwrap().clone()),
    }
}

#[tokio::test]
async fn the_configuration_of_another_is_closed() {
    let bench = Bench::new();
    install(&bench, "a", &json!({ "mine": 1 }));
    install(&bench, "b", &json!({ "secret": 1 }));
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    for name in ["b", "nobody-here"] {
        let error = failure(client.call::<call::GetConfiguration>(&read(Some(name), &[])).await);
        assert_eq!(error.code, ErrorCode::Unauthorized, "{name}");
        let request = SubscribeToConfigurationUpdateRequest {
            component_name: Some(name.to_owned()),
            key_path: Vec::new(),
        };
        let refused = client.call::<call::SubscribeToConfigurationUpdate>(&request).await;
        assert_eq!(failure(refused).code, ErrorCode::Unauthorized, "{name}");
    }
    let error = failure(client.call::<call::GetConfiguration>(&read(Some("../a"), &[])).await);
    assert_eq!(error.code, ErrorCode::InvalidArguments);
    let denied = bench.issue(&nobody("a"));
    let mut client = bench.client(&denied).await;
    let error = failure(client.call::<call::GetConfiguration>(&read(None, &[])).await);
    assert_eq!(error.code, ErrorCode::Unauthorized);
    let refused = client.call::<call::UpdateConfiguration>(&update(&[], json!({}), 2000)).await;
    assert_eq!(failure(refused).code, ErrorCode::Unauthorized);
}

#[tokio::test]
async fn values_are_told_as_the_sdks_expect_them() {
    let bench = Bench::new();
    install(&bench, "a", &json!({ "Leaf": [1, null], "In": { "side": null } }));
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    let cases = [
        (&[][..], json!({ "Leaf": [1, null], "In": { "side": null } })),
        (&["leaf"], json!({ "Leaf": [1, null] })),
        (&["in"], json!({ "side": null })),
        (&["IN", "Side"], json!({ "side": null })),
    ];
    for (path, expected) in cases {
        let answer = client.call::<call::GetConfiguration>(&read(None, path)).await.unwrap();
        assert_eq!(answer.component_name.as_deref(), Some("a"));
        assert_eq!(Value::Object(answer.value.0), expected, "{path:?}");
    }
    let error = failure(client.call::<call::GetConfiguration>(&read(None, &["none"])).await);
    assert_eq!(error.code, ErrorCode::ResourceNotFound);
}

#[tokio::test]
async fn the_nucleus_has_two_names_and_one_configuration() {
    let bench = Bench::new();
    let (java, lite) = ("aws.greengrass.Nucleus", "aws.greengrass.NucleusLite");
    install(&bench, java, &json!({ "awsRegion": "here" }));
    for name in [java, lite] {
        let issued = bench.issue(&granted("a", Operation::GetConfiguration, name));
        let mut client = bench.client(&issued).await;
        let answer = client.call::<call::GetConfiguration>(&read(Some(name), &["awsRegion"])).await;
        let answer = answer.unwrap();
        assert_eq!(answer.component_name.as_deref(), Some(name));
        assert_eq!(Value::Object(answer.value.0), json!({ "awsRegion": "here" }));
    }
    let issued = bench.issue(&granted("a", Operation::SubscribeToConfigurationUpdate, lite));
    let mut client = bench.client(&issued).await;
    let request = SubscribeToConfigurationUpdateRequest {
        component_name: Some(lite.to_owned()),
        key_path: Vec::new(),
    };
    client.call::<call::SubscribeToConfigurationUpdate>(&request).await.unwrap();
    install(&bench, java, &json!({ "awsRegion": "there" }));
    let event = client.read_stream().await;
    let ConfigurationUpdateEvents::ConfigurationUpdateEvent(event) =
        event.read_event::<call::SubscribeToConfigurationUpdate>().unwrap();
    assert_eq!(
        (event.component_name.as_str(), event.key_path.join("/")),
        (lite, "awsRegion".into())
    );
}

#[tokio::test]
async fn changes_are_merged_by_their_time_and_told() {
    let bench = Bench::new();
    install(&bench, "a", &json!({ "in": { "side": 1 } }));
    let issued = bench.issue(&somebody("a"));
    let (mut watching, mut client) = (bench.client(&issued).await, bench.client(&issued).await);
    let request = SubscribeToConfigurationUpdateRequest {
        component_name: None,
        key_path: vec!["in".to_owned()],
    };
    watching.call::<call::SubscribeToConfigurationUpdate>(&request).await.unwrap();
    let newer = update(&["in"], json!({ "side": 2 }), 2000);
    client.call::<call::UpdateConfiguration>(&newer).await.unwrap();
    let event = watching.read_stream().await;
    let ConfigurationUpdateEvents::ConfigurationUpdateEvent(event) =
        event.read_event::<call::SubscribeToConfigurationUpdate>().unwrap();
    assert_eq!((event.component_name.as_str(), event.key_path.join("/")), ("a", "in/side".into()));
    let older = update(&["in"], json!({ "side": 3 }), 1500);
    let error = failure(client.call::<call::UpdateConfiguration>(&older).await);
    assert_eq!(error.code, ErrorCode::FailedUpdateConditionCheck);
    for path in [&["accessControl"][..], &["ACCESSCONTROL", "x"]] {
        let request = update(path, json!({ "a": 1 }), 3000);
        let error = failure(client.call::<call::UpdateConfiguration>(&request).await);
        assert_eq!(error.code, ErrorCode::InvalidArguments);
    }
}

#[tokio::test]
async fn long_answers_that_are_not_read_are_not_piled_up() {
    let bench = Bench::new();
    install(&bench, "a", &json!({ "long": "x".repeat(10 << 20) }));
    let issued = bench.issue(&somebody("a"));
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = bench.client(&issued).await;
        client.ask::<call::GetConfiguration>(&read(None, &["long"])).await;
        clients.push(client);
    }
    let mut refused = 0;
    for client in &mut clients {
        let answer = client.read_stream().await.read_response::<call::GetConfiguration>();
        if let Err(ReplyError::Operation(error)) = answer {
            assert_eq!(error.code, ErrorCode::Service);
            refused += 1;
        }
    }
    assert!((1..8).contains(&refused), "{refused} of 8 were refused");
    // Those who read are answered.
    let answer = clients[0].call::<call::GetConfiguration>(&read(None, &["long"])).await;
    assert!(answer.is_ok());
}

#[tokio::test]
async fn a_change_without_a_time_is_one_of_now() {
    let bench = Bench::new();
    install(&bench, "a", &json!({ "key": 1 }));
    let issued = bench.issue(&somebody("a"));
    let mut client = bench.client(&issued).await;
    let change = |value, millis| update(&[], json!({ "key": value }), millis);
    let refused = client.call::<call::UpdateConfiguration>(&change(2, 1)).await;
    assert_eq!(failure(refused).code, ErrorCode::FailedUpdateConditionCheck);
    // As the SDK for small devices says it.
    client.call::<call::UpdateConfiguration>(&change(3, 0)).await.unwrap();
    let answer = client.call::<call::GetConfiguration>(&read(None, &["key"])).await.unwrap();
    assert_eq!(Value::Object(answer.value.0), json!({ "key": 3 }));
    let refused = client.call::<call::UpdateConfiguration>(&change(4, 2000)).await;
    assert_eq!(failure(refused).code, ErrorCode::FailedUpdateConditionCheck, "it was now");
}
