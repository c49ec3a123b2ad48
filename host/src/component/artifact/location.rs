//! What the URI of an artifact says of its file, and what of it is shown.

use super::ArtifactError;
use super::part::HIDDEN;
use gg_model::recipe::ArtifactUri;

/// Longest name of a file: with a prefix of ours it must still be one.
const LONGEST_NAME: usize = 240;

/// The name of an artifact's file: the last segment of its URI.
///
/// # Errors
/// There is none, or it would not be a plain name in a folder.
pub fn file_name(uri: &ArtifactUri) -> Result<&str, ArtifactError> {
    let refuse = |reason| Err(ArtifactError::Uri { uri: shown(&uri.to_string()), reason });
    let Some(name) = uri.file_name() else {
        return refuse("it ends without the name of a file");
    };
    if name.contains('\\') {
        return refuse("its last segment is not the name of a file");
    }
    if name.len() > LONGEST_NAME {
        return refuse("the name of its file is too long; 240 bytes are the most");
    }
    if HIDDEN.iter().any(|prefix| name.starts_with(prefix)) {
        return refuse("names that begin with .new- or .from- are the host's own");
    }
    Ok(name)
}

/// Whether it is no file, but an image for a container engine.
pub(super) fn is_image(uri: &ArtifactUri) -> bool {
    matches!(uri, ArtifactUri::Docker { .. })
}

/// A URI for people: what may be a secret in it is left out.
pub(super) fn shown(uri: &str) -> String {
    let path = path(uri);
    let shown = match path.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{}", &rest[end..])
        }
        None => path.to_owned(),
    };
    shown.chars().filter(|c| !c.is_control()).take(512).collect()
}

/// A URI without query and fragment; only those of HTTP have them.
fn path(uri: &str) -> &str {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_http = ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
    let end = if is_http { uri.find(['?', '#']) } else { None };
    &uri[..end.unwrap_or(uri.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_named_after_the_last_segment() {
        for (uri, name) in [
            ("s3://bucket/a/b/model.onnx", "model.onnx"),
            ("s3://bucket/what?.zip", "what?.zip"),
            ("greengrass:abc/code.zip", "code.zip"),
            ("greengrass:code.zip", "code.zip"),
            ("https://example.com/a.zip?X-Amz-Signature=b/c#d", "a.zip"),
            ("file:///tmp/x.wasm", "x.wasm"),
            ("file:/tmp/.hidden", ".hidden"),
        ] {
            let uri: ArtifactUri = uri.parse().unwrap();
            assert_eq!(file_name(&uri).unwrap(), name, "{uri}");
        }
    }

    #[test]
    fn a_name_that_is_no_plain_file_is_refused() {
        let long = format!("https://example.com/{}", "x".repeat(241));
        for uri in [
            "https://example.com/",
            "https://example.com/..",
            "https://example.com/a/.",
            "https://example.com/a\\b",
            "https://example.com/.new-a",
            "https://example.com/.from-a",
            "s3:",
            &long,
        ] {
            let error = file_name(&uri.parse().unwrap()).unwrap_err();
            assert_eq!(error.code(), "ARTIFACT_URI_NOT_VALID", "{uri:?}");
        }
    }

    #[test]
    fn secrets_in_a_uri_are_not_shown() {
        assert_eq!(shown("https://me:word@example.com/a?sig=1"), "https://example.com/a");
        assert_eq!(shown("s3://bucket/a\nb"), "s3://bucket/ab");
        assert_eq!(shown("greengrass:a/b"), "greengrass:a/b");
    }
}
