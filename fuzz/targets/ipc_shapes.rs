//! JSON as every shape of Greengrass IPC: what is read is written, and read alike again.
#![no_main]

use gg_ipc::operation::{self, Shape, Visitor};
use gg_ipc::{Call, OperationError, Payload};
use serde_json::Value;

/// Members of shapes, which chance alone would not find.
const MEMBERS: &str = "\
    MERGE RESET _errorCode _message action artifactsDirectoryPath binaryMessage caCertificates \
    certificate certificateOptions certificatePem certificateSHA256Hash certificateType \
    certificateUpdate clientDeviceAuthToken clientDeviceCertificate clientId code \
    componentDetails componentName componentToConfiguration componentToRunWithInfo \
    componentUpdatePolicy components configuration configurationUpdateEvent \
    configurationValidityReport connectionStatusEvent contentType context correlationData \
    cpuSeconds cpus createdOn credential deployment deploymentErrorStack deploymentErrorTypes \
    deploymentFailureCause deploymentId deploymentStatusDetails deployments \
    detailedDeploymentStatus ended errors failureHandlingPolicy figures groupName isAuthorized \
    isGgcRestarting isValid isValidClientDevice jsonMessage key keyPath lastExit level \
    localDeployments logRecordsDropped memory memoryBytes message messageExpiryIntervalSeconds \
    messagesDelivered messagesDropped messagesPublished metrics mqttCredential name nextToken \
    nucleus operation pageSize password passwordExpiration paused payload payloadFormat phases \
    posixUser postUpdateEvent preUpdateEvent privateKey processes progress publicKey \
    publishMessage qos reason receiveMode recheckAfterMs recipeDirectoryPath refresh reported \
    resource responseTopic restartStatus results retain rootComponentVersionsToAdd \
    rootComponentsToRemove runtime secretBinary secretId secretString secretValue shadowName \
    starts state status step steps stopStatus storeCommits sum systemResourceLimits target \
    thingName time timeout timestamp token topic topicName unit uptimeSeconds userProperties \
    username validateConfigurationUpdateEvent value valueToMerge version versionId versionStage \
    wait windowsUser";

/// What some of them can be.
const WORDS: &str = "\
    0 1 ACCEPTED BROKEN BYTES BYTES_PER_SECOND CANCELED CONNECTED COUNT COUNT_PER_SECOND \
    DISCONNECTED DO_NOTHING ERRORED FAILED FAILED_NO_STATE_CHANGE FAILED_ROLLBACK_COMPLETE \
    FAILED_ROLLBACK_NOT_REQUESTED FAILED_UNABLE_TO_ROLLBACK FINISHED INSTALLED IN_PROGRESS \
    MEGABYTES NEW NOTIFY_COMPONENTS QUEUED RECEIVE_ALL_MESSAGES RECEIVE_MESSAGES_FROM_OTHERS \
    REJECTED ROLLBACK RUNNING SECONDS SERVER SKIP_NOTIFY_COMPONENTS STARTING STOPPING SUCCEEDED \
    SUCCESSFUL ServiceError YWI=";

struct Read(Payload);

impl Read {
    fn check<T: Shape>(&self) {
        if let Ok(shape) = self.0.read::<T>() {
            let written = Payload::of(&shape).expect("what was read can be written");
            assert_eq!(written.read::<T>().expect("what was written can be read"), shape);
        }
    }
}

impl Visitor for Read {
    fn visit<C: Call>(&mut self) {
        self.check::<C::Request>();
        self.check::<C::Response>();
        self.check::<C::Event>();
    }
}

fn read(payload: Payload) {
    if let Some(error) = OperationError::from_payload(None, &payload) {
        let written = error.to_payload().expect("what was read can be written");
        assert_eq!(OperationError::from_payload(None, &written), Some(error));
    }
    operation::visit(&mut Read(payload));
}

/// A value that each byte says a little of.
fn build(bytes: &mut impl Iterator<Item = u8>, depth: usize) -> Value {
    let mut next = || usize::from(bytes.next().unwrap_or_default());
    let pick = |words: &str, index: usize| -> String {
        let words: Vec<&str> = words.split_whitespace().collect();
        words[index % words.len()].to_owned()
    };
    match next() % 8 {
        0 => Value::Null,
        1 => (next() % 2 == 0).into(),
        2 => next().into(),
        3 => (next() as f64 / 8.0).into(),
        4 => pick(WORDS, next()).into(),
        5 if depth > 0 => (0..next() % 4).map(|_| build(bytes, depth - 1)).collect(),
        _ if depth > 0 => {
            let members = next() % 8;
            let mut object = serde_json::Map::new();
            for _ in 0..members {
                let name = pick(MEMBERS, usize::from(bytes.next().unwrap_or_default()));
                object.insert(name, build(bytes, depth - 1));
            }
            object.into()
        }
        _ => Value::String(String::new()),
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    read(Payload(bytes.to_vec().into()));
    let built = build(&mut bytes.iter().copied(), 5);
    read(Payload::of(&built).expect("it is JSON"));
});
