//! `oci://REGISTRY/REPOSITORY:TAG` and `oci://REGISTRY/REPOSITORY@sha256:DIGEST`: an artifact in a
//! registry of OCI (distribution specification, "Pulling manifests"). Greengrass does not know it.

use std::fmt;
use std::str::FromStr;

/// Longest host with its port.
const LONGEST_REGISTRY: usize = 255;

/// Longest repository, as registries have it.
const LONGEST_REPOSITORY: usize = 255;

/// Longest tag.
const LONGEST_TAG: usize = 128;

/// Digits of a SHA-256.
const DIGITS: usize = 64;

/// What a file is named that is nothing else: artifacts of WebAssembly have no name of their own
/// (CNCF TAG Runtime, "Wasm OCI Artifact layout").
const ENDING: &str = ".wasm";

/// Where an artifact is in a registry, and the name of its file.
///
/// The name is known before anything is asked for: the last segment of the repository with `.wasm`, or
/// what follows `#`, which also chooses among several files of an artifact by their titles.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OciReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
    title: Option<String>,
    file: String,
}

/// What is wrong with a reference, as the end of a sentence.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}; write oci://REGISTRY/REPOSITORY:TAG or …@sha256:DIGEST")]
pub struct OciReferenceError(&'static str);

impl OciReference {
    /// Where an image is, as Docker names images: those without a registry are Docker Hub's.
    ///
    /// # Errors
    /// It has neither a tag nor a digest, or is no reference.
    pub fn of_image(image: &str) -> Result<Self, OciReferenceError> {
        let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
        match image.split_once('/') {
            Some((first, _)) if is_host(first) => image.parse(),
            _ => format!("docker.io/{image}").parse(),
        }
    }

    /// The host of the registry, in lower case, and its port if one is said.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository in it.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The manifest's digest, `sha256:…`, if it is said.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// By what the manifest is asked for: the digest, else the tag.
    pub fn manifest(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or_default()
    }

    /// The title of the file among those of the artifact, if it is said.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The name of its file on the device.
    pub fn file_name(&self) -> &str {
        &self.file
    }
}

impl FromStr for OciReference {
    type Err = OciReferenceError;

    /// Read what follows `oci://`.
    fn from_str(text: &str) -> Result<Self, OciReferenceError> {
        let refuse = |what| Err(OciReferenceError(what));
        let (place, title) = match text.split_once('#') {
            Some((place, title)) => (place, Some(title)),
            None => (text, None),
        };
        if title.is_some_and(|title| !is_file_name(title)) {
            return refuse("what follows # is not the name of a file");
        }
        let Some((registry, rest)) = place.split_once('/') else {
            return refuse("it names no repository");
        };
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (rest, None),
        };
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        if !is_registry(registry) {
            return refuse("its registry is not the name of a host, with a port or without");
        }
        if repository.len() > LONGEST_REPOSITORY || !repository.split('/').all(is_segment) {
            return refuse(
                "its repository is not segments of lower-case letters, digits, `.`, `_` and `-`",
            );
        }
        if tag.is_none() && digest.is_none() {
            return refuse("it has neither a tag nor a digest");
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return refuse("a tag is letters, digits, `_`, `.` and `-`, at most 128");
        }
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return refuse("a digest is `sha256:` and 64 hexadecimal digits in lower case");
        }
        let last = repository.rsplit('/').next().unwrap_or_default();
        let file = match title {
            Some(title) => title.to_owned(),
            None if last.ends_with(ENDING) => last.to_owned(),
            None => format!("{last}{ENDING}"),
        };
        Ok(Self {
            registry: registry.to_ascii_lowercase(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
            title: title.map(str::to_owned),
            file,
        })
    }
}

impl fmt::Display for OciReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        for (sign, part) in [(':', &self.tag), ('@', &self.digest), ('#', &self.title)] {
            if let Some(part) = part {
                write!(f, "{sign}{part}")?;
            }
        }
        Ok(())
    }
}

fn is_file_name(text: &str) -> bool {
    let within = |c: char| c == '/' || c.is_control();
    !matches!(text, "" | "." | "..") && !text.contains(within) && text.trim() == text
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= LONGEST_REGISTRY
        && host.split('.').all(label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// Letters and digits with separators between them: `.`, `_`, `__` or dashes.
fn is_segment(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let edges = [text.bytes().next(), text.bytes().last()];
    edges.iter().all(|edge| edge.is_some_and(plain))
        && text.bytes().all(|byte| plain(byte) || b"._-".contains(&byte))
        && text.split(|c: char| c.is_ascii_alphanumeric()).all(|between| {
            matches!(between, "" | "." | "_" | "__") || !between.contains(['.', '_'])
        })
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=LONGEST_TAG).contains(&text.len())
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || b".-".contains(&byte))
}

fn is_digest(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix("sha256:")
        .is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_without_a_registry_are_those_of_docker() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (image, registry, repository) in [
            (format!("alpine@{digest}"), "docker.io", "alpine"),
            (format!("me/app:1@{digest}"), "docker.io", "me/app"),
            (format!("localhost/app@{digest}"), "localhost", "app"),
            (format!("127.0.0.1:5000/me/app@{digest}"), "127.0.0.1:5000", "me/app"),
            (format!("registry.example/app@{digest}"), "registry.example", "app"),
        ] {
            let reference = OciReference::of_image(&image).unwrap();
            assert_eq!((reference.registry(), reference.repository()), (registry, repository));
            assert_eq!(reference.manifest(), digest);
        }
        assert!(OciReference::of_image("alpine").is_err());
    }

    #[test]
    fn the_parts_of_a_reference_are_told_apart() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, registry, repository, manifest, file) in [
            ("ghcr.io/me/filter:1.0", "ghcr.io", "me/filter", "1.0", "filter.wasm"),
            (
                "LOCALHOST:5000/a.b/c-d__e.wasm:v1_-.x",
                "localhost:5000",
                "a.b/c-d__e.wasm",
                "v1_-.x",
                "c-d__e.wasm",
            ),
            ("r.test/model:1#anomaly.onnx", "r.test", "model", "1", "anomaly.onnx"),
            (&format!("r.test/a@{digest}"), "r.test", "a", &digest, "a.wasm"),
            (&format!("r.test/a:1@{digest}"), "r.test", "a", &digest, "a.wasm"),
        ] {
            let read: OciReference = text.parse().unwrap();
            assert_eq!((read.registry(), read.repository()), (registry, repository), "{text}");
            assert_eq!((read.manifest(), read.file_name()), (manifest, file), "{text}");
            assert_eq!(read.to_string().parse(), Ok(read.clone()));
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_reference() {
        let long = format!("r.test/{}:1", "a".repeat(256));
        for text in [
            "",
            "a",
            "a:1",
            "/a:1",
            "r.test/:1",
            "r.test/a",
            "r.test/a:",
            "r.test/a:.x",
            "r.test/A:1",
            "r.test/../a:1",
            "r.test//a:1",
            "r.test/a/:1",
            "r.test/a..b:1",
            "r.test/a%2fb:1",
            "r.test/a?x:1",
            "me@r.test/a:1",
            "r.test:0/a:1",
            "r.test:x/a:1",
            "-r.test/a:1",
            "r..test/a:1",
            "r.test/a@sha256:00",
            "r.test/a@sha512:00",
            "r.test/a:1#",
            "r.test/a:1#..",
            "r.test/a:1#b/c",
            "r.test/a:1#b\u{6}",
            "r.test/a:1#b ",
            "r.test/a:1:2",
            &long,
        ] {
            assert!(text.parse::<OciReference>().is_err(), "{text}");
        }
    }
}
