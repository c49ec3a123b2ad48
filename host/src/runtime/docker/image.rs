//! The image of a component: at hand, out of an archive that came with it, or from a registry.

use super::archive::Archives;
use super::engine::{Engine, explain, refused_with};
use super::pull::Progress;
use super::reference::Reference;
use crate::component::InstalledComponent;
use crate::logs::{Level, LogSink};
use crate::runtime::Failure;
use crate::tasks::Tasks;
use bollard::models::ImageInspect;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::Instant;

/// How often the log says how far a pull is.
const NEWS: Duration = Duration::from_secs(1);

/// An image that the engine has.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    /// What it is made of, as a digest: containers are made from this and not from a name, which
    /// could by then lead elsewhere.
    pub(super) id: String,
    /// The user it asks for; root where there is none.
    pub(super) user: String,
    /// Whether it asks for a working folder.
    pub(super) has_folder: bool,
    /// The signal that asks it to stop.
    pub(super) stop_signal: String,
    /// The digests that registries know it by, each after a name and `@`.
    pub(super) digests: Vec<String>,
}

/// Have the engine hold every image that a component names; gives the one it runs.
pub(super) async fn obtain(
    engine: &Engine,
    component: &InstalledComponent,
    reference: &Reference,
    tasks: &Tasks,
    log: &LogSink,
) -> Result<Image, Failure> {
    let archives = Archives::of(component)?;
    if !archives.are_loaded(engine, reference).await? {
        archives.load(engine, tasks, log).await?;
    }
    for text in &component.images {
        let other: Reference =
            text.parse().map_err(|error| Failure::to_start(format!("an artifact: {error}")))?;
        if other != *reference {
            present(engine, &other, log).await?;
        }
    }
    let image = present(engine, reference, log).await?;
    archives.remember(engine, &image).await;
    Ok(image)
}

async fn present(engine: &Engine, reference: &Reference, log: &LogSink) -> Result<Image, Failure> {
    if let Some(image) = find(engine, reference).await? {
        return Ok(image);
    }
    let reason = match pull(engine, reference, log).await {
        Ok(()) => match find(engine, reference).await? {
            Some(image) => return Ok(image),
            None => "the engine says that it pulled it, and does not have it".to_owned(),
        },
        Err(reason) => reason,
    };
    let other = match reference.digest() {
        Some(_) => find(engine, &reference.without_digest()).await?,
        None => None,
    };
    let other = other.map_or_else(String::new, |image| {
        format!("\n  the engine has another image of that name: {}", image.known_as())
    });
    Err(Failure::to_start(format!(
        "cannot get the image {reference}: {reason}{other}\n  look at its name; let this device \
         read its registry, or deliver the image as an artifact made with `docker save`"
    )))
}

/// What the engine has by this reference; if it insists on a digest, this and no other.
pub(super) async fn find(engine: &Engine, reference: &Reference) -> Result<Option<Image>, Failure> {
    let found = match inspect(engine, &reference.exact()).await? {
        Some(image) => Some(image),
        // One that was loaded from an archive is known to no registry, but by its content.
        None => match reference.digest() {
            Some(digest) => inspect(engine, digest).await?,
            None => None,
        },
    };
    match (found, reference.digest()) {
        (Some(image), Some(digest)) if !image.is(digest) => Err(Failure::to_start(format!(
            "the image {reference} is not what the engine has by that name, which is {}",
            image.known_as()
        ))),
        (found, _) => Ok(found),
    }
}

pub(super) async fn inspect(engine: &Engine, name: &str) -> Result<Option<Image>, Failure> {
    match engine.api.inspect_image(name).await {
        Ok(found) => Ok(Some(Image::from(found))),
        Err(error) if refused_with(&error) == Some(404) => Ok(None),
        Err(error) => Err(Failure::to_start(format!(
            "the container engine cannot look for the image {name}: {}",
            explain(&error)
        ))),
    }
}

/// Fetch it; the reason, if it cannot be. Dropping the future ends it.
async fn pull(engine: &Engine, reference: &Reference, log: &LogSink) -> Result<(), String> {
    log.host(Level::Info, format!("pulling the image {reference}"));
    let begin = Instant::now();
    let (mut progress, mut told) = (Progress::default(), begin);
    // The whole reference in one: with an empty tag beside it, an engine would fetch all tags.
    let options = CreateImageOptionsBuilder::default().from_image(&reference.exact()).build();
    let mut news = engine.api.create_image(Some(options), None, None);
    while let Some(news) = news.next().await {
        progress.take(news.map_err(|error| explain(&error))?);
        if told.elapsed() >= NEWS {
            told = Instant::now();
            log.host(Level::Info, format!("pulling the image {reference}: {}", progress.line()));
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    log.host(Level::Info, format!("pulled the image {reference} in {seconds:.1} s"));
    Ok(())
}

impl Image {
    fn is(&self, digest: &str) -> bool {
        self.id == digest
            || self.digests.iter().any(|known| known.rsplit('@').next() == Some(digest))
    }

    /// Every digest it goes by.
    fn known_as(&self) -> String {
        let known = self.digests.iter().filter_map(|known| known.rsplit('@').next());
        let all: Vec<&str> = [self.id.as_str()].into_iter().chain(known).collect();
        all.join(", ")
    }
}

impl From<ImageInspect> for Image {
    fn from(image: ImageInspect) -> Self {
        let config = image.config.unwrap_or_default();
        let id = image.id.unwrap_or_default();
        let stop_signal = config.stop_signal.filter(|signal| !signal.is_empty());
        Self {
            // Podman leaves the algorithm out.
            id: if id.contains(':') { id } else { format!("sha256:{id}") },
            user: config.user.unwrap_or_default(),
            has_folder: config
                .working_dir
                .is_some_and(|folder| !["", "/"].contains(&folder.as_str())),
            stop_signal: stop_signal.unwrap_or_else(|| "SIGTERM".to_owned()),
            digests: image.repo_digests.unwrap_or_default(),
        }
    }
}
