//! Machine-learning models that a component brings, read from its configuration: the key `models`.
//! They are not the component's own: whoever is granted one of them asks for it by its name.

use crate::limits::size;
use crate::name::ModelName;
use crate::shape::{Object, Path, ShapeError, choice, parsed, scalar_text, text, whole};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// Most models of one component.
pub const MAX_MODELS: usize = 100;

/// Bytes of the longest name of a file.
const LONGEST_FILE: usize = 1024;

/// The least memory in which a model is run.
const LEAST_MEMORY: u64 = 1 << 20;

/// How a model is to be run; what is `None` takes the default of whoever runs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelDeclaration {
    /// `artifact`: the file, as a path in the folder of the component's artifacts.
    pub artifact: String,
    /// `golden`: its golden vectors, likewise.
    pub golden: Option<String>,
    /// `backend`: who runs it.
    pub backend: Option<String>,
    /// `device`: where, for example `cpu`.
    pub device: Option<String>,
    /// `threads`: how many a prediction takes.
    pub threads: Option<u32>,
    /// `memory`: bytes that it may take, with what it computes.
    pub memory: Option<u64>,
    /// `cpu`: the share of the time in which it may compute, above 0 and at most 1.
    pub cpu: Option<Share>,
    /// `deadlineMs`: how long a prediction may take where its caller does not say.
    pub deadline: Option<Duration>,
    /// `queue`: predictions of one component that may wait.
    pub queue: Option<u32>,
    /// `batch`: predictions that may be made together.
    pub batch: Option<BatchSettings>,
}

/// A share of a whole, above 0 and at most 1, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u16);

impl Share {
    /// How long to rest after so long, so that no more than this share is taken.
    pub fn rest_after(self, took: Duration) -> Duration {
        took.mul_f64(1000.0 / f64::from(self.0) - 1.0)
    }
}

/// Predictions that are made together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSettings {
    /// `max`: rows of a batch.
    pub max: u32,
    /// `delayMs`: how long the first waits for others.
    pub delay: Duration,
}

/// The models of a component, from its whole configuration.
///
/// A component that means something else by `models` keeps its key: only one that holds an object
/// with an `artifact` declares models.
///
/// ```
/// let configuration = serde_json::json!({
///     "models": {"anomaly": {"artifact": "autoencoder.onnx", "batch": {"max": 16, "delayMs": 2}}},
/// });
/// let models = gg_model::model::from_configuration(&configuration)?;
/// assert_eq!(models["anomaly"].artifact, "autoencoder.onnx");
/// # Ok::<(), gg_model::ShapeError>(())
/// ```
///
/// # Errors
/// A key is unknown, or a value is not what its key asks for.
pub fn from_configuration(
    configuration: &Value,
) -> Result<BTreeMap<ModelName, ModelDeclaration>, ShapeError> {
    let root = Path::root("");
    let mut models = BTreeMap::new();
    let Some(declared) = configuration.as_object().and_then(declared) else { return Ok(models) };
    let path = root.key("models");
    if declared.len() > MAX_MODELS {
        let message = format!("has {} models; at most {MAX_MODELS} are allowed", declared.len());
        return Err(ShapeError::new(&path, message));
    }
    for (name, value) in declared.iter().filter(|(_, value)| !value.is_null()) {
        let path = path.key(name);
        let name = name.parse().map_err(|error| ShapeError::new(&path, error))?;
        models.insert(name, declaration(&path, value)?);
    }
    Ok(models)
}

fn declared(configuration: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let member = |(key, _): &(&String, &Value)| key.eq_ignore_ascii_case("models");
    let models = configuration.iter().find(member)?.1.as_object()?;
    let says_artifact = |value: &Value| {
        let keys = value.as_object().into_iter().flat_map(Map::keys);
        keys.into_iter().any(|key| key.eq_ignore_ascii_case("artifact"))
    };
    models.values().any(says_artifact).then_some(models)
}

fn declaration(path: &Path<'_>, value: &Value) -> Result<ModelDeclaration, ShapeError> {
    let mut object = Object::open(path, value)?;
    let artifact = object.required("artifact")?;
    let _the_only_one =
        object.read("format", |path, value| choice(path, value, &[("onnx", ())]))?;
    let word = |path: &Path<'_>, value: &Value| parsed::<String>(path, value);
    let declaration = ModelDeclaration {
        artifact: file(&path.key("artifact"), artifact)?,
        golden: object.read("golden", file)?,
        backend: object.read("backend", word)?,
        device: object.read("device", word)?,
        threads: object.read("threads", |path, value| count(path, value, "threads", 256))?,
        memory: object.read("memory", memory)?,
        cpu: object.read("cpu", share)?,
        deadline: object.read("deadlineMs", |path, value| millis(path, value, 1))?,
        queue: object.read("queue", |path, value| count(path, value, "predictions", 10_000))?,
        batch: object.read("batch", batch)?,
    };
    object.refuse_unknown()?;
    Ok(declaration)
}

fn batch(path: &Path<'_>, value: &Value) -> Result<BatchSettings, ShapeError> {
    let mut object = Object::open(path, value)?;
    let max = object.required("max")?;
    let max = count(&path.key("max"), max, "rows", 65_536)?;
    let delay = object.read("delayMs", |path, value| millis(path, value, 0))?;
    object.refuse_unknown()?;
    Ok(BatchSettings { max, delay: delay.unwrap_or_default() })
}

/// A path that stays in the folder in which it begins.
fn file(path: &Path<'_>, value: &Value) -> Result<String, ShapeError> {
    let file = text(path, value)?;
    let stays = !file.starts_with('/')
        && !file.contains(['\\', '\0'])
        && file.split('/').all(|part| !["", ".", ".."].contains(&part));
    match stays && file.len() <= LONGEST_FILE {
        true => Ok(file.to_owned()),
        false => Err(ShapeError::expected(path, "the name of one of its artifacts", value)),
    }
}

fn memory(path: &Path<'_>, value: &Value) -> Result<u64, ShapeError> {
    let bytes = size(path, value)?;
    match bytes >= LEAST_MEMORY {
        true => Ok(bytes),
        false => Err(ShapeError::expected(path, "1MiB at least", value)),
    }
}

fn share(path: &Path<'_>, value: &Value) -> Result<Share, ShapeError> {
    let share = scalar_text(path, value)?.trim().parse::<f64>().ok();
    match share.filter(|share| (0.001..=1.0).contains(share)) {
        Some(share) => Ok(Share((share * 1000.0).round() as u16)),
        None => Err(ShapeError::expected(path, "a number such as 0.5, from 0.001 to 1", value)),
    }
}

fn count(path: &Path<'_>, value: &Value, of: &str, most: u32) -> Result<u32, ShapeError> {
    let count = whole(path, value, of, 1..=most.into())?;
    Ok(u32::try_from(count).unwrap_or(most))
}

fn millis(path: &Path<'_>, value: &Value, least: u64) -> Result<Duration, ShapeError> {
    const MOST: u64 = 60 * 60 * 1000;
    whole(path, value, "milliseconds", least..=MOST).map(Duration::from_millis)
}

#[cfg(test)]
mod tests;
