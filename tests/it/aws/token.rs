//! Secrets of a device whose key never leaves a token.

use super::{Cloud, SERVICE, VALUES, current, value};
use crate::device::Device;
use crate::doors::{Door as _, Ipc, ME, deploy, grant};
use crate::host::file;
use crate::token::{Token, provided};
use serde_json::{Value, json};
use std::fs;

#[test]
fn secrets_are_kept_by_a_key_in_a_token() {
    for kind in ["ec", "rsa"] {
        let (device, token) = (Device::reachable(), Token::new());
        let Some((_client, mut cloud)) = Cloud::start(&device) else { return };
        let arn = cloud.create("api", VALUES[0]);
        cloud.ask(&json!(["renew", kind]));
        let key = device.path("identity").join("thing.key");
        token.take(&key, "thing", kind == "ec");
        fs::remove_file(key).unwrap();
        cloud.settings(&device, &json!([{ "arn": arn }]));
        let text = fs::read_to_string(device.root().join("config.yaml")).unwrap();
        let mut settings: Value = serde_json::from_str(&text).unwrap();
        settings["system"]["privateKeyPath"] = json!("pkcs11:object=thing;type=private");
        settings["services"]["aws.greengrass.crypto.Pkcs11Provider"] = provided();
        file(&device.root(), "config.yaml", settings.to_string());
        let configuration = token.configuration();
        let environment = [("SOFTHSM2_CONF", configuration.to_str().unwrap())];

        let mut nucleus = device.start_with(environment);
        let access = grant(SERVICE, &["GetSecretValue"], &["*"]);
        let mut me: Ipc = deploy(&device, &mut nucleus, ME, json!({ "accessControl": access }));
        assert_eq!(value(current(&mut me, false)), VALUES[0], "{kind}");
        drop(cloud);
        drop((me, nucleus));
        // The key that others have, which have none of their own, opens nothing.
        fs::remove_file(device.root().join("state/secrets.key")).unwrap();
        let mut nucleus = device.start_with(environment);
        let mut me = Ipc::open((), &mut nucleus, ME);
        assert_eq!(value(current(&mut me, false)), VALUES[0], "{kind}");
        drop((me, nucleus));

        // Without the token, neither does this device.
        let elsewhere = Token::new();
        let configuration = elsewhere.configuration();
        let environment = [("SOFTHSM2_CONF", configuration.to_str().unwrap())];
        let mut nucleus = device.start_with(environment);
        let mut me = Ipc::open((), &mut nucleus, ME);
        let answer = current(&mut me, false);
        assert_eq!(answer, crate::doors::Answer::Refused(crate::doors::ask::Refusal::NotFound));
    }
}
