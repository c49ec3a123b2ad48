//! Deployment documents and local requests: what is read can be written and read again.
#![no_main]

use gg_model::{DeploymentDocument, LocalDeploymentRequest};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(mut document) = DeploymentDocument::parse(text) {
        let _ = document.group();
        let again = DeploymentDocument::from_json(&document.to_json()).expect("it is written well");
        document.warnings.clear();
        assert_eq!(again, document);
    }
    if let Ok(mut request) = LocalDeploymentRequest::parse(text) {
        let again =
            LocalDeploymentRequest::from_json(&request.to_json()).expect("it is written well");
        request.warnings.clear();
        assert_eq!(again, request);
    }
});
