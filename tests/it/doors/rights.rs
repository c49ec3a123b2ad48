//! Rights: none without a word, and a deployment changes them while a component runs.

use super::ask::{Message, Refusal, Shadow};
use super::{Answer, Ask, Door, ME, OTHER, Scene, deploy, grant, path, through_both_doors};
use crate::device::Device;
use crate::host::Run;
use serde_json::json;

through_both_doors! {
    without_rights_nothing_is_done,
    a_deployment_changes_rights_while_the_component_runs,
}

const DENIED: Answer = Answer::Refused(Refusal::Unauthorized);

fn shadow() -> Shadow {
    Shadow { thing: "local".to_owned(), name: None }
}

fn publication() -> Ask {
    Ask::Publish(Message { topic: "t".to_owned(), payload: Vec::new(), json: false })
}

fn without_rights_nothing_is_done<D: Door>() {
    let value = json!({ "value": {} });
    // Else nobody hears that they are there.
    let denied = |run: Run| run.args(["--deny-all", "--allow", "logging"]);
    let mut scene = Scene::<D>::with(value.clone(), value, denied);
    let get = |component: Option<&str>| Ask::Get {
        component: component.map(str::to_owned),
        path: path("value"),
    };
    let asks = [
        publication(),
        Ask::Subscribe { filter: "t".to_owned(), from_others: None },
        get(None),
        get(Some(ME)),
        get(Some(OTHER)),
        Ask::Update { path: path("value"), value: json!({ "a": 1 }), timestamp: None },
        Ask::Watch(path("value")),
        Ask::Secret { name: "s".to_owned(), which: None, refresh: false },
        Ask::Secret { name: "s".to_owned(), which: None, refresh: true },
        Ask::Shadow(shadow()),
        Ask::UpdateShadow(shadow(), r#"{"state":{}}"#.to_owned()),
        Ask::DeleteShadow(shadow()),
        Ask::ShadowNames { thing: shadow().thing, page: 1, after: None },
        Ask::Report { errored: false },
        Ask::Report { errored: true },
    ];
    for ask in asks {
        assert_eq!(scene.me.ask(ask.clone()), DENIED, "{ask:?}");
    }
}

fn a_deployment_changes_rights_while_the_component_runs<D: Door>() {
    let device = Device::new();
    let mut nucleus = device.start();
    let mut me: D = deploy(&device, &mut nucleus, ME, json!({ "accessControl": {} }));
    assert_eq!(me.ask(publication()), DENIED);
    let rights = grant("aws.greengrass.ipc.pubsub", &["PublishToTopic"], &["t"]);
    let changes = [
        (json!({ "MERGE": { "accessControl": rights } }), Answer::Done),
        (json!({ "RESET": ["/accessControl"] }), DENIED),
    ];
    for (change, expected) in changes {
        let update = json!({ ME: change }).to_string();
        device.deploy(["--update-config", &update]).expect_code(0);
        // On the connection that it had before.
        assert_eq!(me.ask(publication()), expected, "{update}");
    }
}
