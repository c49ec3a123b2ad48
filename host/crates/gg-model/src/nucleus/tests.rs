use super::*;

#[test]
fn the_file_of_an_installer_is_read() {
    let settings = NucleusSettings::parse(
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
",
    )
    .unwrap();
    assert_eq!(settings.root.as_deref(), Some("/greengrass/v2"));
    assert_eq!(settings.thing.unwrap().as_str(), "MyCore");
    assert_eq!(settings.posix_user.as_deref(), Some("ggc_user:ggc_group"));
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
    let settings = NucleusSettings::parse("system: {rootPth: /x}\n").unwrap();
    assert!(settings.warnings[0].to_string().contains("rootpath"), "{:?}", settings.warnings);
    let error = NucleusSettings::parse(
        "services: {aws.greengrass.NucleusLite: {configuration: {logging: {fileSizeKB: -1}}}}\n",
    )
    .unwrap_err()
    .to_string();
    assert!(error.contains("fileSizeKB"), "{error}");
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(NucleusSettings::parse(" \n").unwrap(), NucleusSettings::default());
}

#[test]
fn who_is_told_what_is_measured_is_read() {
    let nucleus = |configuration: &str| {
        let text =
            format!("services: {{aws.greengrass.Nucleus: {{configuration: {configuration}}}}}");
        NucleusSettings::parse(&text)
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
    assert_eq!(settings.logging.output, Some(LogOutput::Console));
}
