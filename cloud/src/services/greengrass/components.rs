//! Operations on components.

use super::page::Page;
use crate::registry::components::{self, ARTIFACTS, Component, Creation};
use crate::registry::{Kind, Refusal, Registry, keys, tags};
use crate::web::sigv4::{Link, presign};
use crate::web::{Answer, Call, Operation};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

pub(in crate::services) const ARTIFACT: &str =
    "/greengrass/v2/components/{arn}/artifacts/{*artifactName}";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation::new(
        Method::POST,
        "/greengrass/v2/createComponentVersion",
        "CreateComponentVersion",
        create,
    ),
    Operation::new(Method::GET, "/greengrass/v2/components", "ListComponents", list),
    Operation::new(Method::GET, "/greengrass/v2/components/{arn}", "GetComponent", get),
    Operation::new(Method::DELETE, "/greengrass/v2/components/{arn}", "DeleteComponent", delete),
    Operation::new(
        Method::GET,
        "/greengrass/v2/components/{arn}/metadata",
        "DescribeComponent",
        describe,
    ),
    Operation::new(
        Method::GET,
        "/greengrass/v2/components/{arn}/versions",
        "ListComponentVersions",
        list_versions,
    ),
    Operation::new(Method::GET, ARTIFACT, "GetComponentVersionArtifact", artifact),
];

/// How long a link to an artifact holds, in seconds.
const LINK_HOLDS: u64 = 60 * 60;

/// What stays as it is in the path of a link.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    inline_recipe: Option<String>,
    lambda_function: Option<Value>,
    #[serde(default)]
    tags: tags::Tags,
    client_token: Option<String>,
}

fn create(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let input: Input = call.json()?;
    if input.lambda_function.is_some() {
        let message = "gg-cloud does not make components of Lambda functions; send a recipe";
        return Err(Refusal::new(Kind::NotServed, message).about("field", "lambdaFunction"));
    }
    let recipe = input.inline_recipe.and_then(|recipe| STANDARD.decode(recipe).ok());
    let recipe = recipe.and_then(|recipe| String::from_utf8(recipe).ok()).ok_or_else(|| {
        Refusal::invalid("Invalid Input: inlineRecipe is no text").about("recipe", "inlineRecipe")
    })?;
    let creation = Creation { recipe, tags: input.tags, token: input.client_token };
    let (place, now) = (&registry.place, registry.clock.now());
    let made = registry
        .state
        .change(|transaction| components::create(transaction, place, &creation, now))?;
    Ok(Answer::created(json!({
        "arn": made.arn(place),
        "componentName": made.name,
        "componentVersion": made.version,
        "creationTimestamp": made.created.fractional_seconds(),
        "status": { "componentState": "REQUESTED", "message": "NONE", "errors": {} },
    })))
}

fn get(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (arn, rows) = (call.part("arn"), registry.state.snapshot()?);
    let component = components::look(rows.as_ref(), &registry.place, arn)?;
    let format = call.query.get("recipeOutputFormat").unwrap_or("JSON");
    let recipe = match format {
        "JSON" => component.recipe.to_string(),
        "YAML" => {
            serde_saphyr::to_string(&component.recipe).map_err(|error| Refusal::internal(&error))?
        }
        _ => {
            let message = "recipeOutputFormat is neither JSON nor YAML";
            return Err(Refusal::invalid(message).about("field", "recipeOutputFormat"));
        }
    };
    Ok(Answer::ok(json!({
        "recipeOutputFormat": format,
        "recipe": STANDARD.encode(recipe),
        "tags": tags::of(rows.as_ref(), arn)?,
    })))
}

fn describe(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (arn, rows) = (call.part("arn"), registry.state.snapshot()?);
    let component = components::look(rows.as_ref(), &registry.place, arn)?;
    let mut answer = json!({
        "arn": component.arn(&registry.place),
        "componentName": component.name,
        "componentVersion": component.version,
        "status": {
            "componentState": "DEPLOYABLE",
            "message": "NONE",
            "errors": {},
            "vendorGuidance": "ACTIVE",
        },
        "tags": tags::of(rows.as_ref(), arn)?,
    });
    add_details(&mut answer, &component);
    Ok(Answer::ok(answer))
}

/// What is said of a version wherever it is listed.
fn add_details(answer: &mut Value, component: &Component) {
    let platforms = component.platforms.iter().map(|platform| {
        let mut value = json!({ "attributes": platform.attributes });
        if let Some(name) = &platform.name {
            value["name"] = name.as_str().into();
        }
        value
    });
    answer["platforms"] = platforms.collect();
    answer["creationTimestamp"] = component.created.fractional_seconds().into();
    for (name, text) in
        [("description", &component.description), ("publisher", &component.publisher)]
    {
        if let Some(text) = text {
            answer[name] = text.as_str().into();
        }
    }
}

fn list(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let page = Page::of(call)?;
    let rows = registry.state.snapshot()?;
    let after = page.after.as_deref();
    let (found, more) = match call.query.get("scope") {
        None | Some("PRIVATE") => components::newest(rows.as_ref(), after, page.size)?,
        Some("PUBLIC") => {
            let mut left = components::public(after);
            (left.by_ref().take(page.size).collect(), left.next().is_some())
        }
        Some(_) => {
            let message = "scope is neither PRIVATE nor PUBLIC";
            return Err(Refusal::invalid(message).about("field", "scope"));
        }
    };
    let components = found.iter().map(|component| {
        let mut latest = json!({
            "arn": component.arn(&registry.place),
            "componentVersion": component.version,
        });
        add_details(&mut latest, component);
        json!({
            "arn": component.bare_arn(&registry.place),
            "componentName": component.name,
            "latestVersion": latest,
        })
    });
    let mut answer = json!({ "components": components.collect::<Value>() });
    if let Some(last) = found.last().filter(|_| more) {
        answer["nextToken"] = Page::token(last.name.as_ref()).into();
    }
    Ok(Answer::ok(answer))
}

fn list_versions(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let page = Page::of(call)?;
    let rows = registry.state.snapshot()?;
    let versions = components::versions_of(rows.as_ref(), &registry.place, call.part("arn"))?;
    let after = page.after.as_deref().and_then(|after| after.parse().ok());
    let mut left =
        versions.iter().filter(|one| after.as_ref().is_none_or(|last| one.version < *last));
    let found: Vec<&Component> = left.by_ref().take(page.size).collect();
    let listed = found.iter().map(|component| {
        json!({
            "arn": component.arn(&registry.place),
            "componentName": component.name,
            "componentVersion": component.version,
        })
    });
    let mut answer = json!({ "componentVersions": listed.collect::<Value>() });
    if let (Some(last), Some(_)) = (found.last(), left.next()) {
        answer["nextToken"] = Page::token(&last.version.to_string()).into();
    }
    Ok(Answer::ok(answer))
}

fn delete(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (place, arn) = (&registry.place, call.part("arn"));
    registry.state.change(|transaction| components::delete(transaction, place, arn))?;
    Ok(Answer::nothing())
}

/// A link to an artifact. Devices ask for it, too, known by their certificates.
pub(in crate::services) fn artifact(registry: &Registry, call: &Call) -> Result<Answer, Refusal> {
    let (rows, place) = (registry.state.snapshot()?, &registry.place);
    let name = call.part("artifactName");
    let key = components::artifact(rows.as_ref(), place, call.part("arn"), name)?;
    let signer = keys::of_user(rows.as_ref(), keys::ADMINISTRATOR)?;
    let signer = signer.ok_or_else(|| Refusal::internal(&"there is no administrator's key"))?;
    let path = percent_encode(key.as_bytes(), IN_PATH);
    let link = Link {
        host: call.host(),
        path: &format!("/{ARTIFACTS}/{path}"),
        region: &place.region,
        key_id: &signer.id,
        at: registry.clock.now(),
        expires: LINK_HOLDS,
    };
    Ok(Answer::ok(json!({ "preSignedUrl": presign(link, signer.secret.reveal()) })))
}
