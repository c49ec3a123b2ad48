use super::*;
use crate::shape::{Path, ShapeError, Warnings};

fn parse(text: &str) -> Result<Vec<SecretVersion>, String> {
    SecretVersion::parse_file(text).map_err(|error| error.to_string())
}

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:api/key-a1B2c3";

#[test]
fn what_aws_answers_is_read_from_json_and_from_yaml() {
    let json = format!(
        r#"{{"secrets": [
            {{"ARN": "{ARN}", "Name": "api/key", "VersionId": "2", "SecretString": "new",
              "VersionStages": ["AWSCURRENT", "live"], "CreatedDate": 1.5}},
            {{"ARN": "{ARN}", "Name": "api/key", "VersionId": "1", "SecretBinary": "AP8=",
              "VersionStages": ["AWSPREVIOUS"]}}]}}"#
    );
    let versions = parse(&json).unwrap();
    assert_eq!(versions[0].head.key(), ARN);
    assert_eq!(versions[0].head.stages, ["AWSCURRENT", "live"]);
    assert_eq!(versions[0].value, SecretValue::Text("new".to_owned().into()));
    assert_eq!(versions[1].value.as_bytes(), [0, 255]);
    let yaml = "secrets:\n  - Name: db\n    SecretString: hunter2\n";
    let version = parse(yaml).unwrap().remove(0);
    assert_eq!((version.head.key(), version.head.version.as_str()), ("db", "local"));
    assert_eq!(version.head.stages, [CURRENT]);
    assert_eq!(parse(" \n"), Ok(Vec::new()));
}

#[test]
fn a_secret_is_meant_by_its_name_and_its_arn_with_or_without_the_suffix() {
    let text = format!("secrets: [{{Name: api/key, ARN: '{ARN}', SecretString: x}}]");
    let version = parse(&text).unwrap().remove(0);
    for id in ["api/key", ARN, ARN.strip_suffix("-a1B2c3").unwrap()] {
        assert!(version.head.is_meant_by(id), "{id}");
    }
    for id in ["", "api", "api/key-a1B2c3", &ARN[..ARN.len() - 1], &ARN[..30]] {
        assert!(!version.head.is_meant_by(id), "{id}");
    }
    assert_eq!(region_of(ARN), Some("eu-west-1"));
    assert_eq!((name_of(ARN), name_of("plain")), ("api/key", "plain"));
    for other in ["", "arn:aws:s3:eu:1:secret:a", "arn:aws:secretsmanager::1:secret:a", "name"] {
        assert_eq!(region_of(other), None, "{other}");
    }
}

#[test]
fn what_is_wrong_is_said_without_showing_a_value() {
    for (text, words) in [
        ("secrets: [{Name: a, SecretString: 271828}]", "secrets[0].SecretString: is not text"),
        ("secrets: [{Name: a, SecretBinary: 'hun ter'}]", "secrets[0].SecretBinary: is not base64"),
        ("secrets: [{SecretString: hunter}]", "secrets[0].Name: is required"),
        ("secrets: [{Name: a}]", "neither SecretString nor SecretBinary"),
        ("secrets: [{Name: a, SecretString: hunter, SecretBinary: AA==}]", "both"),
        ("secrets: [{Name: a, SecretString: hunter, Extra: 1}]", "Extra"),
        ("secrets: [hunter]", "is not an object"),
        ("hunter", "is not an object with the list"),
        ("{\"secrets\": [\"hunter\n", "neither JSON nor YAML"),
        ("secrets: [{Name: a, SecretString: 'hunter", "neither JSON nor YAML"),
        ("hunter: {a: b}\nsecrets: []", "known are secrets"),
        (
            "secrets: [{Name: a, SecretString: hunter}, {Name: a, SecretString: hunter}]",
            "secrets[1]: is the second entry of this secret",
        ),
        (
            "secrets: [{Name: a, SecretString: hunter}, {Name: a, VersionId: b, SecretString: x}]",
            "the label AWSCURRENT",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
        assert!(!error.contains("hun ter") && !error.contains("271828"), "{error}");
        assert!(!error.contains("hunter") || text.starts_with("hunter: "), "{error}");
    }
    let long = format!("secrets: [{{Name: a, SecretString: {}}}]", "x".repeat(LARGEST_SECRET + 1));
    assert!(parse(&long).unwrap_err().contains("over 65536 bytes"));
}

#[test]
fn a_value_is_not_shown() {
    let version = parse("secrets: [{Name: a, SecretString: hunter2}]").unwrap().remove(0);
    assert!(!format!("{version:?}").contains("hunter2"));
}

#[test]
fn the_configuration_says_which_secrets_of_the_cloud_are_wanted() {
    let read = |value| {
        let mut warnings = Warnings::default();
        let settings =
            SecretManagerSettings::read(&Path::root(SECRET_MANAGER), &value, &mut warnings)?;
        Ok::<_, ShapeError>((settings, warnings.into_vec("")))
    };
    let (settings, warnings) = read(serde_json::json!({
        "cloudSecrets": [{ "arn": ARN, "labels": ["live"] }, { "arn": ARN }],
        "periodicRefreshIntervalMin": "60",
        "cloudRequestQueueSize": 10,
    }))
    .unwrap();
    assert_eq!(settings.secrets[0].labels, ["live"]);
    assert_eq!((settings.secrets[1].arn.as_str(), settings.refresh_minutes), (ARN, Some(60)));
    assert_eq!(warnings.len(), 1);
    for (value, words) in [
        (serde_json::json!({ "cloudSecrets": [{ "arn": "name" }] }), "cloudSecrets[0].arn: is not"),
        (serde_json::json!({ "cloudSecrets": [{}] }), "cloudSecrets[0].arn: is required"),
        (serde_json::json!({ "periodicRefreshIntervalMin": 0 }), "periodicRefreshIntervalMin"),
        (serde_json::json!({ "cloudSecrets": {} }), "a list"),
    ] {
        let error = read(value).unwrap_err().to_string();
        assert!(error.contains(words) && error.starts_with(SECRET_MANAGER), "{error}");
    }
}

#[test]
fn what_aws_answers_is_read_and_nothing_of_it_shown() {
    let answer = br#"{"credentials": {"accessKeyId": "ASIA", "secretAccessKey": "hidden",
        "sessionToken": "hidden too", "expiration": "2030-01-01T00:00:00Z", "more": 1}}"#;
    let credentials = RoleCredentials::parse(answer).unwrap();
    assert!(!format!("{credentials:?}").contains("hidden"));
    let told: serde_json::Value = serde_json::from_str(&credentials.for_containers()).unwrap();
    assert_eq!(
        told,
        serde_json::json!({ "AccessKeyId": "ASIA", "SecretAccessKey": "hidden",
                            "Token": "hidden too", "Expiration": "2030-01-01T00:00:00Z" })
    );
    for other in ["", "hidden", "[]", r#"{"credentials": {"accessKeyId": "hidden"}}"#] {
        let error = RoleCredentials::parse(other.as_bytes()).unwrap_err().to_string();
        assert!(!error.contains("hidden"), "{error}");
    }
    let answer = format!(
        r#"{{"ARN": "{ARN}", "Name": "api/key", "VersionId": "1", "New": 1,
        "SecretString": "x", "VersionStages": ["AWSCURRENT"], "CreatedDate": 1.5}}"#
    );
    let version = SecretVersion::parse_answer(answer.as_bytes()).unwrap();
    assert_eq!((version.head.key(), version.head.version.as_str()), (ARN, "1"));
    assert!(SecretVersion::parse_answer(b"{\"Name\": \"a\"}").is_err());
}
