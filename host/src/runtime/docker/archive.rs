//! Images that come with a component as files, made with `docker save`. The engine reads them
//! whole to find that it has them, so one that was loaded is remembered: by a name for its image,
//! which the engine keeps and forgets with it.

use super::engine::{Engine, explain};
use super::image::{self, Image};
use super::reference::Reference;
use crate::component::InstalledComponent;
use crate::hexadecimal::hexadecimal;
use crate::logs::{Level, LogSink, presentable};
use crate::runtime::Failure;
use crate::tasks::Tasks;
use bollard::query_parameters::{ImportImageOptionsBuilder, TagImageOptionsBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the names are that remember; nobody pulls from here.
const REMEMBERED: &str = "localhost/gg-host-archives";

/// Bytes that are read at once.
const PIECE: u64 = 256 << 10;

/// How long an engine has to begin its answer: it reads the whole archive first.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// The archives of one component.
#[derive(Debug)]
pub(super) struct Archives {
    paths: Vec<PathBuf>,
    /// Stands for these files as they are now.
    tag: String,
}

impl Archives {
    /// Look at a component's archives.
    pub(super) fn of(component: &InstalledComponent) -> Result<Self, Failure> {
        let mut hash = Sha256::new();
        for path in &component.archives {
            let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
            hash.update(path.as_os_str().as_encoded_bytes());
            let (length, seconds, nanoseconds) =
                (metadata.len(), metadata.mtime(), metadata.mtime_nsec());
            hash.update(format!("\0{length} {seconds} {nanoseconds}\0"));
        }
        let tag = hexadecimal(&hash.finalize()[..16]);
        Ok(Self { paths: component.archives.clone(), tag })
    }

    /// Whether they were loaded, and the reference still leads to what came of it.
    pub(super) async fn are_loaded(
        &self,
        engine: &Engine,
        reference: &Reference,
    ) -> Result<bool, Failure> {
        if self.paths.is_empty() {
            return Ok(true);
        }
        let remembered = image::inspect(engine, &format!("{REMEMBERED}:{}", self.tag)).await?;
        let Some(remembered) = remembered else { return Ok(false) };
        let found = image::find(engine, reference).await?;
        Ok(found.is_some_and(|found| found.id == remembered.id))
    }

    /// Load them all.
    pub(super) async fn load(
        &self,
        engine: &Engine,
        tasks: &Tasks,
        log: &LogSink,
    ) -> Result<(), Failure> {
        for path in &self.paths {
            let file = File::open(path).map_err(|error| unreadable(path, &error))?;
            log.host(Level::Info, format!("loading images from {}", path.display()));
            let api = engine.api.clone().with_timeout(PATIENCE);
            let options = ImportImageOptionsBuilder::default().quiet(true).build();
            let mut news = api.import_image_stream(options, pieces(file, tasks.clone()), None);
            while let Some(news) = news.next().await {
                let news = news.map_err(|error| {
                    let (file, reason) = (path.display(), explain(&error));
                    Failure::to_start(format!("the engine cannot load {file}: {reason}"))
                })?;
                if let Some(line) = news.stream.as_deref().map(str::trim).filter(|s| !s.is_empty())
                {
                    log.host(Level::Info, presentable(line, 400));
                }
            }
        }
        Ok(())
    }

    /// Remember that this image was loaded from them. That it is not, costs time at the next start.
    pub(super) async fn remember(&self, engine: &Engine, image: &Image) {
        if self.paths.is_empty() {
            return;
        }
        let options = TagImageOptionsBuilder::default().repo(REMEMBERED).tag(&self.tag).build();
        if let Err(error) = engine.api.tag_image(&image.id, Some(options)).await {
            tracing::debug!(error = explain(&error), "an image cannot be given a name");
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::to_start(format!("cannot read the image archive {}: {error}", path.display()))
}

/// The pieces of a file, read as they are asked for.
fn pieces(file: File, tasks: Tasks) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold(file, move |file| {
        let reading = tasks.spawn_blocking_host(move || {
            let mut piece = Vec::new();
            (&file).take(PIECE).read_to_end(&mut piece)?;
            Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
        });
        async { reading.await.unwrap_or_else(|error| Err(io::Error::other(error))) }
    })
}
