//! The name of an image: `[registry/]name[:tag][@digest]`.

use std::fmt;
use std::str::FromStr;

/// Most bytes of a reference.
const LONGEST: usize = 512;

/// Most bytes of the name in it, as registries have it.
const LONGEST_NAME: usize = 255;

/// Most characters of a tag.
const LONGEST_TAG: usize = 128;

/// Hexadecimal digits of a SHA-256 digest.
const DIGEST: usize = 64;

/// A reference whose form is right; what it leads to is the engine's affair. Without tag and
/// digest, the tag is `latest`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Reference {
    name: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// Why a text names no image.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// It is too long.
    #[error("the image reference has {length} bytes; at most {LONGEST} are allowed")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// Its name is not one.
    #[error(
        "`{text}` names no image: {what}; write [registry/]name[:tag|@digest], for example \
         busybox:1.36"
    )]
    Malformed {
        /// The text.
        text: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Reference {
    /// The digest it insists on, `sha256:…`.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// What an engine is asked for. Beside a digest the tag says nothing, and some take but one.
    pub fn exact(&self) -> String {
        match &self.digest {
            Some(digest) => format!("{}@{digest}", self.name),
            None => self.to_string(),
        }
    }

    /// The same image, whichever it is now: without the digest.
    pub fn without_digest(&self) -> Self {
        let tag = self.tag.clone().or_else(|| Some("latest".to_owned()));
        Self { name: self.name.clone(), tag, digest: None }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() > LONGEST {
            return Err(ReferenceError::TooLong { length: text.len() });
        }
        let malformed = |what| {
            let text = text.chars().flat_map(char::escape_debug).collect();
            ReferenceError::Malformed { text, what }
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash is that of the registry's port.
        let after_slash = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[after_slash..].split_once(':') {
            Some((last, tag)) => (&rest[..after_slash + last.len()], Some(tag)),
            None => (rest, None),
        };
        if !is_name(name) {
            return Err(malformed(
                "its name is letters in lower case, digits and single `.`, `_`, `-` or `/` between \
                 them",
            ));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(malformed("a tag is letters, digits, `_`, `.` and `-`, at most 128"));
        }
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(malformed("a digest is `sha256:` and 64 hexadecimal digits"));
        }
        let tag = match (tag, digest) {
            (None, None) => Some("latest"),
            (tag, _) => tag,
        };
        Ok(Self {
            name: name.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
            (Some(first), rest)
        }
        _ => (None, name),
    };
    name.len() <= LONGEST_NAME && registry.is_none_or(is_registry) && path.split('/').all(is_step)
}

fn is_registry(registry: &str) -> bool {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (registry, None),
    };
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // A number may begin with a plus, a port may not.
    let is_port = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok();
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// One step of the path: letters and digits, with separators between them.
fn is_step(step: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = step.as_bytes();
    let ends = bytes.first().is_some_and(|byte| plain(*byte))
        && bytes.last().is_some_and(|byte| plain(*byte));
    ends && bytes.iter().all(|byte| plain(*byte) || b"._-".contains(byte))
        && !["..", "___", "._", "_.", ".-", "-.", "_-", "-_"].iter().any(|two| step.contains(two))
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= LONGEST_TAG
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || b".-".contains(&byte))
}

fn is_digest(digest: &str) -> bool {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digest
        .strip_prefix("sha256:")
        .is_some_and(|digits| digits.len() == DIGEST && digits.bytes().all(hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(text: &str) -> Reference {
        text.parse().unwrap()
    }

    #[test]
    fn references_keep_their_parts() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, shown) in [
            ("busybox", "busybox:latest"),
            ("busybox:1.36", "busybox:1.36"),
            ("library/busy__box:A-b.c_d", "library/busy__box:A-b.c_d"),
            ("localhost/app", "localhost/app:latest"),
            ("127.0.0.1:5000/team/app:1", "127.0.0.1:5000/team/app:1"),
            ("Registry.example.com/a/b--c/d", "Registry.example.com/a/b--c/d:latest"),
            ("xn--bcher-kva.example:443/app", "xn--bcher-kva.example:443/app:latest"),
        ] {
            assert_eq!(parsed(text).to_string(), shown);
            assert_eq!(parsed(text).digest(), None);
        }
        for text in [format!("app@{digest}"), format!("127.0.0.1:5000/app:1@{digest}")] {
            assert_eq!(parsed(&text).to_string(), text);
            assert_eq!(parsed(&text).digest(), Some(digest.as_str()));
            assert_eq!(parsed(&text).exact(), text.replace("app:1@", "app@"));
        }
        assert_eq!(parsed(&format!("app@{digest}")).without_digest().to_string(), "app:latest");
    }

    #[test]
    fn what_could_leave_its_place_in_a_url_is_refused() {
        let short = format!("app@sha256:{}", "0a".repeat(31));
        let big = format!("app@sha256:{}", "0A".repeat(32));
        let long = "a".repeat(256);
        for text in [
            "",
            " ",
            "/",
            "a/",
            "/a",
            "a//b",
            "../a",
            "a/../b",
            "a/..",
            ".",
            "a b",
            "a?b",
            "a#b",
            "a%2f",
            "App",
            "a:",
            "a:b:c",
            "a:b/c:",
            "a:-b",
            "a@",
            "a@b",
            "a@md5:00",
            "a:1@",
            "a\n",
            "a\0",
            "a_",
            "-a",
            "a__-b",
            "ä",
            "a:ä",
            "host:99999/a",
            "host:+80/a",
            "host:/a",
            ":1/a",
            "a..b/c",
            "https://host/a",
            "[::1]:5000/a",
            short.as_str(),
            big.as_str(),
            long.as_str(),
        ] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains("names no image"), "{text:?}: {error}");
            assert!(!error.contains('\0'), "{text:?}");
        }
        let huge = "a/".repeat(1 << 20);
        assert_eq!(huge.parse::<Reference>(), Err(ReferenceError::TooLong { length: huge.len() }));
    }
}
