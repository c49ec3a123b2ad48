//! Components: versions with their recipes and artifacts (Greengrass developer guide, "Develop AWS IoT
//! Greengrass components").
//!
//! A version pins what its recipe names: what is in S3 when it is made is what devices get, whatever
//! happens to the object later.

mod arn;
mod builtin;
mod resolve;
#[cfg(test)]
mod tests;

pub use arn::ComponentArn;
pub use resolve::{Candidate, Resolved, require, resolve};

use super::objects::{self, Object};
use super::{Kind, Place, Refusal, references, tags};
use crate::artifacts::Digest;
use crate::clock::Time;
use crate::state::{Key, Rows, StateError, Table, Transaction};
use gg_model::recipe::{ArtifactUri, Manifest, Recipe, document};
use gg_model::{ComponentName, ComponentVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

const COMPONENTS: Table<Component> = Table::new("components");

/// What links to artifacts have in the place of a bucket. No bucket can be called so.
pub const ARTIFACTS: &str = "_components";

/// Most versions of a component.
const MOST_VERSIONS: usize = 10_000;

/// A version of a component.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Component {
    /// Its name.
    pub name: ComponentName,
    /// Its version.
    pub version: ComponentVersion,
    /// Its recipe, with the digests of its artifacts.
    pub recipe: Value,
    /// What it does, for people.
    pub description: Option<String>,
    /// Who publishes it.
    pub publisher: Option<String>,
    /// What it runs on, in the order of its manifests.
    pub platforms: Vec<Platform>,
    /// When it was made.
    pub created: Time,
    /// Its artifacts, by their names.
    pub artifacts: BTreeMap<String, Artifact>,
    /// Whether it is one that AWS provides, of which there is no row.
    #[serde(skip)]
    pub is_public: bool,
    /// What it was made of, by which a repeated request is known.
    request: Option<(String, Digest)>,
}

/// What a manifest is for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Platform {
    /// The manifest's name.
    pub name: Option<String>,
    /// The attributes that a device must have.
    pub attributes: BTreeMap<String, String>,
}

/// A file that comes with a component. Its name is its bucket and key.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Artifact {
    /// What it is.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// Its entity tag as an object.
    pub etag: String,
}

fn key(name: &ComponentName, version: &ComponentVersion) -> Key {
    Key::new().text(name.as_ref()).text(&version.to_string())
}

impl Component {
    /// Its ARN.
    pub fn arn(&self, place: &Place) -> String {
        let version = Some(&self.version);
        match self.is_public {
            true => ComponentArn::public_text(&self.name, version, place),
            false => ComponentArn::text(&self.name, version, place),
        }
    }

    /// Its ARN without its version.
    pub fn bare_arn(&self, place: &Place) -> String {
        match self.is_public {
            true => ComponentArn::public_text(&self.name, None, place),
            false => ComponentArn::text(&self.name, None, place),
        }
    }
}

/// What a version is made of.
#[derive(Clone, Debug)]
pub struct Creation {
    /// The recipe's text, JSON or YAML.
    pub recipe: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What is alike in a request that is sent again.
    pub token: Option<String>,
}

/// Make a version. One that was made of the same request is given as it is.
///
/// # Errors
/// The recipe is none, an artifact is missing, or there is that version already.
pub fn create(
    transaction: &mut dyn Transaction,
    place: &Place,
    creation: &Creation,
    now: Time,
) -> Result<Component, Refusal> {
    let unreadable = |error: gg_model::recipe::RecipeError| {
        Refusal::invalid(format!("Invalid Input: {error}")).about("recipe", "inlineRecipe")
    };
    let recipe = Recipe::parse(&creation.recipe).map_err(unreadable)?;
    let document = gg_model::recipe::parse_value(&creation.recipe).map_err(unreadable)?;
    let (name, version) = (recipe.name, recipe.version);
    let request =
        creation.token.clone().map(|token| (token, Digest::of(creation.recipe.as_bytes())));
    if let Some(found) = COMPONENTS.get(transaction, &key(&name, &version))? {
        if request.is_some() && found.request == request {
            return Ok(found);
        }
        // Tools look for these words.
        let account = &place.account;
        let message =
            format!("Component [{name} : {version}] for account [{account}] already exists");
        return Err(Refusal::new(Kind::Exists, message).about("component", found.arn(place)));
    }
    let mut document = document::even(document);
    let artifacts = pin(transaction, &mut document)?;
    for artifact in artifacts.values() {
        references::add(transaction, &artifact.digest)?;
    }
    let component = Component {
        name,
        version,
        recipe: document,
        description: recipe.description.map(|text| text.to_string()),
        publisher: recipe.publisher.map(|text| text.to_string()),
        platforms: recipe.manifests.into_iter().map(platform).collect(),
        created: now,
        artifacts,
        is_public: false,
        request,
    };
    tags::put(transaction, &component.arn(place), &creation.tags)?;
    COMPONENTS.put(transaction, &key(&component.name, &component.version), &component)?;
    Ok(component)
}

fn platform(manifest: Manifest) -> Platform {
    Platform { name: manifest.name, attributes: manifest.platform }
}

/// Find the objects that a recipe names, and write their digests into it.
fn pin(rows: &dyn Rows, document: &mut Value) -> Result<BTreeMap<String, Artifact>, Refusal> {
    let (mut artifacts, mut missing) = (BTreeMap::new(), Vec::new());
    for described in document::artifacts(document) {
        let uri = described.get("Uri").and_then(Value::as_str).unwrap_or_default();
        let Ok(ArtifactUri::S3 { bucket, key }) = uri.parse() else { continue };
        match objects::find(rows, &bucket, &key) {
            Ok(Object { digest, size, etag, .. }) => {
                artifacts.insert(format!("{bucket}/{key}"), Artifact { digest, size, etag });
                described.insert("Digest".to_owned(), digest.base64().into());
                described.insert("Algorithm".to_owned(), "SHA-256".into());
            }
            Err(refusal) if refusal.kind == Kind::NotFound => {
                missing.push(format!("{uri} = Specified artifact resource cannot be accessed"));
            }
            Err(refusal) => return Err(refusal),
        }
    }
    if missing.is_empty() {
        return Ok(artifacts);
    }
    let missing = missing.join(", ");
    let message =
        format!("Invalid Input: Encountered following errors in Artifacts: {{{missing}}}");
    Err(Refusal::invalid(message).about("field", "inlineRecipe"))
}

/// A version, of this account's or one that AWS provides.
///
/// # Errors
/// There is none.
pub fn look(rows: &dyn Rows, place: &Place, arn: &str) -> Result<Component, Refusal> {
    let ComponentArn { name, version, is_public } = ComponentArn::parse(arn, place)?;
    match (is_public, version) {
        (true, Some(version)) => builtin::component(&name, Some(&version))
            .ok_or_else(|| Refusal::not_found("component", arn)),
        _ => find(rows, place, arn),
    }
}

/// The newest versions of what AWS provides, in the order of their names, after one of them.
pub fn public(after: Option<&str>) -> impl Iterator<Item = Component> {
    let names =
        builtin::names().filter(move |name| after.is_none_or(|after| name.as_ref() > after));
    names.filter_map(|name| builtin::component(&name, None))
}

/// A version of this account's.
///
/// # Errors
/// There is none.
pub fn find(rows: &dyn Rows, place: &Place, arn: &str) -> Result<Component, Refusal> {
    let (name, version) = ComponentArn::parse_version(arn, place)?;
    let component = COMPONENTS.get(rows, &key(&name, &version))?;
    component.ok_or_else(|| Refusal::not_found("component", arn))
}

/// All versions of what an ARN names, the newest first; none of one that is not known. Of what AWS
/// provides the newest is enough.
///
/// # Errors
/// It is no ARN of a component.
pub fn versions_of(rows: &dyn Rows, place: &Place, arn: &str) -> Result<Vec<Component>, Refusal> {
    let ComponentArn { name, is_public, .. } = ComponentArn::parse(arn, place)?;
    match is_public {
        true => Ok(builtin::component(&name, None).into_iter().collect()),
        false => Ok(versions(rows, &name)?),
    }
}

/// All versions of a component, the newest first; none of one that is not known.
///
/// # Errors
/// The state cannot be read.
pub fn versions(rows: &dyn Rows, name: &ComponentName) -> Result<Vec<Component>, StateError> {
    let prefix = Key::new().text(name.as_ref());
    let rows = COMPONENTS.scan(rows, &prefix, None, MOST_VERSIONS)?;
    let mut versions: Vec<Component> = rows.into_iter().map(|(_, component)| component).collect();
    versions.sort_by(|one, other| other.version.cmp(&one.version));
    Ok(versions)
}

/// The newest versions of so many components at most, in the order of their names, after one of them.
/// Gives whether there are more.
///
/// # Errors
/// The state cannot be read.
pub fn newest(
    rows: &dyn Rows,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Component>, bool), StateError> {
    let mut after = after.map(|name| Key::new().text(name).past());
    let mut found = Vec::new();
    loop {
        let next = COMPONENTS.scan(rows, &Key::new(), after.as_ref(), 1)?;
        let Some((_, component)) = next.into_iter().next() else { return Ok((found, false)) };
        if found.len() == limit {
            return Ok((found, true));
        }
        after = Some(Key::new().text(component.name.as_ref()).past());
        found.extend(versions(rows, &component.name)?.into_iter().next());
    }
}

/// Remove a version. Devices that have it keep it.
///
/// # Errors
/// There is none.
pub fn delete(transaction: &mut dyn Transaction, place: &Place, arn: &str) -> Result<(), Refusal> {
    let component = find(transaction, place, arn)?;
    for artifact in component.artifacts.values() {
        references::release(transaction, &artifact.digest)?;
    }
    tags::forget(transaction, arn)?;
    Ok(COMPONENTS.delete(transaction, &key(&component.name, &component.version))?)
}

/// The artifact of this name, and the key that it has in [`ARTIFACTS`].
///
/// # Errors
/// There is no such version, or it has none of that name.
pub fn artifact(rows: &dyn Rows, place: &Place, arn: &str, name: &str) -> Result<String, Refusal> {
    let component = find(rows, place, arn)?;
    match component.artifacts.contains_key(name) {
        true => Ok(format!("{}/{}/{name}", component.name, component.version)),
        false => Err(Refusal::not_found("artifact", name)),
    }
}

/// The artifact with a key, as S3 has objects.
///
/// # Errors
/// There is none.
pub fn artifact_object(rows: &dyn Rows, key: &str) -> Result<Object, Refusal> {
    let absent = || Refusal::not_found("object", key);
    let mut parts = key.splitn(3, '/');
    let (name, version) = (parts.next(), parts.next());
    let name = name.and_then(|name| name.parse().ok()).ok_or_else(absent)?;
    let version = version.and_then(|version| version.parse().ok()).ok_or_else(absent)?;
    let component = COMPONENTS.get(rows, &self::key(&name, &version))?.ok_or_else(absent)?;
    let artifact = component.artifacts.get(parts.next().unwrap_or_default());
    let Artifact { digest, size, etag } = artifact.cloned().ok_or_else(absent)?;
    let (modified, headers) = (component.created, BTreeMap::new());
    Ok(Object { digest, size, etag, modified, headers, checksum: None })
}
