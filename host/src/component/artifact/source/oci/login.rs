//! What `docker login` leaves: names and passwords for registries, in a file of JSON (docker CLI,
//! `config.json`).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// Most bytes of the file.
pub const LARGEST: u64 = 1 << 20;

/// The names by which the file knows Docker Hub.
const HUB: [&str; 3] = ["index.docker.io", "docker.io", "registry-1.docker.io"];

/// A name and a password, as the header `Authorization` has them.
#[derive(Clone, Eq, PartialEq)]
pub struct Login(Zeroizing<String>);

impl Login {
    /// The value of the header.
    pub fn header(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

/// Why the file gives none. It shows nothing of the file.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum LoginError {
    /// It is not what docker writes.
    #[error("it is no JSON with an object `auths`")]
    Malformed,
    /// What it says for the registry is not served.
    #[error(
        "it leaves {0} to a helper or to an identity token, which this host does not ask; write \
         `auth` there, the base64 of NAME:PASSWORD"
    )]
    Elsewhere(String),
    /// What it says for the registry is no name and password.
    #[error("`auth` of {0} is not the base64 of NAME:PASSWORD")]
    Auth(String),
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct File {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
struct Entry {
    #[serde(deserialize_with = "secret")]
    auth: Zeroizing<String>,
    username: String,
    #[serde(deserialize_with = "secret")]
    password: Zeroizing<String>,
    #[serde(rename = "identitytoken", deserialize_with = "secret")]
    identity_token: Zeroizing<String>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(from).map(Zeroizing::new)
}

/// What the file says for a registry; `None`: nothing.
///
/// # Errors
/// It says something that is of no use.
pub fn login(file: &[u8], registry: &str) -> Result<Option<Login>, LoginError> {
    let file: File = serde_json::from_slice(file).map_err(|_| LoginError::Malformed)?;
    let is_meant = |key: &str| {
        let host = key.split_once("://").map_or(key, |(_, rest)| rest);
        let host = host.split('/').next().unwrap_or_default();
        host.eq_ignore_ascii_case(registry) || HUB.contains(&registry) && HUB.contains(&host)
    };
    let elsewhere = || LoginError::Elsewhere(registry.to_owned());
    if file.cred_helpers.keys().any(|key| is_meant(key)) {
        return Err(elsewhere());
    }
    let Some(entry) = file.auths.iter().find(|(key, _)| is_meant(key)).map(|(_, entry)| entry)
    else {
        return Ok(None);
    };
    if !entry.identity_token.is_empty() {
        return Err(elsewhere());
    }
    if !entry.username.is_empty() {
        let both = Zeroizing::new(format!("{}:{}", entry.username, *entry.password));
        return Ok(Some(basic(&both)));
    }
    if entry.auth.is_empty() {
        return if file.creds_store.is_empty() { Ok(None) } else { Err(elsewhere()) };
    }
    let wrong = || LoginError::Auth(registry.to_owned());
    let both =
        BASE64_STANDARD.decode(entry.auth.trim()).map(Zeroizing::new).map_err(|_| wrong())?;
    // Old files end with NULs.
    let both = str::from_utf8(&both).map_err(|_| wrong())?.trim_end_matches('\0');
    if both.contains(':') { Ok(Some(basic(both))) } else { Err(wrong()) }
}

fn basic(both: &str) -> Login {
    Login(Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(both))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(file: &str, registry: &str) -> Result<Option<String>, LoginError> {
        login(file.as_bytes(), registry).map(|login| login.map(|login| login.header().to_owned()))
    }

    #[test]
    fn a_registry_has_the_name_and_password_that_docker_wrote() {
        let file = r#"{"auths": {"ghcr.io": {"auth": "bWU6d29yZA=="}, "r.test:5000": {"username": "me", "password": "w"},
            "https://index.docker.io/v1/": {"auth": "aHViOng="}}, "HttpHeaders": {"a": "b"}}"#;
        let me = || Ok(Some("Basic bWU6d29yZA==".to_owned()));
        assert_eq!(header(file, "ghcr.io"), me());
        assert_eq!(header(file, "r.test:5000"), Ok(Some("Basic bWU6dw==".to_owned())));
        assert_eq!(header(file, "docker.io"), Ok(Some("Basic aHViOng=".to_owned())));
        for other in ["r.test", "evil.ghcr.io", "ghcr.io.evil.test"] {
            assert_eq!(header(file, other), Ok(None), "{other}");
        }
    }

    #[test]
    fn what_is_of_no_use_is_said_without_being_shown() {
        let of = |file: &str| header(file, "ghcr.io");
        for elsewhere in [
            r#"{"credHelpers": {"ghcr.io": "pass"}}"#,
            r#"{"credsStore": "pass", "auths": {"ghcr.io": {}}}"#,
            r#"{"auths": {"ghcr.io": {"identitytoken": "hunter2"}}}"#,
        ] {
            let error = of(elsewhere).unwrap_err();
            assert!(
                matches!(error, LoginError::Elsewhere(_)) && !error.to_string().contains("hunter2")
            );
        }
        for wrong in [
            r#"{"auths": {"ghcr.io": {"auth": "aHVudGVyMg=="}}}"#,
            r#"{"auths": {"ghcr.io": {"auth": "!"}}}"#,
        ] {
            assert_eq!(of(wrong), Err(LoginError::Auth("ghcr.io".to_owned())));
        }
        for hostile in ["", "7", "{", r#"{"auths": []}"#, r#"{"auths": {"a": 7}}"#, "\u{0}"] {
            assert_eq!(of(hostile), Err(LoginError::Malformed), "{hostile}");
        }
        assert_eq!(of("{}"), Ok(None));
    }
}
