//! The way to the container engine: where its socket may be, and what to do when nobody answers.

use crate::logs::presentable;
use bollard::{API_DEFAULT_VERSION, Docker, errors::Error as ApiError};
use std::env;
use std::error::Error as _;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;

/// Where an engine listens that nobody told us of: Docker's, then Podman's, whose API is the same.
const USUAL: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];

/// Podman's socket of an ordinary user, below the folder `XDG_RUNTIME_DIR`.
const OF_USER: &str = "podman/podman.sock";

/// How long an engine has to say who it is. Docker's asks three other programs for that, which takes
/// long on a machine that has just started.
const HELLO: Duration = Duration::from_secs(60);

/// How long it has to begin an answer. Making a container copies files on some of them.
const ANSWER: Duration = Duration::from_secs(120);

/// Most bytes of what it says that are passed on.
const LONGEST_ANSWER: usize = 2000;

/// An engine that answered.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    /// Its API. Each request has a connection of its own, so an engine may come and go.
    pub(super) api: Docker,
    /// Where it listens.
    pub(super) socket: PathBuf,
}

/// Why no engine can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoEngine {
    #[error(
        "the container engine's socket {} is not for this user; add the user to the group that \
         owns the socket (Docker's is called `docker`; it is as powerful as root), or run gg-host \
         as root", socket.display()
    )]
    Denied { socket: PathBuf },
    #[error(
        "there is no container engine: no socket at {}; start one (`systemctl start docker` or \
         `systemctl start podman.socket`), or say where it listens with \
         DOCKER_HOST=unix:///its/socket",
        list(tried)
    )]
    Missing { tried: Vec<PathBuf> },
    #[error(
        "no container engine listens at {} ({error}); start it, for example with `systemctl start \
         docker`", socket.display()
    )]
    NotListening { socket: PathBuf, error: io::Error },
    #[error("what listens at {} does not answer as a container engine: {reason}", socket.display())]
    Silent { socket: PathBuf, reason: String },
    #[error(
        "DOCKER_HOST is {value:?}, and gg-host speaks to an engine on this machine only; give it \
         the form unix:///its/socket"
    )]
    Unserved { value: String },
}

impl NoEngine {
    /// How much it tells: of several places that were tried, the one that says most is reported.
    fn weight(&self) -> u8 {
        match self {
            Self::Missing { .. } | Self::Unserved { .. } => 0,
            Self::NotListening { .. } => 1,
            Self::Silent { .. } => 2,
            Self::Denied { .. } => 3,
        }
    }
}

/// Where to look: at the place that is configured, or that `DOCKER_HOST` names, or at all usual
/// ones.
pub(super) fn places(configured: Option<&Path>) -> Result<Vec<PathBuf>, NoEngine> {
    let var = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    choose(configured, var("DOCKER_HOST"), var("XDG_RUNTIME_DIR"))
}

fn choose(
    configured: Option<&Path>,
    docker_host: Option<OsString>,
    of_user: Option<OsString>,
) -> Result<Vec<PathBuf>, NoEngine> {
    if let Some(socket) = configured {
        return Ok(vec![socket.to_owned()]);
    }
    if let Some(value) = docker_host {
        return match value.to_str().and_then(|value| value.strip_prefix("unix://")) {
            Some(path) if path.starts_with('/') => Ok(vec![path.into()]),
            _ => Err(NoEngine::Unserved { value: value.to_string_lossy().into_owned() }),
        };
    }
    let of_user = of_user.map(|folder| Path::new(&folder).join(OF_USER));
    Ok(USUAL.map(PathBuf::from).into_iter().chain(of_user).collect())
}

/// The first of these places where an engine answers.
pub(super) async fn connect(places: Vec<PathBuf>) -> Result<Engine, NoEngine> {
    let mut worst = None::<NoEngine>;
    for socket in &places {
        match greet(socket).await {
            Ok(Some(engine)) => return Ok(engine),
            Ok(None) => {}
            Err(error) if worst.as_ref().is_some_and(|worst| worst.weight() >= error.weight()) => {}
            Err(error) => worst = Some(error),
        }
    }
    Err(worst.unwrap_or(NoEngine::Missing { tried: places }))
}

/// Whether an engine answers here; `None`: there is no socket.
async fn greet(socket: &Path) -> Result<Option<Engine>, NoEngine> {
    if let Err(error) = UnixStream::connect(socket).await {
        let socket = socket.to_owned();
        return match error.kind() {
            io::ErrorKind::NotFound => Ok(None),
            io::ErrorKind::PermissionDenied => Err(NoEngine::Denied { socket }),
            _ => Err(NoEngine::NotListening { socket, error }),
        };
    }
    let silent = |reason: String| NoEngine::Silent { socket: socket.to_owned(), reason };
    let path = socket.to_str().ok_or_else(|| silent("its path is not UTF-8".to_owned()))?;
    let api = Docker::connect_with_unix(path, ANSWER.as_secs(), API_DEFAULT_VERSION)
        .map_err(|error| silent(explain(&error)))?;
    // An engine refuses requests of a version newer than its own.
    match tokio::time::timeout(HELLO, api.negotiate_version()).await {
        Ok(Ok(api)) => Ok(Some(Engine { api, socket: socket.to_owned() })),
        Ok(Err(error)) => Err(silent(explain(&error))),
        Err(_) => Err(silent(format!("nothing came within {HELLO:?}"))),
    }
}

/// What an error says, without the words that every one of its kind has.
pub(super) fn explain(error: &ApiError) -> String {
    let message = match error {
        ApiError::DockerResponseServerError { message, .. } => message.clone(),
        ApiError::DockerStreamError { error } => error.clone(),
        other => {
            let mut message = other.to_string();
            let mut source = other.source();
            while let Some(error) = source {
                let text = error.to_string();
                if !message.contains(&text) {
                    message = format!("{message}: {text}");
                }
                source = error.source();
            }
            message
        }
    };
    presentable(message.trim(), LONGEST_ANSWER).into_owned()
}

/// The status of a refusal, if it is one.
pub(super) fn refused_with(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_where_one_is_told_or_in_the_usual_places() {
        let host = |text: &str| Some(OsString::from(text));
        let own = Path::new("/run/own.sock");
        assert_eq!(choose(Some(own), host("unix:///a"), None).unwrap(), [own]);
        assert_eq!(choose(None, host("unix:///a/b"), None).unwrap(), [Path::new("/a/b")]);
        let usual = choose(None, None, host("/run/user/7")).unwrap();
        assert_eq!(usual.len(), 3);
        assert_eq!(usual[2], Path::new("/run/user/7/podman/podman.sock"));
        for wrong in ["tcp://127.0.0.1:2375", "unix://a", "/var/run/docker.sock", "ssh://a"] {
            let error = choose(None, host(wrong), None).unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("unix:///"), "{error}");
        }
    }

    #[tokio::test]
    async fn without_an_engine_it_is_said_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let (absent, stale) = (folder.path().join("absent"), folder.path().join("stale"));
        drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());

        let error = connect(vec![absent.clone()]).await.unwrap_err().to_string();
        assert!(error.contains("there is no container engine"), "{error}");
        assert!(error.contains(absent.to_str().unwrap()), "{error}");
        assert!(error.contains("systemctl start docker"), "{error}");

        // The one that is there says more than the one that is not.
        let error = connect(vec![absent, stale.clone()]).await.unwrap_err().to_string();
        assert!(error.contains("no container engine listens at"), "{error}");
        assert!(error.contains(stale.to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_socket_of_somebody_else_is_another_matter() {
        let error = NoEngine::Denied { socket: "/var/run/docker.sock".into() };
        assert!(error.to_string().contains("group"), "{error}");
        assert!(error.weight() > NoEngine::Missing { tried: Vec::new() }.weight());
    }
}
