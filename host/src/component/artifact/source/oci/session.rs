//! Asking one registry about one repository: with a token where it wants one, which goes to nobody
//! else.

use super::challenge::Challenge;
use super::error::RegistryError;
use super::login::{self, Login, login};
use super::manifest;
use crate::component::artifact::location::shown;
use crate::component::artifact::source::Download;
use crate::component::artifact::source::download::{
    MOST_REDIRECTS, is_redirect, lost, next, number,
};
use crate::component::artifact::{ArtifactError, Digest};
use crate::network::{Answer, Target, encoded};
use crate::tasks::Tasks;
use gg_model::recipe::OciReference;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde::Deserialize;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// Most bytes of what a server for tokens answers.
const LARGEST_TOKEN: usize = 64 << 10;

/// Asking a registry.
pub(super) struct Session<'a> {
    pub(super) download: &'a Download,
    pub(super) tasks: &'a Tasks,
    /// The URI in the recipe.
    pub(super) from: &'a str,
    pub(super) reference: &'a OciReference,
    /// Where names and passwords are.
    pub(super) docker_config: Option<PathBuf>,
    /// What it wants to see, once it has said so.
    authorization: Option<HeaderValue>,
    /// Whether a name and a password were shown.
    known: bool,
}

/// The answer of a server for tokens. They have one of two names.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        (download, tasks): (&'a Download, &'a Tasks),
        (from, reference): (&'a str, &'a OciReference),
        docker_config: Option<PathBuf>,
    ) -> Self {
        let authorization = None;
        Self { download, tasks, from, reference, docker_config, authorization, known: false }
    }

    /// A manifest, whose digest is checked if it is asked for by it.
    pub(super) async fn manifest(&mut self, of: &str) -> Result<Vec<u8>, ArtifactError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(manifest::ACCEPTED));
        let mut answer = self.get(&format!("manifests/{of}"), &headers).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(&answer));
        }
        let bytes = self.whole(&mut answer, manifest::LARGEST).await?;
        let bytes = bytes.ok_or_else(|| self.failed(RegistryError::TooLong))?;
        if let Some(digest) = manifest::sha256(of)
            && Digest::of_bytes(&bytes) != Digest::from(digest)
        {
            return Err(self.failed(RegistryError::OtherManifest));
        }
        Ok(bytes)
    }

    /// All of an answer; `None` if it is longer than that.
    pub(super) async fn whole(
        &self,
        answer: &mut Answer,
        most: usize,
    ) -> Result<Option<Vec<u8>>, ArtifactError> {
        let mut all = Vec::new();
        while let Some(piece) = answer.piece().await.map_err(|fault| lost(self.from, fault))? {
            if all.len() + piece.len() > most {
                return Ok(None);
            }
            all.extend_from_slice(&piece);
        }
        Ok(Some(all))
    }

    /// Ask for something of the repository. A redirect is followed, without the token where it leads to
    /// somebody else. What is wanted to see is shown once it is asked for.
    pub(super) async fn get(
        &mut self,
        what: &str,
        headers: &HeaderMap,
    ) -> Result<Answer, ArtifactError> {
        let own: Uri =
            format!("{}/v2/{}/{what}", origin(self.reference), repository(self.reference))
                .parse()
                .map_err(|_| self.no_uri("it is not a URI"))?;
        let mut uri = own.clone();
        let mut redirects = 0;
        loop {
            let is_own = (uri.scheme(), uri.authority()) == (own.scheme(), own.authority());
            if !is_safe(&uri) {
                return Err(self.no_uri("the registry sends to what is not https:"));
            }
            let mut headers = headers.clone();
            if let Some(authorization) = self.authorization.as_ref().filter(|_| is_own) {
                headers.insert(header::AUTHORIZATION, authorization.clone());
            }
            let answer = self.download.ask(self.from, &uri, &headers).await?;
            match answer.status() {
                StatusCode::UNAUTHORIZED if is_own && self.authorization.is_none() => {
                    let (headers, refusal) = (answer.headers().clone(), self.refused(&answer));
                    drop(answer);
                    self.authorize(&headers, refusal).await?;
                }
                status if is_redirect(status) => {
                    redirects += 1;
                    if redirects > MOST_REDIRECTS {
                        return Err(ArtifactError::Redirects { uri: shown(self.from) });
                    }
                    let leads = next(&uri, answer.headers());
                    uri =
                        leads.ok_or_else(|| self.no_uri("the registry sends to what is no URI"))?;
                }
                _ => return Ok(answer),
            }
        }
    }

    /// Get what the registry wants to see, by the headers of its refusal.
    async fn authorize(
        &mut self,
        headers: &HeaderMap,
        refusal: ArtifactError,
    ) -> Result<(), ArtifactError> {
        let registry = || self.reference.registry().to_owned();
        let mut texts = headers
            .get_all(header::WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let challenge = texts.find_map(Challenge::parse);
        let login = self.login().await?;
        self.known = login.is_some();
        let value = match challenge {
            None => return Err(self.failed(RegistryError::Challenge { registry: registry() })),
            // It wants a name, and there is none.
            Some(Challenge::Basic) if login.is_none() => return Err(refusal),
            Some(Challenge::Basic) => login.map(|login| login.header().to_owned()),
            Some(Challenge::Bearer { realm, service, scope }) => {
                let token = self.token(&realm, (service, scope), login).await?;
                Some(format!("Bearer {}", *token))
            }
        };
        let value = Zeroizing::new(value.unwrap_or_default());
        let value = HeaderValue::from_str(&value);
        let mut value =
            value.map_err(|_| self.failed(RegistryError::Challenge { registry: registry() }))?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(())
    }

    /// A token to pull with.
    async fn token(
        &self,
        realm: &str,
        (service, scope): (Option<String>, Option<String>),
        login: Option<Login>,
    ) -> Result<Zeroizing<String>, ArtifactError> {
        let registry = || self.reference.registry().to_owned();
        let wrong = || {
            let realm = shown(realm);
            self.failed(RegistryError::Realm { registry: registry(), realm })
        };
        let usual = || format!("repository:{}:pull", repository(self.reference));
        let scope = scope.filter(|scope| scope.starts_with("repository:")).unwrap_or_else(usual);
        let mut uri = format!(
            "{realm}{}scope={}",
            if realm.contains('?') { '&' } else { '?' },
            encoded(&scope)
        );
        if let Some(service) = service {
            uri.push_str(&format!("&service={}", encoded(&service)));
        }
        let uri: Uri = uri.parse().map_err(|_| wrong())?;
        if !is_safe(&uri) {
            return Err(wrong());
        }
        let mut headers = HeaderMap::new();
        if let Some(login) = &login {
            let mut value = HeaderValue::from_str(login.header()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let mut answer = self.download.ask(self.from, &uri, &headers).await?;
        let none = |status: StatusCode, reason: String| {
            let (realm, registry, status) = (shown(realm), registry(), status.as_u16());
            self.failed(RegistryError::Token { realm, registry, reason, status, known: self.known })
        };
        let status = answer.status();
        if status != StatusCode::OK {
            return Err(none(status, format!("it answers {}", status.as_u16())));
        }
        let text = answer.all(LARGEST_TOKEN).await.map_err(|fault| lost(self.from, fault))?;
        let text = text.ok_or_else(|| none(status, "its answer is too long".to_owned()))?;
        let token = serde_json::from_slice::<Token>(&text).ok();
        let token = token.and_then(|token| token.token.or(token.access_token)).map(Zeroizing::new);
        token
            .filter(|token| !token.is_empty())
            .ok_or_else(|| none(status, "its answer holds none".to_owned()))
    }

    /// What the file of the operator says for this registry.
    async fn login(&self) -> Result<Option<Login>, ArtifactError> {
        let Some(path) = &self.docker_config else { return Ok(None) };
        let (own, registry) = (path.clone(), self.reference.registry().to_owned());
        let read = self.tasks.spawn_blocking(move || {
            let text =
                read(&own).map_err(|reason| RegistryError::File { path: own.clone(), reason })?;
            login(&text, &registry).map_err(|error| RegistryError::Login { path: own, error })
        });
        let gone = |error: tokio::task::JoinError| {
            let (path, reason) = (path.clone(), error.to_string());
            Err(RegistryError::File { path, reason })
        };
        read.await.unwrap_or_else(gone).map_err(|error| self.failed(error))
    }

    pub(super) fn failed(&self, error: RegistryError) -> ArtifactError {
        ArtifactError::Registry { uri: shown(self.from), error }
    }

    /// What is answered, as an error.
    pub(super) fn refused(&self, answer: &Answer) -> ArtifactError {
        self.failed(RegistryError::Refused {
            registry: self.reference.registry().to_owned(),
            status: answer.status().as_u16(),
            known: self.known,
            again_after: number(answer.headers(), &header::RETRY_AFTER).map(Duration::from_secs),
        })
    }

    fn no_uri(&self, reason: &'static str) -> ArtifactError {
        ArtifactError::Uri { uri: shown(self.from), reason }
    }
}

/// Where a registry answers: in the clear on this machine alone. Docker Hub answers elsewhere.
pub(super) fn origin(reference: &OciReference) -> String {
    let registry = match reference.registry() {
        "docker.io" | "index.docker.io" => "registry-1.docker.io",
        other => other,
    };
    let near: Option<Target> =
        format!("http://{registry}").parse().ok().as_ref().and_then(Target::of);
    let scheme = if near.is_some_and(|target| target.is_this_machine()) { "http" } else { "https" };
    format!("{scheme}://{registry}")
}

/// A repository as the registry knows it: Docker's own images have a folder.
fn repository(reference: &OciReference) -> String {
    match (reference.registry(), reference.repository()) {
        ("docker.io" | "index.docker.io", name) if !name.contains('/') => format!("library/{name}"),
        (_, name) => name.to_owned(),
    }
}

/// Whether what is sent there can be read by nobody in between.
fn is_safe(uri: &Uri) -> bool {
    Target::of(uri).is_some_and(|target| target.tls || target.is_this_machine())
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut text = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(|error| error.to_string())?;
    let length = file.take(login::LARGEST + 1).read_to_end(&mut text);
    match length.map_err(|error| error.to_string())? as u64 {
        length if length > login::LARGEST => Err("it is longer than 1 MiB".to_owned()),
        _ => Ok(text),
    }
}
