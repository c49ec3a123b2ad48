//! A deployment as devices read it (`DeploymentDocument` of the Java nucleus), which differs from the
//! API: what is merged is an object, and some names are others.

use super::{Component, Deployment};
use crate::registry::{Place, Refusal};
use gg_model::DeploymentDocument;
use gg_model::deployment::SCHEMA_DATE;
use serde_json::{Map, Value, json};

/// What a device must be able to do.
const LIMITS: &str = "LINUX_RESOURCE_LIMITS";

/// The document of a deployment.
///
/// # Errors
/// A device could not read it.
pub(super) fn document(deployment: &Deployment, place: &Place) -> Result<String, Refusal> {
    let content = &deployment.content;
    let components = content.components.iter();
    let components: Map<String, Value> = components
        .map(|(name, said)| Ok((name.to_string(), component(name.as_ref(), said)?)))
        .collect::<Result<_, Refusal>>()?;
    let limited = content.components.values().any(|component| {
        component.run_with.as_ref().is_some_and(|with| with.get("systemResourceLimits").is_some())
    });
    let policies = &content.deployment_policies;
    let mut document = json!({
        "deploymentId": deployment.id,
        "configurationArn": deployment.configuration_arn(place),
        "creationTimestamp": deployment.created.millis(),
        "schemaDate": SCHEMA_DATE,
        "components": components,
        "failureHandlingPolicy": policies.failure_handling_policy,
        "componentUpdatePolicy": {
            "timeout": policies.component_update_policy.timeout_in_seconds,
            "action": policies.component_update_policy.action,
        },
        "configurationValidationPolicy": {
            "timeout": policies.configuration_validation_policy.timeout_in_seconds,
        },
        "requiredCapabilities": if limited { vec![LIMITS] } else { Vec::new() },
    });
    if let Some(name) = &content.deployment_name {
        document["deploymentName"] = name.as_str().into();
    }
    let text = document.to_string();
    DeploymentDocument::parse(&text).map_err(|error| {
        let message = format!("no device could read the deployment: {error}");
        Refusal::invalid(message).about("field", "components")
    })?;
    Ok(text)
}

fn component(name: &str, said: &Component) -> Result<Value, Refusal> {
    let mut component = json!({ "version": said.component_version });
    if let Some(update) = &said.configuration_update {
        let mut change = Map::new();
        if let Some(text) = &update.merge {
            let merge: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
                let message =
                    format!("what is to be merged into {name} is no JSON object: {error}");
                Refusal::invalid(message).about("field", "components")
            })?;
            change.insert("merge".to_owned(), merge.into());
        }
        if let Some(reset) = &update.reset {
            change.insert("reset".to_owned(), json!(reset));
        }
        component["configurationUpdate"] = change.into();
    }
    if let Some(with) = &said.run_with {
        component["runWith"] = with.clone();
    }
    Ok(component)
}
