//! Provisioning templates, and claims to them.

use super::{done, each, object, page, paging};
use crate::registry::provisioning::{self, Change, Creation, Stored};
use crate::registry::{Kind, Refusal, Registry, certificates};
use crate::web::{Answer, Call, Operation};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const TEMPLATES: &str = "/provisioning-templates";
const TEMPLATE: &str = "/provisioning-templates/{templateName}";
const CLAIM: &str = "/provisioning-templates/{templateName}/provisioning-claim";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(Method::POST, TEMPLATES, "CreateProvisioningTemplate", create),
    Operation::new(Method::GET, TEMPLATE, "DescribeProvisioningTemplate", describe),
    Operation::new(Method::PATCH, TEMPLATE, "UpdateProvisioningTemplate", update),
    Operation::new(Method::DELETE, TEMPLATE, "DeleteProvisioningTemplate", delete),
    Operation::new(Method::GET, TEMPLATES, "ListProvisioningTemplates", list),
    Operation::new(Method::POST, CLAIM, "CreateProvisioningClaim", claim),
];

/// The kind of templates that there are.
const FLEET: &str = "FLEET_PROVISIONING";

/// The one version that a template has.
const VERSION: u64 = 1;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    template_name: String,
    template_body: String,
    description: Option<String>,
    #[serde(default)]
    enabled: bool,
    provisioning_role_arn: String,
    pre_provisioning_hook: Option<Value>,
    #[serde(default)]
    tags: Vec<super::tags::Tag>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

fn name(call: &Call) -> &str {
    call.part("templateName")
}

fn create(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let asked: Create = call.json()?;
    no_hook(asked.pre_provisioning_hook.as_ref())?;
    if asked.kind.is_some_and(|kind| kind != FLEET) {
        let message = "gg-cloud does not serve templates for just-in-time provisioning";
        return Err(Refusal::new(Kind::NotServed, message));
    }
    let creation = Creation {
        name: asked.template_name,
        body: asked.template_body,
        description: asked.description,
        is_enabled: asked.enabled,
        role: asked.provisioning_role_arn,
        tags: super::tags::read(asked.tags),
    };
    let (place, now) = (&registry.place, registry.clock.now());
    let made = registry.state.change(|tx| provisioning::create(tx, place, creation, now))?;
    Ok(Answer::ok(json!({
        "templateArn": provisioning::arn(place, &made.name),
        "templateName": made.name,
        "defaultVersionId": VERSION,
    })))
}

fn no_hook(hook: Option<&Value>) -> Result<(), Refusal> {
    match hook {
        None => Ok(()),
        Some(_) => {
            let message = "gg-cloud does not serve preProvisioningHook: it has no functions";
            Err(Refusal::new(Kind::NotServed, message))
        }
    }
}

fn summary(registry: &Registry, template: &Stored) -> Value {
    object(json!({
        "templateArn": provisioning::arn(&registry.place, &template.name),
        "templateName": template.name,
        "description": template.description,
        "creationDate": template.created.fractional_seconds(),
        "lastModifiedDate": template.modified.fractional_seconds(),
        "enabled": template.is_enabled,
        "type": FLEET,
    }))
}

fn describe(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let found = provisioning::require(rows.as_ref(), name(call))?;
    let mut shown = summary(registry, &found);
    shown["defaultVersionId"] = VERSION.into();
    shown["templateBody"] = found.body.into();
    shown["provisioningRoleArn"] = found.role.into();
    Ok(Answer::ok(shown))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    description: Option<String>,
    enabled: Option<bool>,
    default_version_id: Option<u64>,
    provisioning_role_arn: Option<String>,
    pre_provisioning_hook: Option<Value>,
}

fn update(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let asked: Update = call.json()?;
    no_hook(asked.pre_provisioning_hook.as_ref())?;
    if asked.default_version_id.is_some_and(|version| version != VERSION) {
        return Err(Refusal::not_found("version", "of the template"));
    }
    let change = Change {
        description: asked.description,
        is_enabled: asked.enabled,
        role: asked.provisioning_role_arn,
    };
    let now = registry.clock.now();
    registry.state.change(|tx| provisioning::update(tx, name(call), change, now))?;
    done()
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    registry.state.change(|tx| provisioning::delete(tx, &registry.place, name(call)))?;
    done()
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let rows = registry.state.snapshot()?;
    let found = provisioning::list(rows.as_ref(), &paging(call, "maxResults", "nextToken")?)?;
    Ok(page("templates", "nextToken", each(found, |template| summary(registry, &template))))
}

fn claim(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (authority, place, now) = (&registry.authority, &registry.place, registry.clock.now());
    let made =
        registry.state.change(|tx| provisioning::claim(tx, authority, place, name(call), now))?;
    tracing::info!(
        template = name(call),
        certificate = certificates::arn(place, &made.id),
        "a claim was made"
    );
    Ok(Answer::ok(json!({
        "certificateId": made.id,
        "certificatePem": made.issued.certificate,
        "keyPair": {
            "PublicKey": made.issued.public_key,
            "PrivateKey": made.issued.private_key.as_str(),
        },
        "expiration": made.expires.fractional_seconds(),
    })))
}
