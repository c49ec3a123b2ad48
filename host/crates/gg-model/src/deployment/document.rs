//! The document that the cloud makes of a deployment, in the schema of 2021-05-17.

use super::component::ComponentDeployment;
use super::error::{self, DocumentError};
use super::group::{ConfigurationArn, DeploymentGroup, DeploymentId};
use super::policy::{
    ComponentUpdatePolicy, FailureHandlingPolicy, default_validation_timeout, validation_timeout,
};
use crate::name::ComponentName;
use crate::shape::{
    Object, Path, ShapeError, Warning, Warnings, by_name, list, parsed, text, whole,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The one schema there is.
pub const SCHEMA_DATE: &str = "2021-05-17";

/// The root components that a group's devices are to have (Greengrass developer guide, "Create
/// deployments"). Their dependencies come with them, and what the group had and the document does
/// not name goes.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentDocument {
    /// The deployment's identity.
    pub deployment_id: DeploymentId,
    /// Its name for people.
    pub deployment_name: Option<String>,
    /// Which revision of which target's deployments it is.
    pub configuration_arn: Option<ConfigurationArn>,
    /// The ARN of the thing group that this deployment was made for one part of.
    pub parent_target_arn: Option<String>,
    /// The ARN of the thing group that the deployment acts for, if not for its own target.
    pub on_behalf_of: Option<String>,
    /// When it was made, in milliseconds since the Unix epoch: the time of the configuration that
    /// it brings.
    pub creation_timestamp: Option<i64>,
    /// The root components.
    pub components: BTreeMap<ComponentName, ComponentDeployment>,
    /// What happens if it fails.
    pub failure_handling: FailureHandlingPolicy,
    /// Whether components may put it off.
    pub component_update: ComponentUpdatePolicy,
    /// How long a component has to judge its new configuration.
    pub validation_timeout: Duration,
    /// What the device must be able to do; a device that knows one of them not refuses.
    pub required_capabilities: Vec<String>,
    /// What the text holds that has no effect.
    pub warnings: Vec<Warning>,
}

impl DeploymentDocument {
    /// A document with nothing in it: the device is to have no components of this group.
    pub fn new(deployment_id: DeploymentId) -> Self {
        Self {
            deployment_id,
            deployment_name: None,
            configuration_arn: None,
            parent_target_arn: None,
            on_behalf_of: None,
            creation_timestamp: None,
            components: BTreeMap::new(),
            failure_handling: FailureHandlingPolicy::default(),
            component_update: ComponentUpdatePolicy::default(),
            validation_timeout: default_validation_timeout(),
            required_capabilities: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Read a document from its text.
    ///
    /// ```
    /// let document = gg_model::DeploymentDocument::parse(
    ///     r#"{
    ///         "deploymentId": "3b86691d-4f81-408a-852e-edc14cd351a7",
    ///         "configurationArn": "arn:aws:greengrass:eu-central-1:1:configuration:thinggroup/fleet:3",
    ///         "components": {"com.example.Hello": {"version": "1.0.0"}}
    ///     }"#,
    /// )?;
    /// assert_eq!(document.group().to_string(), "thinggroup/fleet");
    /// # Ok::<(), gg_model::deployment::DocumentError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let (document, warnings) = error::parse(text, Self::read)?;
        Ok(Self { warnings, ..document })
    }

    /// Read a document that is part of another one.
    pub fn from_json(value: &Value) -> Result<Self, ShapeError> {
        let mut warnings = Warnings::default();
        let document = Self::read(value, &mut warnings)?;
        Ok(Self { warnings: warnings.into_vec(""), ..document })
    }

    /// The group whose root components these are; one without a target is the device's own.
    pub fn group(&self) -> DeploymentGroup {
        match (&self.on_behalf_of, &self.configuration_arn) {
            (Some(arn), _) => DeploymentGroup::of_thing_group(arn),
            (None, Some(arn)) => arn.group(),
            (None, None) => DeploymentGroup::Local,
        }
    }

    pub(super) fn read(value: &Value, warnings: &mut Warnings) -> Result<Self, ShapeError> {
        let root = Path::root("");
        let mut object = Object::open(&root, value)?;
        let mut document = Self::new(object.required_parsed("deploymentId")?);
        document.deployment_name = object.text("deploymentName")?.map(Into::into);
        document.configuration_arn = object.read("configurationArn", parsed)?;
        let arn = |arn: &&str| !arn.is_empty();
        document.parent_target_arn = object.text("parentTargetArn")?.filter(arn).map(Into::into);
        document.on_behalf_of = object.text("onBehalfOf")?.filter(arn).map(Into::into);
        document.creation_timestamp = object.read("creationTimestamp", milliseconds)?;
        if let Some(date) = object.text("schemaDate")?
            && date != SCHEMA_DATE
        {
            let message = format_args!("is not known; the document is read as of {SCHEMA_DATE}");
            warnings.add(&root.key("schemaDate"), message);
        }
        if let Some(components) = object.read("components", |path, value| {
            by_name(path, value, |path, value| ComponentDeployment::read(path, value, warnings))
        })? {
            document.components = components;
        }
        if let Some(policy) = object.read("failureHandlingPolicy", FailureHandlingPolicy::read)? {
            document.failure_handling = policy;
        }
        if let Some(policy) = object.read("componentUpdatePolicy", |path, value| {
            ComponentUpdatePolicy::read(path, value, warnings)
        })? {
            document.component_update = policy;
        }
        if let Some(timeout) = object.read("configurationValidationPolicy", |path, value| {
            validation_timeout(path, value, warnings)
        })? {
            document.validation_timeout = timeout;
        }
        if let Some(value) = object.take("requiredCapabilities") {
            let path = root.key("requiredCapabilities");
            for (index, value) in list(&path, value)?.iter().enumerate() {
                document.required_capabilities.push(text(&path.index(index), value)?.into());
            }
        }
        object.warn_unknown(warnings);
        Ok(document)
    }

    /// The document as JSON, to be read again.
    pub fn to_json(&self) -> Value {
        let components = self.components.iter();
        let components: Map<String, Value> =
            components.map(|(name, component)| (name.to_string(), component.to_json())).collect();
        let mut map = Map::new();
        map.insert("schemaDate".into(), SCHEMA_DATE.into());
        map.insert("deploymentId".into(), self.deployment_id.as_str().into());
        let texts = [
            ("deploymentName", self.deployment_name.as_deref()),
            ("configurationArn", self.configuration_arn.as_ref().map(ConfigurationArn::as_str)),
            ("parentTargetArn", self.parent_target_arn.as_deref()),
            ("onBehalfOf", self.on_behalf_of.as_deref()),
        ];
        for (key, text) in texts {
            map.extend(text.map(|text| (key.to_owned(), text.into())));
        }
        map.extend(self.creation_timestamp.map(|at| ("creationTimestamp".into(), at.into())));
        map.insert("components".into(), components.into());
        map.insert("failureHandlingPolicy".into(), self.failure_handling.as_str().into());
        map.insert("componentUpdatePolicy".into(), self.component_update.to_json());
        let timeout = json!({"timeout": self.validation_timeout.as_secs()});
        map.insert("configurationValidationPolicy".into(), timeout);
        map.insert("requiredCapabilities".into(), self.required_capabilities.clone().into());
        Value::Object(map)
    }
}

pub(super) fn milliseconds(path: &Path<'_>, value: &Value) -> Result<i64, ShapeError> {
    let at = whole(path, value, "milliseconds", 0..=i64::MAX.unsigned_abs())?;
    Ok(i64::try_from(at).unwrap_or(i64::MAX))
}
