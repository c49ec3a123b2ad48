//! What a registry says of an artifact: which layer of its manifest is the file (OCI image
//! specification, "Image Manifest"; CNCF TAG Runtime, "Wasm OCI Artifact layout").

use serde::Deserialize;
use std::collections::BTreeMap;
use thiserror::Error;

/// Most bytes of a manifest, as registries have it (OCI distribution specification, "Pushing
/// Manifests").
pub const LARGEST: usize = 4 << 20;

/// Most titles that are shown.
const MOST_SHOWN: usize = 8;

/// What manifests are asked for as.
pub const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";

/// The configurations of images of containers.
const CONTAINERS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// What stands for a layer where there is nothing.
const NOTHING: &str = "application/vnd.oci.empty.v1+json";

/// The layers of components: as it is now, and as it was.
const WASM: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];

/// The annotation that holds the name of a layer's file.
const TITLE: &str = "org.opencontainers.image.title";

/// Why a manifest gives no file.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ManifestError {
    /// It is an index.
    #[error(
        "it is a list of manifests for several platforms; name one of them by its digest \
         (@sha256:…)"
    )]
    Index,
    /// It is an image of a container.
    #[error("it is an image for containers; name it as docker:…")]
    Container,
    /// It holds nothing.
    #[error("it holds no file")]
    Empty,
    /// It holds several.
    #[error("it holds several files; end the URI with # and the title of one: {0}")]
    Several(String),
    /// None is titled so.
    #[error("none of its files is titled {title:?}; there are: {there}")]
    Title {
        /// The title.
        title: String,
        /// Those that there are.
        there: String,
    },
    /// The digest of the layer is none that is known here.
    #[error("the digest of its file is no SHA-256")]
    Digest,
    /// It is none.
    #[error("it is no manifest: {0}")]
    Malformed(String),
}

/// The file of an artifact.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layer {
    /// Its SHA-256.
    pub digest: [u8; 32],
    /// How many bytes it is said to have.
    pub size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    manifests: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    fn title(&self) -> Option<&str> {
        self.annotations.as_ref()?.get(TITLE).map(String::as_str)
    }

    fn is_wasm(&self) -> bool {
        WASM.contains(&self.media_type.as_str())
    }
}

/// The layer that is the file: the one that is titled so, else the only one, else the only one of
/// WebAssembly.
///
/// # Errors
/// It is no manifest, or of something else, or it does not say which.
pub fn choose(manifest: &[u8], title: Option<&str>) -> Result<Layer, ManifestError> {
    let malformed = |error: serde_json::Error| ManifestError::Malformed(error.to_string());
    let manifest: Manifest = serde_json::from_slice(manifest).map_err(malformed)?;
    if manifest.manifests.is_some() {
        return Err(ManifestError::Index);
    }
    let config = manifest.config.as_ref().map_or("", |config| config.media_type.as_str());
    // Components were put into images, too, before there was a layout for them.
    if CONTAINERS.contains(&config) && !manifest.layers.iter().any(Descriptor::is_wasm) {
        return Err(ManifestError::Container);
    }
    let layers: Vec<&Descriptor> =
        manifest.layers.iter().filter(|layer| layer.media_type != NOTHING).collect();
    let titled = |title: &str| {
        let mut titled = layers.iter().filter(|layer| layer.title() == Some(title));
        titled.next().filter(|_| titled.next().is_none()).copied()
    };
    let only = |chosen: &dyn Fn(&Descriptor) -> bool| {
        let mut chosen = layers.iter().filter(|layer| chosen(layer));
        chosen.next().filter(|_| chosen.next().is_none()).copied()
    };
    let found = title.and_then(titled).or_else(|| only(&|_| true));
    let found = match title {
        None => found.or_else(|| only(&Descriptor::is_wasm)),
        Some(_) => found,
    };
    let layer = found.ok_or_else(|| match (layers.is_empty(), title) {
        (true, _) => ManifestError::Empty,
        (_, Some(title)) => {
            ManifestError::Title { title: title.to_owned(), there: titles(&layers) }
        }
        (_, None) => ManifestError::Several(titles(&layers)),
    })?;
    let digest = sha256(&layer.digest).ok_or(ManifestError::Digest)?;
    Ok(Layer { digest, size: layer.size })
}

/// The titles of some layers, for people.
fn titles(layers: &[&Descriptor]) -> String {
    let titles = layers.iter().map(|layer| layer.title().unwrap_or("one without a title"));
    let shown = titles
        .take(MOST_SHOWN)
        .map(|title| title.chars().filter(|c| !c.is_control()).take(100).collect::<String>());
    shown.collect::<Vec<_>>().join(", ")
}

/// The bytes of a digest `sha256:…`.
pub fn sha256(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("sha256:")?.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit =
            |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn layer(kind: &str, digit: char, title: Option<&str>) -> serde_json::Value {
        let digest = format!("sha256:{}", digit.to_string().repeat(64));
        let annotations = title.map(|title| json!({ TITLE: title }));
        json!({"mediaType": kind, "digest": digest, "size": 7, "annotations": annotations})
    }

    fn chosen(
        config: &str,
        layers: &[serde_json::Value],
        title: Option<&str>,
    ) -> Result<u8, ManifestError> {
        let manifest =
            json!({"schemaVersion": 2, "config": {"mediaType": config}, "layers": layers});
        choose(manifest.to_string().as_bytes(), title).map(|layer| layer.digest[0])
    }

    const CONFIG: &str = "application/vnd.wasm.config.v0+json";

    #[test]
    fn the_one_file_is_chosen_or_the_one_that_is_named() {
        let wasm = layer("application/wasm", '1', None);
        let model = layer("application/octet-stream", '2', Some("model.onnx"));
        let labels = layer("text/plain", '3', Some("labels.txt"));
        let nothing = layer(NOTHING, '4', None);
        for (layers, title, expected) in [
            (vec![&wasm], None, Ok(0x11)),
            // A file has no title by which wkg names it.
            (vec![&wasm], Some("filter.wasm"), Ok(0x11)),
            (vec![&model], None, Ok(0x22)),
            (vec![&wasm, &labels, &nothing], None, Ok(0x11)),
            (vec![&model, &labels], Some("labels.txt"), Ok(0x33)),
            (
                vec![&model, &labels],
                None,
                Err(ManifestError::Several("model.onnx, labels.txt".to_owned())),
            ),
            (vec![&nothing], None, Err(ManifestError::Empty)),
            (vec![], Some("a"), Err(ManifestError::Empty)),
        ] {
            let layers: Vec<_> = layers.into_iter().cloned().collect();
            assert_eq!(chosen(CONFIG, &layers, title), expected, "{title:?} {layers:?}");
        }
        let error = chosen(CONFIG, &[model, labels], Some("model.bin")).unwrap_err();
        assert!(error.to_string().contains("model.onnx, labels.txt"), "{error}");
    }

    #[test]
    fn what_is_for_others_is_refused() {
        let tar = layer("application/vnd.oci.image.layer.v1.tar+gzip", '1', None);
        assert_eq!(chosen(CONTAINERS[0], &[tar], None), Err(ManifestError::Container));
        let wasm = layer("application/wasm", '1', None);
        assert_eq!(chosen(CONTAINERS[0], &[wasm], None), Ok(0x11));
        let index = json!({"schemaVersion": 2, "manifests": []}).to_string();
        assert_eq!(choose(index.as_bytes(), None), Err(ManifestError::Index));
        let long = json!({"layers": [{"mediaType": "a", "digest": format!("sha512:{}", "0".repeat(128))}]});
        assert_eq!(choose(long.to_string().as_bytes(), None), Err(ManifestError::Digest));
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for hostile in
            ["", "[]", "{", "null", r#"{"layers":7}"#, r#"{"layers":[{"size":-1}]}"#, "\u{0}"]
        {
            let error = choose(hostile.as_bytes(), None).unwrap_err();
            assert!(matches!(error, ManifestError::Malformed(_)), "{hostile}");
        }
        assert_eq!(choose(b"{}", None), Err(ManifestError::Empty));
        for text in ["", "sha256:", "sha256:0g", &format!("sha256:{}é", "0".repeat(62))] {
            assert_eq!(sha256(text), None, "{text}");
        }
    }
}
