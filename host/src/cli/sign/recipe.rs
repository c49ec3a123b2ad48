//! Recipes that carry their signatures.

use super::{LARGEST_FILE, SignArgs, private_key, read, say};
use anyhow::{Context as _, Result, bail, ensure};
use gg_model::Recipe;
use gg_model::recipe::{
    ArtifactUri, MAX_RECIPE_BYTES, MAX_SIGNATURES, SIGNATURES, document, parse_value,
};
use gg_trust::signature::MAX_SIGNATURE_BYTES;
use gg_trust::statement::{signatures_in, statement};
use gg_trust::{Content, Digest, PublicKey, Signature};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Print a recipe with its signature, or what is to be signed of it.
pub(super) fn sign(path: &Path, args: &SignArgs) -> Result<ExitCode> {
    let text = text(path)?;
    let pinned = pinned(&text, &args.artifact_dir).with_context(|| path.display().to_string())?;
    let recipe = Recipe::parse(&pinned.to_string())?;
    let means = statement(&recipe)
        .map_err(|reason| anyhow::anyhow!("{reason}"))
        .with_context(|| path.display().to_string())?;
    if args.statement {
        use std::io::Write as _;
        // Not a byte more than what is signed.
        std::io::stdout().lock().write_all(means.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let signature = match (&args.key, &args.signature) {
        (Some(key), _) => {
            let bundle = Signature::on_file(means.as_bytes(), &private_key(key)?)?.to_bundle();
            serde_json::from_str(&bundle)?
        }
        (None, Some(file)) => made(file)?,
        (None, None) => bail!("--key or --signature is missing"),
    };
    // Those on what the recipe meant before hold no more.
    let before =
        Recipe::parse(&text).ok().filter(|before| statement(before).as_ref() == Ok(&means));
    let mut signatures = before.map(|before| before.signatures).unwrap_or_default();
    signatures.push(signature);
    ensure!(signatures.len() <= MAX_SIGNATURES, "it has {MAX_SIGNATURES} signatures already");
    let signed = serde_json::to_string_pretty(&with(pinned, signatures)?)?;
    ensure!(signed.len() <= MAX_RECIPE_BYTES, "with its signature it is too long for a recipe");
    say(&signed)?;
    Ok(ExitCode::SUCCESS)
}

/// By which key a recipe is signed that carries signatures. `None`: it carries none, or is no recipe.
pub(super) fn holds(content: &[u8], keys: &[(&PathBuf, PublicKey)]) -> Result<Option<PathBuf>> {
    let recipe = str::from_utf8(content).ok().and_then(|text| Recipe::parse(text).ok());
    let Some(recipe) = recipe.filter(|recipe| !recipe.signatures.is_empty()) else {
        return Ok(None);
    };
    let means = statement(&recipe).map_err(|reason| anyhow::anyhow!("{reason}"))?;
    let content = Content::of(means.as_bytes());
    let signatures: Vec<Signature> = signatures_in(&recipe).into_iter().flatten().collect();
    let held = |(_, key): &&(&PathBuf, PublicKey)| {
        signatures.iter().any(|signature| signature.verify(key, &content).is_ok())
    };
    match keys.iter().find(held) {
        Some((path, _)) => Ok(Some((*path).clone())),
        None => bail!("no signature in it is by one of the keys on what it says now"),
    }
}

fn text(path: &Path) -> Result<String> {
    let bytes = read(path, MAX_RECIPE_BYTES as u64)?;
    String::from_utf8(bytes).with_context(|| format!("{} is not text", path.display()))
}

/// A recipe with the digests of its artifacts, the missing ones from the files in a folder.
fn pinned(text: &str, folder: &Path) -> Result<Value> {
    Recipe::parse(text)?;
    let mut recipe = document::even(parse_value(text)?);
    for artifact in document::artifacts(&mut recipe) {
        let uri: ArtifactUri =
            artifact.get("Uri").and_then(Value::as_str).unwrap_or_default().parse()?;
        let has_digest = artifact.get("Digest").is_some_and(|digest| digest.is_string());
        let Some(name) = uri.file_name().filter(|_| !has_digest && uri.scheme() != "docker") else {
            continue;
        };
        let file = match &uri {
            ArtifactUri::File { path } => path.strip_prefix("//").unwrap_or(path).into(),
            _ => folder.join(name),
        };
        let content = read(&file, LARGEST_FILE).with_context(|| {
            format!("the recipe has no digest of {uri}; give its folder with --artifact-dir")
        })?;
        artifact.insert("Digest".into(), Digest::of(&content).to_base64().into());
        artifact.insert("Algorithm".into(), "SHA-256".into());
    }
    Ok(recipe)
}

/// A signature that somebody has made, as a recipe carries it.
fn made(path: &Path) -> Result<Value> {
    let bytes = read(path, MAX_SIGNATURE_BYTES as u64)?;
    Signature::read(&bytes).with_context(|| path.display().to_string())?;
    let text = str::from_utf8(&bytes)?.trim();
    Ok(if text.starts_with('{') { serde_json::from_str(text)? } else { text.into() })
}

/// A recipe that carries these.
fn with(recipe: Value, signatures: Vec<Value>) -> Result<Value> {
    let Value::Object(mut members) = recipe else { bail!("the recipe is no object") };
    let mut member = &mut members;
    for name in ["ComponentConfiguration", "DefaultConfiguration"] {
        let inner = member.entry(name).or_insert_with(|| Map::new().into());
        member = inner.as_object_mut().with_context(|| format!("{name} is no object"))?;
    }
    member.insert(SIGNATURES.into(), signatures.into());
    Ok(members.into())
}
