//! Where everything has its place: each operation of Greengrass IPC and each function of the WIT
//! package. What is at one door alone says why.

use gg_ipc::Operation;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use wit_parser::Resolve;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Where an operation of Greengrass IPC has its place.
enum Place {
    /// At both doors: as these functions it is in the WIT package. What both do is tested through
    /// both.
    Both(&'static [&'static str]),
    /// At the door for processes alone, for this reason.
    ForProcesses(&'static str),
    /// At neither, for this reason.
    Nowhere(&'static str),
}

const STEERS: &str = "a guest is given what it is granted of this device, and steers nothing else: \
                      who steers other components or deployments is run outside the sandbox";
const TOLD_TO_PEOPLE: &str = "it is for those who look after the device, at its command line";
const TOLD: &str =
    "a guest is replaced without losing a message, and no deployment need wait for it";
const ASKED: &str = "a guest reads its configuration when it starts, and refuses what it cannot use \
                     by failing then, which undoes the deployment";
const PLUGIN: &str = "in Greengrass this is served by a plugin, for client devices, which gg-host \
                      has none of";

fn place(operation: Operation) -> Place {
    use Operation as O;
    use Place::{Both, ForProcesses, Nowhere};
    match operation {
        O::DeleteThingShadow => Both(&["shadow.delete"]),
        O::GetConfiguration => Both(&["configuration.get", "configuration.get-of"]),
        O::PublishToIoTCore => Both(&["mqtt.publish"]),
        O::SubscribeToIoTCore => Both(&["mqtt.subscribe", "mqtt.subscription.next"]),
        O::SubscribeToIoTCoreConnectionStatus => Both(&["mqtt.connected"]),
        O::GetSecretValue => Both(&[
            "secrets.get",
            "secrets.refresh",
            "secrets.secret.reveal",
            "secrets.secret.stages",
            "secrets.secret.version",
        ]),
        O::DescribeModel => Both(&["inference.describe"]),
        O::ListModels => Both(&["inference.models"]),
        O::RunInference => Both(&["inference.run"]),
        O::GetThingShadow => Both(&["shadow.get"]),
        O::ListNamedShadowsForThing => Both(&["shadow.list-named"]),
        O::PublishToTopic => Both(&["pubsub.publish"]),
        O::SubscribeToConfigurationUpdate => {
            Both(&["configuration.watch", "configuration.watcher.next"])
        }
        O::SubscribeToTopic => {
            Both(&["pubsub.subscribe", "pubsub.subscribe-with", "pubsub.subscription.next"])
        }
        O::UpdateConfiguration => Both(&["configuration.update"]),
        O::UpdateState => Both(&["lifecycle.update-state"]),
        O::UpdateThingShadow => Both(&["shadow.update"]),

        O::CancelLocalDeployment
        | O::CreateLocalDeployment
        | O::GetComponentDetails
        | O::GetLocalDeploymentStatus
        | O::ListComponents
        | O::ListLocalDeployments
        | O::PauseComponent
        | O::PlanLocalDeployment
        | O::RestartComponent
        | O::ResumeComponent
        | O::SetLogLevel
        | O::StopComponent
        | O::SubscribeToLocalDeploymentStatus => ForProcesses(STEERS),
        O::GetLogLevel | O::GetMetrics => ForProcesses(TOLD_TO_PEOPLE),
        O::DeferComponentUpdate | O::SubscribeToComponentUpdates => ForProcesses(TOLD),
        O::SendConfigurationValidityReport | O::SubscribeToValidateConfigurationUpdates => {
            ForProcesses(ASKED)
        }
        O::CreateDebugPassword => {
            ForProcesses("it is for people, who ask by a program at a command line")
        }
        O::PutComponentMetric => {
            ForProcesses("as in Greengrass, only components of AWS may, and those are processes")
        }
        O::ValidateAuthorizationToken => ForProcesses("only processes have tokens"),

        O::AuthorizeClientDeviceAction
        | O::GetClientDeviceAuthToken
        | O::SubscribeToCertificateUpdates
        | O::VerifyClientDeviceIdentity => Nowhere(PLUGIN),
    }
}

const STREAMS: &str = "a client of Greengrass IPC reads all its streams as they come, and waits for \
                       as long as it likes";
const DELTA: &str = "a process subscribes to the shadow's local topics";
const LOG: &str = "the log of a process is what it writes to standard output";

/// The functions that guests alone have, and why.
const FOR_GUESTS: [(&str, &str); 14] = [
    ("configuration.watcher.next-timeout", STREAMS),
    ("lifecycle.describe", "a process finds it in its environment"),
    ("lifecycle.stopping", "a process is sent SIGTERM"),
    ("logging.enabled", LOG),
    ("logging.log", LOG),
    ("message-handler.handle", "the host calls it, once a message; a process is not called"),
    ("mqtt.subscription.dropped", "Greengrass does not tell; `gg-host top` does"),
    ("mqtt.subscription.next-timeout", STREAMS),
    ("pubsub.next-any", STREAMS),
    ("pubsub.subscription.dropped", "Greengrass does not tell; `gg-host top` does"),
    ("pubsub.subscription.next-timeout", STREAMS),
    ("shadow.deltas.next", DELTA),
    ("shadow.deltas.next-timeout", DELTA),
    ("shadow.on-delta", DELTA),
];

/// The functions of the package in `wit/`: `interface.function`, or `interface.resource.function`.
fn functions() -> BTreeSet<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(Path::new(ROOT).join("wit")).unwrap();
    let mut names = BTreeSet::new();
    for (interface, id) in &resolve.packages[package].interfaces {
        for function in resolve.interfaces[*id].functions.keys() {
            // `[method]subscription.next`.
            let name = function.rsplit(']').next().unwrap();
            assert!(names.insert(format!("{interface}.{name}")), "{interface}.{function}");
        }
    }
    names
}

#[test]
fn every_operation_and_every_function_has_its_place() {
    let mut placed = BTreeMap::new();
    let mut put = |function: &str, place: String| {
        let before = placed.insert(function.to_owned(), place);
        assert_eq!(before, None, "{function} has two places");
    };
    for operation in Operation::ALL {
        match place(*operation) {
            Place::Both(functions) => {
                assert!(!functions.is_empty(), "{operation:?}");
                for function in functions {
                    put(function, format!("{operation:?}"));
                }
            }
            Place::ForProcesses(reason) | Place::Nowhere(reason) => {
                assert!(!reason.is_empty(), "{operation:?}");
            }
        }
    }
    for (function, reason) in FOR_GUESTS {
        assert!(!reason.is_empty(), "{function}");
        put(function, "guests alone".to_owned());
    }
    let placed: BTreeSet<String> = placed.into_keys().collect();
    let there = functions();
    let without: Vec<_> = there.difference(&placed).collect();
    assert!(without.is_empty(), "without a place: {without:?}");
    let gone: Vec<_> = placed.difference(&there).collect();
    assert!(gone.is_empty(), "not in wit/: {gone:?}");
}

#[test]
fn what_both_doors_do_is_tested_through_both() {
    let read = |path: &str| fs::read_to_string(Path::new(ROOT).join(path)).unwrap();
    let (guest, client) =
        (read("tests/guests/services/src/bin/asks.rs"), read("tests/it/doors/ipc.rs"));
    for operation in Operation::ALL {
        let Place::Both(functions) = place(*operation) else { continue };
        assert!(client.contains(&format!("call::<call::{operation:?}>")), "{operation:?}");
        for function in functions {
            let name = function.rsplit('.').next().unwrap().replace('-', "_");
            let called = [format!("::{name}("), format!(".{name}()")];
            assert!(called.iter().any(|call| guest.contains(call)), "{function}");
        }
    }
}
