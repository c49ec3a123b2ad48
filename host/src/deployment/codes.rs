//! Greengrass's codes for what goes wrong with deployments, and of which kind each is (Java nucleus,
//! `DeploymentErrorCode` and `DeploymentErrorType`).

/// What every failure begins with.
const FAILURE: &str = "DEPLOYMENT_FAILURE";

/// A failure of a file or a disk.
const IO: &str = "IO_ERROR";

/// Codes by their kind. Those that only say what was being done have none.
const KINDS: [(&str, &[&str]); 12] = [
    (
        "REQUEST_ERROR",
        &[
            "NUCLEUS_MISSING_REQUIRED_CAPABILITIES",
            "COMPONENT_CIRCULAR_DEPENDENCY_ERROR",
            "UNAUTHORIZED_NUCLEUS_MINOR_VERSION_UPDATE",
            "MISSING_DOCKER_APPLICATION_MANAGER",
            "MISSING_TOKEN_EXCHANGE_SERVICE",
            "COMPONENT_VERSION_REQUIREMENTS_NOT_MET",
            "MULTIPLE_NUCLEUS_RESOLVED_ERROR",
            "THROTTLING_ERROR",
            "CONFLICTED_REQUEST",
            "RESOURCE_NOT_FOUND",
            "RUN_WITH_CONFIG_NOT_VALID",
            "UNSUPPORTED_REGION",
            "IOT_CRED_ENDPOINT_FORMAT_NOT_VALID",
            "IOT_DATA_ENDPOINT_FORMAT_NOT_VALID",
            "S3_HEAD_OBJECT_RESOURCE_NOT_FOUND",
            "S3_GET_BUCKET_LOCATION_RESOURCE_NOT_FOUND",
            "S3_GET_OBJECT_RESOURCE_NOT_FOUND",
        ],
    ),
    (
        "PERMISSION_ERROR",
        &[
            "ACCESS_DENIED",
            "GET_DEPLOYMENT_CONFIGURATION_ACCESS_DENIED",
            "GET_COMPONENT_VERSION_ARTIFACT_ACCESS_DENIED",
            "RESOLVE_COMPONENT_CANDIDATES_ACCESS_DENIED",
            "MISSING_MQTT_CONNECT_POLICY",
            "CREDENTIAL_ENDPOINT_AUTH_FAILURE",
            "GET_ECR_CREDENTIAL_ERROR",
            "USER_NOT_AUTHORIZED_FOR_DOCKER",
            // Of our own: the device's trust policy does not let it in.
            "ARTIFACT_NOT_TRUSTED",
            "RECIPE_NOT_TRUSTED",
            "S3_ACCESS_DENIED",
            "S3_HEAD_OBJECT_ACCESS_DENIED",
            "S3_GET_BUCKET_LOCATION_ACCESS_DENIED",
            "S3_GET_OBJECT_ACCESS_DENIED",
        ],
    ),
    ("SERVER_ERROR", &["SERVER_ERROR", "CREDENTIAL_ENDPOINT_SERVER_ERROR", "S3_SERVER_ERROR"]),
    ("NETWORK_ERROR", &["NETWORK_ERROR", "MQTT_CONNECTION_FAILED", "TLS_HANDSHAKE_FAILURE"]),
    (
        "HTTP_ERROR",
        &[
            "HTTP_REQUEST_ERROR",
            "DOWNLOAD_DEPLOYMENT_DOCUMENT_ERROR",
            "GET_GREENGRASS_ARTIFACT_SIZE_ERROR",
            "DOWNLOAD_GREENGRASS_ARTIFACT_ERROR",
        ],
    ),
    (
        "DEVICE_ERROR",
        &[
            "IO_WRITE_ERROR",
            "IO_READ_ERROR",
            "DISK_SPACE_CRITICAL",
            "IO_FILE_ATTRIBUTE_ERROR",
            "SET_PERMISSION_ERROR",
            "IO_UNZIP_ERROR",
            "LOCAL_RECIPE_NOT_FOUND",
            "LOCAL_RECIPE_CORRUPTED",
            "LOCAL_RECIPE_METADATA_NOT_FOUND",
            "HASHING_ALGORITHM_UNAVAILABLE",
            "LAUNCH_DIRECTORY_CORRUPTED",
            // Of our own.
            "TRUST_POLICY_NOT_VALID",
            "DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD",
        ],
    ),
    (
        "COMPONENT_RECIPE_ERROR",
        &[
            "RECIPE_PARSE_ERROR",
            "RECIPE_METADATA_PARSE_ERROR",
            "ARTIFACT_URI_NOT_VALID",
            "S3_ARTIFACT_URI_NOT_VALID",
            "DOCKER_ARTIFACT_URI_NOT_VALID",
            "EMPTY_ARTIFACT_URI",
            "EMPTY_ARTIFACT_SCHEME",
            "UNSUPPORTED_ARTIFACT_SCHEME",
            "RECIPE_MISSING_MANIFEST",
            "RECIPE_MISSING_ARTIFACT_HASH_ALGORITHM",
            "ARTIFACT_CHECKSUM_MISMATCH",
            "COMPONENT_DEPENDENCY_NOT_VALID",
            "CONFIG_INTERPOLATE_ERROR",
            "COMPONENT_VERSION_NOT_VALID",
        ],
    ),
    (
        "DEPENDENCY_ERROR",
        &[
            "DOCKER_ERROR",
            "DOCKER_SERVICE_UNAVAILABLE",
            "DOCKER_IMAGE_QUERY_ERROR",
            "DOCKER_LOGIN_ERROR",
            "DOCKER_PULL_ERROR",
            "DOCKER_IMAGE_NOT_VALID",
            "S3_ERROR",
            "S3_RESOURCE_NOT_FOUND",
            "S3_BAD_REQUEST",
        ],
    ),
    (
        "CLOUD_SERVICE_ERROR",
        &[
            "RESOLVE_COMPONENT_CANDIDATES_BAD_RESPONSE",
            "DEPLOYMENT_DOCUMENT_SIZE_EXCEEDED",
            "GREENGRASS_ARTIFACT_SIZE_NOT_FOUND",
        ],
    ),
    (
        "NUCLEUS_ERROR",
        &[
            "BAD_REQUEST",
            "NUCLEUS_VERSION_NOT_FOUND",
            "NUCLEUS_RESTART_FAILURE",
            "COMPONENT_LOAD_FAILURE",
        ],
    ),
    // Whose component it is says its ARN in the cloud, which a component of the device alone has not.
    (
        "COMPONENT_ERROR",
        &[
            "COMPONENT_BROKEN",
            "COMPONENT_BOOTSTRAP_TIMEOUT",
            "COMPONENT_BOOTSTRAP_ERROR",
            "COMPONENT_CONFIGURATION_NOT_VALID",
        ],
    ),
    ("UNKNOWN_ERROR", &["DEPLOYMENT_TYPE_NOT_VALID"]),
];

/// What was being done, by codes that say it by themselves.
const WITHIN: [(&str, &[&str]); 4] = [
    ("NO_AVAILABLE_COMPONENT_VERSION", &["COMPONENT_VERSION_REQUIREMENTS_NOT_MET"]),
    ("COMPONENT_UPDATE_ERROR", &["COMPONENT_BROKEN"]),
    (
        "COMPONENT_PACKAGE_LOADING_ERROR",
        &["RECIPE_PARSE_ERROR", "LOCAL_RECIPE_NOT_FOUND", "LOCAL_RECIPE_CORRUPTED"],
    ),
    ("DEPLOYMENT_REJECTED", &["REJECTED_STALE_DEPLOYMENT", "REJECTED_DEPLOYMENT_OF_ANOTHER_THING"]),
];

/// The stack of codes for a failure, from the general to the special; `within`: what was being done.
pub(super) fn stack(within: Option<&'static str>, code: &'static str) -> Vec<&'static str> {
    let within = within.or_else(|| find(&WITHIN, code));
    let io = ["DISK_SPACE_CRITICAL", "IO_UNZIP_ERROR", "IO_WRITE_ERROR", "IO_READ_ERROR"];
    let io = io.contains(&code).then_some(IO);
    let mut stack = vec![FAILURE];
    for next in [within, io, Some(code)].into_iter().flatten() {
        if !stack.contains(&next) {
            stack.push(next);
        }
    }
    stack
}

/// Of which kinds the failures of a stack are.
pub(super) fn kinds(stack: &[&str]) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for kind in stack.iter().filter_map(|code| find(&KINDS, code)) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

fn find(table: &[(&'static str, &[&str])], code: &str) -> Option<&'static str> {
    table.iter().find(|(_, codes)| codes.contains(&code)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_failure_goes_from_the_general_to_the_special() {
        let download = Some("ARTIFACT_DOWNLOAD_ERROR");
        for (within, code, expected, kind) in [
            (
                download,
                "DISK_SPACE_CRITICAL",
                vec![FAILURE, "ARTIFACT_DOWNLOAD_ERROR", IO, "DISK_SPACE_CRITICAL"],
                vec!["DEVICE_ERROR"],
            ),
            (
                None,
                "COMPONENT_BROKEN",
                vec![FAILURE, "COMPONENT_UPDATE_ERROR", "COMPONENT_BROKEN"],
                vec!["COMPONENT_ERROR"],
            ),
            (download, "ARTIFACT_DOWNLOAD_ERROR", vec![FAILURE, "ARTIFACT_DOWNLOAD_ERROR"], vec![]),
            (None, IO, vec![FAILURE, IO], vec![]),
            (None, "OF_OUR_OWN", vec![FAILURE, "OF_OUR_OWN"], vec![]),
        ] {
            let found = stack(within, code);
            assert_eq!((kinds(&found), found), (kind, expected));
        }
    }

    #[test]
    fn no_code_is_of_two_kinds() {
        let all: Vec<_> = KINDS.iter().flat_map(|(_, codes)| codes.iter()).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}
