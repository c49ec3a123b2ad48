use super::*;
use crate::recipe::RecipeError;
use serde_json::{Value, json};

#[test]
fn the_file_of_an_installer_is_read() {
    let file = NucleusFile::parse(
        "system:
  rootpath: /greengrass/v2
  thingName: MyCore
services:
  aws.greengrass.Nucleus:
    componentType: NUCLEUS
    configuration:
      awsRegion: eu-central-1
      runWithDefault: {posixUser: 'ggc_user:ggc_group'}
      componentStoreMaxSizeBytes: '10000000'
      platformOverride: {Site: lab}
      networkProxy: {noProxyAddresses: 'a.test,b.test', proxy: {url: 'http://proxy:8080', username: me, password: word}}
      logging: {level: debug, format: JSON, fileSizeKB: 64}
  aws.greengrass.Cli:
    configuration: {AuthorizedPosixGroups: 'operators, 1000,'}
",
    )
    .unwrap();
    assert_eq!(file.root.as_deref(), Some("/greengrass/v2"));
    assert_eq!(file.thing.unwrap().as_str(), "MyCore");
    assert_eq!(file.cli_groups, ["operators", "1000"]);
    assert_eq!(file.warnings, []);
    let settings = NucleusSettings::read_all(&file.configurations).unwrap();
    assert_eq!(settings.posix_user.unwrap().to_string(), "ggc_user:ggc_group");
    assert_eq!(settings.store_bytes, Some(10_000_000));
    assert_eq!(settings.platform["site"], "lab");
    let proxy = settings.proxy.unwrap();
    assert_eq!((proxy.url.as_str(), proxy.except.as_str()), ("http://proxy:8080", "a.test,b.test"));
    assert_eq!((proxy.user.as_deref(), proxy.password.as_deref()), (Some("me"), Some("word")));
    assert!(!format!("{proxy:?}").contains("word"), "no secrets where it is shown");
    assert_eq!(settings.logging.level.as_deref(), Some("DEBUG"));
    assert_eq!(settings.logging.format, Some(LogFormat::Json));
    assert_eq!(settings.logging.file_kib, Some(64));
    assert_eq!(settings.warnings, []);
}

#[test]
fn unknown_keys_are_warned_of_and_wrong_values_refused() {
    let file = NucleusFile::parse("system: {rootPth: /x}\n").unwrap();
    assert!(file.warnings[0].to_string().contains("rootpath"), "{:?}", file.warnings);
    let error = NucleusFile::parse(
        "services: {aws.greengrass.NucleusLite: {configuration: {logging: {fileSizeKB: -1}}}}\n",
    )
    .unwrap_err()
    .to_string();
    assert!(error.contains("fileSizeKB"), "{error}");
}

#[test]
fn the_library_of_tokens_is_read_and_its_pin_not_shown() {
    let text = "system: {privateKeyPath: 'pkcs11:object=key'}
services:
  aws.greengrass.crypto.Pkcs11Provider:
    configuration: {name: any, library: /lib/a.so, slot: 0, userPin: 'secret'}";
    let file = NucleusFile::parse(text).unwrap();
    assert_eq!(file.warnings, []);
    let provider = file.identity.pkcs11.clone().unwrap();
    assert_eq!((provider.library.as_str(), provider.slot), ("/lib/a.so", Some(0)));
    assert_eq!(provider.pin.as_ref().unwrap().reveal(), "secret");
    assert!(!format!("{file:?}").contains("secret"));
    for wrong in [text.replace("'secret'", "4321"), text.replace("library: /lib/a.so, ", "")] {
        let error = NucleusFile::parse(&wrong).unwrap_err().to_string();
        assert!(error.contains("Pkcs11Provider") && !error.contains("4321"), "{error}");
    }
}

#[test]
fn a_claim_is_read_by_the_names_of_both_nuclei() {
    let of = |name: &str, configuration: &str| {
        let text = format!("services: {{{name}: {{configuration: {configuration}}}}}");
        NucleusFile::parse(&text)
    };
    let java = of(
        "aws.greengrass.FleetProvisioningByClaim",
        "{rootPath: /r, provisioningTemplate: t, claimCertificatePath: /c, iotDataEndpoint: e,
          claimCertificatePrivateKeyPath: /k, templateParameters: {Serial: 7, Lot: a}, mqttPort: 443,
          proxyUrl: 'http://p:1', proxyUserName: me, proxyPassword: word, deviceId: d-1,
          csrPath: /csr, csrPrivateKeyPath: /key}",
    );
    let java = java.unwrap();
    assert_eq!(java.warnings, []);
    let claim = java.claim.unwrap();
    assert_eq!(claim.parameters["Serial"], "7");
    assert_eq!((claim.port, claim.client), (Some(443), Some("d-1".parse().unwrap())));
    assert_eq!(claim.proxy.unwrap().password.as_deref(), Some("word"));
    let lite = of(
        "aws.greengrass.fleet_provisioning",
        "{templateName: t, claimCertPath: /c, claimKeyPath: /k, iotDataEndpoint: e,
          iotCredEndpoint: i, templateParams: '{\"Serial\": \"7\"}'}",
    );
    let claim = lite.unwrap().claim.unwrap();
    assert_eq!((claim.template.as_str(), claim.parameters["Serial"].as_str()), ("t", "7"));
    let enough = "claimCertPath: c, claimKeyPath: k, iotDataEndpoint: e";
    for (wrong, word) in [
        ("{}".to_owned(), "provisioningTemplate"),
        (format!("{{templateName: a/b, {enough}}}"), "template"),
        (format!("{{templateName: t, csrPath: x, {enough}}}"), "csrPrivateKeyPath"),
        (format!("{{templateName: t, templateParams: '[', {enough}}}"), "templateParams"),
        (format!("{{templateName: t, templateParams: {{a: []}}, {enough}}}"), "templateParams.a"),
    ] {
        let error = of("aws.greengrass.fleet_provisioning", &wrong).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(NucleusFile::parse(" \n").unwrap(), NucleusFile::default());
}

#[test]
fn who_is_told_what_is_measured_is_read() {
    let nucleus = |configuration: &str| {
        let text =
            format!("services: {{aws.greengrass.Nucleus: {{configuration: {configuration}}}}}");
        let configurations = NucleusFile::parse(&text)?.configurations;
        Ok::<_, RecipeError>(NucleusSettings::read_all(&configurations)?)
    };
    let metrics = "{metrics: {listen: '127.0.0.1:9460', otlp: {endpoint: 'http://collector:4318', \
                   intervalSeconds: 5, headers: {Authorization: Bearer x}}}}";
    let settings = nucleus(metrics).unwrap();
    assert_eq!(settings.warnings, []);
    let metrics = settings.metrics;
    assert_eq!(metrics.listen, "127.0.0.1:9460".parse().ok());
    assert!(!metrics.other_machines);
    assert!(!format!("{metrics:?}").contains("Bearer"), "no secrets where it is shown");
    let otlp = metrics.otlp.unwrap();
    assert_eq!((otlp.endpoint.as_str(), otlp.interval_seconds), ("http://collector:4318", Some(5)));
    assert_eq!(otlp.headers["Authorization"], "Bearer x");
    for (wrong, key) in [
        ("{metrics: {listen: localhost}}", "listen"),
        ("{metrics: {otlp: {}}}", "endpoint"),
        ("{metrics: {otlp: {endpoint: 'http://a', intervalSeconds: 0}}}", "intervalSeconds"),
        ("{metrics: {otlp: {endpoint: 'http://a', headers: [x]}}}", "headers"),
        ("{logging: {outputType: PAPER}}", "outputType"),
    ] {
        let error = nucleus(wrong).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
    let settings = nucleus("{logging: {outputType: console}}").unwrap();
    assert_eq!(settings.logging.output, LogOutput::Console);
}

#[test]
fn how_the_broker_is_reached_is_read() {
    let file = NucleusFile::parse(
        "system: {certificateFilePath: /c.pem, privateKeyPath: /k.pem, rootCaPath: ''}
services:
  aws.greengrass.Nucleus:
    configuration:
      iotDataEndpoint: broker.test
      mqtt: {port: '443', version: mqtt3, maxPublishRetry: -1, tls: false, threadPoolSize: 1,
             quotas: {publishesPerSecond: 5}}
",
    )
    .unwrap();
    let (certificate, private_key) = (Some("/c.pem".into()), Some("/k.pem".into()));
    assert_eq!(
        file.identity,
        IdentityFiles { certificate, private_key, ..IdentityFiles::default() }
    );
    let warnings: Vec<String> = file.warnings.iter().map(ToString::to_string).collect();
    let named = "mqtt.threadPoolSize (line 6, column 76): has no effect on this host";
    assert!(warnings[0].ends_with(named), "{warnings:?}");
    let settings = NucleusSettings::read_all(&file.configurations).unwrap();
    assert_eq!(settings.endpoint.as_deref(), Some("broker.test"));
    let quotas = QuotaSettings { publishes_per_second: Some(5), ..QuotaSettings::default() };
    let mqtt = MqttSettings {
        port: Some(443),
        version: MqttVersion::V3,
        retries: Some(Retries::Unlimited),
        tls: Some(false),
        quotas,
        ..MqttSettings::default()
    };
    assert_eq!(settings.mqtt, mqtt);
    for (key, wrong) in [
        ("port", json!(65_536)),
        ("version", json!("mqtt4")),
        ("maxInFlightPublishes", json!(0)),
        ("maxPublishRetry", json!(-2)),
        ("keepAliveTimeoutMs", json!(5)),
        ("maxMessageSizeInBytes", json!(268_435_456)),
    ] {
        let error = NucleusSettings::read(&json!({"mqtt": {key: wrong}})).unwrap_err().to_string();
        assert!(error.starts_with(&format!("aws.greengrass.Nucleus.mqtt.{key}: ")), "{error}");
    }
}

#[test]
fn keys_without_effect_are_named_and_wrong_values_too_but_no_secret() {
    let read = |configuration: Value| NucleusSettings::read(&configuration);
    let settings = read(json!({
        "awsRegion": "eu-central-1",
        "jvmOptions": "-Xmx64m",
        "telemetry": {"enabled": false},
        "runWithDefault": {"posixUsr": "me", "windowsUser": "me"},
    }));
    let warnings = settings.unwrap().warnings;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "aws.greengrass.Nucleus.runWithDefault.posixUsr: is not a known key; is it `posixUser`?",
            "aws.greengrass.Nucleus.jvmOptions: has no effect on this host",
            "aws.greengrass.Nucleus.telemetry: has no effect on this host",
        ]
    );
    for (wrong, key) in [
        (json!({"logging": "debug"}), "logging"),
        (json!({"logging": {"level": "LOUD"}}), "logging.level"),
        (json!({"runWithDefault": {"posixUser": "a b"}}), "runWithDefault.posixUser"),
        (
            json!({"runWithDefault": {"systemResourceLimits": {"cpus": 0}}}),
            "runWithDefault.systemResourceLimits.cpus",
        ),
        (json!({"networkProxy": {"proxy": {"password": 4711}}}), "networkProxy.proxy.password"),
        (json!({"componentStoreMaxSizeBytes": "much"}), "componentStoreMaxSizeBytes"),
    ] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.starts_with(&format!("aws.greengrass.Nucleus.{key}: ")), "{error}");
        assert!(!error.contains("4711"), "{error}");
    }
}

#[test]
fn what_everything_is_made_from_takes_a_restart() {
    let read = |configuration: Value| NucleusSettings::read(&configuration).unwrap();
    let before = read(json!({"logging": {"level": "INFO"}}));
    for (next, restarts) in [
        (json!({}), false),
        (json!({"logging": {"level": "DEBUG", "format": "JSON", "outputType": "FILE"}}), false),
        (
            json!({"runWithDefault": {"posixUser": "me", "systemResourceLimits": {"cpus": 1}}}),
            false,
        ),
        (json!({"componentStoreMaxSizeBytes": 5, "platformOverride": {"a": "b"}}), false),
        (json!({"jvmOptions": "-Xmx64m"}), false),
        (json!({"logging": {"outputType": "CONSOLE"}}), true),
        (json!({"runWithDefault": {"posixShell": "bash"}}), true),
        (json!({"awsRegion": "eu-west-1"}), true),
        (json!({"networkProxy": {"proxy": {"url": "http://proxy:1"}}}), true),
        (json!({"metrics": {"listen": "127.0.0.1:1"}}), true),
        (json!({"iotDataEndpoint": "broker.test"}), true),
        (json!({"mqtt": {"port": 443}}), true),
        (json!({"mqtt": {"spooler": {"storageType": "Memory"}}}), true),
        (json!({"mqtt": {"spooler": {"maxSizeInBytes": 5, "keepQos0WhenOffline": true}}}), false),
    ] {
        assert_eq!(before.takes_restart(&read(next.clone())), restarts, "{next}");
    }
}

#[test]
fn how_messages_wait_for_the_broker_is_read() {
    let read = |spooler: Value| NucleusSettings::read(&json!({"mqtt": {"spooler": spooler}}));
    let settings = read(json!({
        "storageType": "Disk", "maxSizeInBytes": "1000", "keepQos0WhenOffline": true,
        "pluginName": "aws.greengrass.DiskSpooler", "maxMessages": 7, "whenFull": "drop-oldest",
    }));
    let settings = settings.unwrap();
    assert_eq!(settings.warnings, []);
    let expected = SpoolerSettings {
        storage: Some(SpoolerStorage::Disk),
        bytes: Some(1000),
        messages: Some(7),
        keep_qos0: true,
        when_full: WhenSpoolerFull::DropOldest,
    };
    assert_eq!(settings.mqtt.spooler, expected);
    for (key, wrong) in [
        ("storageType", json!("Paper")),
        ("maxSizeInBytes", json!(0)),
        ("maxMessages", json!(-1)),
        ("keepQos0WhenOffline", json!("perhaps")),
        ("whenFull", json!("block")),
    ] {
        let error = read(json!({key: wrong})).unwrap_err().to_string();
        let start = format!("aws.greengrass.Nucleus.mqtt.spooler.{key}: ");
        assert!(error.starts_with(&start), "{error}");
    }
}

#[test]
fn the_components_that_it_stands_for_are_configured_beside_it() {
    let file = NucleusFile::parse(
        "services:
  aws.greengrass.Nucleus:
    configuration: {iotCredEndpoint: credentials.test, iotRoleAlias: alias}
  aws.greengrass.TokenExchangeService:
    configuration: {port: 0, activePort: 7, credentialRetryInSec: {clientError: 10}}
  aws.greengrass.SecretManager:
    configuration: {periodicRefreshIntervalMin: 5}
",
    )
    .unwrap();
    assert_eq!(file.warnings, []);
    let settings = NucleusSettings::read_all(&file.configurations).unwrap();
    assert_eq!(settings.credentials_endpoint.as_deref(), Some("credentials.test"));
    assert_eq!(settings.role_alias.as_deref(), Some("alias"));
    let exchange = TokenExchangeSettings { client_error: Some(10), ..Default::default() };
    assert_eq!(settings.token_exchange, exchange);
    assert_eq!(settings.secrets.refresh_minutes, Some(5));
    let wrong = "services: {aws.greengrass.TokenExchangeService: {configuration: \
                 {credentialRetryInSec: {serverError: 9}}}}";
    let error = NucleusFile::parse(wrong).unwrap_err().to_string();
    assert!(error.contains("credentialRetryInSec.serverError"), "{error}");
    let other = |port| NucleusSettings {
        token_exchange: TokenExchangeSettings { port, ..Default::default() },
        ..NucleusSettings::default()
    };
    assert!(other(None).takes_restart(&other(Some(1))), "components are told the port");
}

#[test]
fn how_artifacts_are_brought_is_read_and_counts_at_once() {
    let read = |artifacts: Value| NucleusSettings::read(&json!({ "artifacts": artifacts }));
    let settings = read(json!({
        "bytesPerSecond": "250000", "dockerConfig": "/root/.docker/config.json",
        "s3Endpoint": "https://gg.lan:9443",
    }))
    .unwrap();
    assert_eq!(settings.warnings, []);
    assert_eq!(settings.artifacts.bytes_per_second, Some(250_000));
    assert_eq!(settings.artifacts.docker_config.as_deref(), Some("/root/.docker/config.json"));
    assert_eq!(settings.artifacts.s3_endpoint.as_deref(), Some("https://gg.lan:9443"));
    assert!(!NucleusSettings::default().takes_restart(&settings));
    for wrong in [json!({"bytesPerSecond": 0}), json!({"s3Endpoint": 7}), json!([])] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
}
