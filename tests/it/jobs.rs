//! Deployments that the cloud asks for by jobs, over a real broker; the test says what AWS IoT is
//! documented to say.

use crate::broker::{Broker, Peer};
use crate::device::Device;
use crate::host::file;
use gg_host::cloud::{Publication, Qos};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;

const JOBS: &str = "$aws/things/Core/jobs";
const NAMESPACE: &str = "namespace-aws-gg-deployment";

/// A device by the name of `Core` that reaches a broker at this port.
fn device(port: u16) -> Device {
    let device = Device::new();
    let mqtt = json!({ "port": port, "tls": false,
        "minimumReconnectDelaySeconds": 1, "maximumReconnectDelaySeconds": 1 });
    let configuration = json!({ "system": { "thingName": "Core" }, "services": {
        "aws.greengrass.Nucleus": { "configuration":
            { "iotDataEndpoint": "127.0.0.1", "mqtt": mqtt,
                "runWithDefault": { "posixUser": "root" } } },
    } });
    fs::create_dir(device.root()).unwrap();
    file(&device.root(), "config.yaml", configuration.to_string());
    for version in ["1.0.0", "2.0.0"] {
        let run = if version == "1.0.0" { "sleep 1000" } else { "exit 1" };
        let rest = format!(
            "ComponentDependencies: {{aws.greengrass.ShadowManager: {{VersionRequirement: '>=2.0.0'}}}}\n\
             Manifests: [{{Platform: {{os: linux}}, Lifecycle: {{run: '{run}'}}}}]\n\
             ComponentConfiguration: {{DefaultConfiguration: {{greeting: hello}}}}\n"
        );
        device.recipe("com.example.Hello", version, &rest);
    }
    device
}

/// The jobs of the device, as the cloud has them.
struct Jobs {
    peer: Peer,
    /// The job under way or next, and its document.
    next: Option<(String, Value)>,
}

impl Jobs {
    async fn of(port: u16) -> Self {
        let filters = [
            &format!("{JOBS}/$next/{NAMESPACE}/get") as &str,
            &format!("{JOBS}/+/{NAMESPACE}/update"),
        ];
        Self { peer: Peer::connect(port, "jobs-service", &filters).await, next: None }
    }

    async fn say(&mut self, topic: &str, message: Value) {
        let message = Publication::new(topic, message.to_string(), Qos::AtLeastOnce);
        self.peer.publish(&message).await;
    }

    /// Have a job wait, and say so.
    async fn queue(&mut self, id: &str, document: Value) {
        self.next = Some((id.to_owned(), document));
        let summary = json!({ "jobId": id, "queuedAt": 1, "executionNumber": 1 });
        let notice = json!({ "timestamp": 1, "jobs": { "QUEUED": [summary] } });
        self.say(&format!("{JOBS}/notify-{NAMESPACE}"), notice).await;
    }

    /// What the job is told next; meanwhile the device gets it when it asks.
    async fn told(&mut self) -> Value {
        loop {
            let message = self.peer.next().await;
            if let Some(id) = message
                .topic
                .strip_prefix(&format!("{JOBS}/"))
                .and_then(|rest| rest.strip_suffix(&format!("/{NAMESPACE}/update")))
            {
                let mut told: Value = serde_json::from_slice(&message.payload).unwrap();
                told["jobId"] = id.into();
                return told;
            }
            let execution = self.next.as_ref().map(|(id, document)| {
                json!({ "jobId": id, "status": "QUEUED", "executionNumber": 1,
                    "jobDocument": document })
            });
            let mut answer = json!({ "timestamp": 1 });
            if let Some(execution) = execution {
                answer["execution"] = execution;
            }
            self.say(&format!("{}/accepted", message.topic), answer).await;
        }
    }

    /// How the job ends. That it is under way it is told before, unless it ends at once.
    async fn end(&mut self, id: &str) -> Value {
        let mut told = self.told().await;
        // After a power cut the end of the one before may be told again.
        while told["status"] == "IN_PROGRESS" || told["jobId"] != id {
            told = self.told().await;
        }
        self.next = None;
        told
    }
}

/// What is told of the device as a whole.
struct Fleet(Peer);

impl Fleet {
    async fn of(port: u16) -> Self {
        let topic = "$aws/things/Core/greengrassv2/health/json";
        Self(Peer::connect(port, "fleet-status-service", &[topic]).await)
    }

    /// The next that is told for this reason.
    async fn next_of(&mut self, trigger: &str) -> Value {
        loop {
            let message = self.0.next().await;
            let told: Value = serde_json::from_slice(&message.payload).unwrap();
            if told["trigger"] == trigger {
                return told;
            }
        }
    }
}

fn document(revision: u64, components: Value) -> Value {
    let arn = "arn:aws:greengrass:eu-west-1:1:configuration:thinggroup/fleet";
    json!({
        "deploymentId": format!("deployment-{revision}"), "schemaDate": "2021-05-17",
        "configurationArn": format!("{arn}:{revision}"),
        "creationTimestamp": 1_700_000_000_000_u64 + revision,
        "components": components, "failureHandlingPolicy": "ROLLBACK",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_bring_deployments_and_hear_how_they_end() {
    let broker = Broker::start();
    let mut jobs = Jobs::of(broker.port).await;
    let mut fleet = Fleet::of(broker.port).await;
    let device = device(broker.port);
    let nucleus = device.start();
    // So that the recipes are here.
    device.deploy(["--merge", "com.example.Hello=1.0.0"]).expect_code(0);
    device.deploy(["--remove", "com.example.Hello"]).expect_code(0);

    let hello = json!({ "com.example.Hello": { "version": "1.0.0",
        "configurationUpdate": { "merge": { "greeting": "hi" } } } });
    jobs.queue("job-1", document(1, hello.clone())).await;
    let told = jobs.end("job-1").await;
    assert_eq!(told["status"], "SUCCEEDED");
    assert_eq!(told["statusDetails"], json!({ "detailed-deployment-status": "SUCCESSFUL" }));
    assert_eq!(device.components(), ["com.example.Hello 1.0.0 RUNNING"]);

    // So does whoever looks at the fleet.
    let health = fleet.next_of("NUCLEUS_LAUNCH").await;
    assert_eq!(health["messageType"], "COMPLETE");
    let components = health["components"].as_array().unwrap();
    assert_eq!(components.len(), 1, "{health}");
    assert_eq!(components[0]["componentName"], "aws.greengrass.Nucleus");
    assert_eq!(components[0]["status"], "FINISHED");
    let health = fleet.next_of("THING_GROUP_DEPLOYMENT").await;
    let named = |name: &str| {
        let mut all = health["components"].as_array().unwrap().iter();
        all.find(|one| one["componentName"] == name).unwrap()
    };
    let hello = named("com.example.Hello");
    // What it needs is there, too.
    assert_eq!(named("aws.greengrass.ShadowManager")["isRoot"], false);
    let arn = "arn:aws:greengrass:eu-west-1:1:configuration:thinggroup/fleet:1";
    assert_eq!(hello["componentName"], "com.example.Hello");
    assert_eq!(
        (&hello["status"], &hello["isRoot"], &hello["fleetConfigArns"]),
        (&json!("RUNNING"), &json!(true), &json!([arn]))
    );
    assert_eq!(health["overallDeviceStatus"], "HEALTHY");
    let information = &health["deploymentInformation"];
    assert_eq!(information["status"], "SUCCEEDED");
    assert_eq!(information["fleetConfigurationArnForStatus"], arn);
    assert_eq!(information["statusDetails"]["detailedStatus"], "SUCCESSFUL");

    // What cannot be is told with its reason, and changes nothing.
    let broken = json!({ "com.example.Absent": { "version": "1.0.0" } });
    jobs.queue("job-2", document(2, broken)).await;
    let told = jobs.end("job-2").await;
    let details = &told["statusDetails"];
    assert_eq!(told["status"], "FAILED");
    assert_eq!(details["detailed-deployment-status"], "FAILED_NO_STATE_CHANGE");
    let cause = details["deployment-failure-cause"].as_str().unwrap();
    assert!(cause.contains("com.example.Absent"), "{cause}");
    let stack: Vec<String> =
        serde_json::from_str(details["deployment-error-stack"].as_str().unwrap()).unwrap();
    assert_eq!(stack[0], "DEPLOYMENT_FAILURE");

    // What was made before is not taken on any more.
    jobs.queue("job-0", document(0, json!({}))).await;
    let told = jobs.end("job-0").await;
    assert_eq!(told["status"], "REJECTED");
    assert_eq!(told["statusDetails"]["detailed-deployment-status"], "REJECTED");

    // Nor what was made for another device.
    let mut replayed = document(9, json!({}));
    replayed["configurationArn"] =
        "arn:aws:greengrass:eu-west-1:1:configuration:thing/Other:9".into();
    jobs.queue("job-9", replayed).await;
    let told = jobs.end("job-9").await;
    assert_eq!(told["status"], "REJECTED");
    let cause = told["statusDetails"]["deployment-failure-cause"].as_str().unwrap();
    assert!(cause.contains("for the thing Other"), "{cause}");
    assert_eq!(device.components(), ["com.example.Hello 1.0.0 RUNNING"]);

    // One that waited while the device was off is carried out when it is back.
    nucleus.signal(Signal::KILL);
    drop(nucleus);
    jobs.next = Some(("job-3".to_owned(), document(3, json!({}))));
    let _nucleus = device.start();
    assert_eq!(jobs.end("job-3").await["status"], "SUCCEEDED");
    assert_eq!(device.components(), [] as [&str; 0]);

    // Not a document at all.
    jobs.queue("job-4", json!({ "deploymentId": 4 })).await;
    let told = jobs.end("job-4").await;
    assert_eq!(told["status"], "FAILED");
    let stack = told["statusDetails"]["deployment-error-stack"].as_str().unwrap();
    assert!(stack.contains("DEPLOYMENT_DOCUMENT_PARSE_ERROR"), "{stack}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shadow_of_the_device_brings_deployments_and_hears_how_they_end() {
    const SHADOW: &str = "$aws/things/Core/shadow/name/AWSManagedGreengrassV2Deployment";
    let broker = Broker::start();
    let asked = [&format!("{SHADOW}/get") as &str, &format!("{SHADOW}/update")];
    let mut cloud = Peer::connect(broker.port, "shadow-service", &asked).await;
    let device = device(broker.port);
    let _nucleus = device.start();
    device.deploy(["--merge", "com.example.Hello=1.0.0"]).expect_code(0);
    device.deploy(["--remove", "com.example.Hello"]).expect_code(0);

    let arn = "arn:aws:greengrass:eu-west-1:1:configuration:thing/Core:1";
    let mut document = document(1, json!({ "com.example.Hello": { "version": "1.0.0" } }));
    document["configurationArn"] = arn.into();
    let config = document.to_string();
    let desired = json!({ "desiredStatus": "SUCCEEDED", "fleetConfig": config });
    let mut statuses = Vec::new();
    while statuses.last().is_none_or(|status| status == "IN_PROGRESS") {
        let message = cloud.next().await;
        if message.topic.ends_with("/get") {
            let whole = json!({ "state": { "desired": desired }, "version": 1 });
            let topic = format!("{SHADOW}/get/accepted");
            let answer = Publication::new(topic, whole.to_string(), Qos::AtLeastOnce);
            cloud.publish(&answer).await;
            continue;
        }
        let told: Value = serde_json::from_slice(&message.payload).unwrap();
        let reported = &told["state"]["reported"];
        assert_eq!(reported["fleetConfigurationArnForStatus"], arn);
        statuses.push(reported["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(statuses.last().unwrap(), "SUCCEEDED");
    assert_eq!(device.components(), ["com.example.Hello 1.0.0 RUNNING"]);

    // A change of the shadow is heard at once.
    document["deploymentId"] = "deployment-2".into();
    document["configurationArn"] = arn.replace(":1", ":2").into();
    document["creationTimestamp"] = 1_700_000_000_002_u64.into();
    document["components"] = json!({});
    let desired = json!({ "desiredStatus": "SUCCEEDED", "fleetConfig": document.to_string() });
    let changed = json!({ "state": { "desired": desired }, "version": 2 }).to_string();
    let topic = format!("{SHADOW}/update/accepted");
    cloud.publish(&Publication::new(topic, changed, Qos::AtLeastOnce)).await;
    loop {
        let message = cloud.next().await;
        let told: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
        if told["state"]["reported"]["status"] == "SUCCEEDED" {
            break;
        }
    }
    assert_eq!(device.components(), [] as [&str; 0]);
}

#[test]
fn who_deploys_here_does_not_wait_for_a_cloud_that_is_out_of_reach() {
    let device = Device::new();
    let nucleus = json!({ "greengrassDataPlaneEndpoint": "127.0.0.1",
        "greengrassDataPlanePort": crate::broker::free_port(),
        "runWithDefault": { "posixUser": "root" } });
    let system = json!({ "thingName": "Core", "certificateFilePath": "none.pem",
        "privateKeyPath": "none.key" });
    let services = json!({ "aws.greengrass.Nucleus": { "configuration": nucleus } });
    fs::create_dir(device.root()).unwrap();
    let configuration = json!({ "system": system, "services": services });
    file(&device.root(), "config.yaml", configuration.to_string());
    let _nucleus = device.start();
    let outcome = device.deploy(["--merge", "com.example.Absent=1.0.0"]);
    let ended = outcome.expect_code(1).events.last().unwrap().json.to_string();
    assert!(ended.contains("--recipe-dir"), "{ended}");
}
