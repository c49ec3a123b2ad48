//! Brings the files of a component: what is here already is used, what is missing is brought in
//! as many attempts as it takes, archives are unpacked.

mod judged;
#[cfg(test)]
mod tests;

use super::location::{file_name, is_image, shown};
use super::part::{Part, was_brought};
use super::room::Room;
use super::source::{Asked, Evidence};
use super::unpack::{self, Format, UnpackLimits};
use super::{ArtifactError, ArtifactSource, Digest, Folders, format};
use crate::component::signatures::signed_by;
use crate::tasks::Tasks;
use crate::trust::Judge;
use gg_model::recipe::Artifact;
use gg_trust::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, File};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;

/// How files are brought.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// The component store, which holds all folders that files are brought to.
    pub store: PathBuf,
    /// Most bytes in it: `componentStoreMaxSizeBytes`.
    pub store_bytes: u64,
    /// Most bytes of a file.
    pub file_bytes: u64,
    /// Most that an archive may come to.
    pub unpack: UnpackLimits,
    /// When an attempt fails.
    pub retry: Retry,
}

impl FetchSettings {
    /// The usual ones for a store.
    pub fn new(store: PathBuf) -> Self {
        let store_bytes = 10_000_000_000;
        let (unpack, retry) = (UnpackLimits::default(), Retry::default());
        Self { store, store_bytes, file_bytes: store_bytes, unpack, retry }
    }
}

/// How often something that may pass is tried.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// So many failures with nothing new between them are the end.
    pub attempts: u32,
    /// The pause after the first; each further one is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub most: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 10, first: Duration::from_secs(1), most: Duration::from_secs(60) }
    }
}

impl Retry {
    /// How long to wait after so many failures, between half and all of it: devices that lost a
    /// server together do not come back together.
    fn pause(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(16));
        let pause = doubled.max(asked.unwrap_or_default()).min(self.most);
        let random = RandomState::new().hash_one(failures) % 1024;
        pause / 2 + (pause / 2).mul_f64(random as f64 / 1024.0)
    }
}

/// What happens to a file, for whoever looks.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Transfer<'a> {
    /// So much of it is here.
    Brought {
        /// Its name.
        file: &'a str,
        /// How many bytes.
        bytes: u64,
        /// Of how many, where the source says it.
        of: Option<u64>,
    },
    /// It is whole, and what the recipe says.
    Ready {
        /// Its name.
        file: &'a str,
    },
    /// It is being unpacked.
    Unpacking {
        /// Its name.
        file: &'a str,
    },
    /// An attempt has failed; another follows.
    Waiting {
        /// Its name.
        file: &'a str,
        /// Why it failed.
        error: &'a ArtifactError,
        /// How long until the next.
        pause: Duration,
    },
}

/// Brings the files of components.
#[derive(Debug)]
pub struct Fetcher {
    tasks: Tasks,
    sources: Vec<Box<dyn ArtifactSource>>,
    settings: FetchSettings,
    /// Most bytes in the store, which can change at any time.
    store_bytes: AtomicU64,
}

impl Fetcher {
    /// Bring files from these sources.
    pub fn new(
        tasks: Tasks,
        sources: Vec<Box<dyn ArtifactSource>>,
        settings: FetchSettings,
    ) -> Self {
        let store_bytes = settings.store_bytes.into();
        Self { tasks, sources, settings, store_bytes }
    }

    /// Let so many bytes be in the component store from now on; as many as in the settings when
    /// `None`.
    pub fn limit_store(&self, bytes: Option<u64>) {
        self.store_bytes.store(bytes.unwrap_or(self.settings.store_bytes), Ordering::Relaxed);
    }

    /// Have the files of a component in its folders, whole, what the recipe says, and let in by the
    /// judge. Images (`docker:`) are judged, and left to those who run them. `version`: the ARN of the
    /// component's version, if it came from the cloud. Dropping the future stops it; what is here of a
    /// file is where the next call goes on.
    ///
    /// # Errors
    /// The first thing that went wrong; what was ready before it stays.
    pub async fn fetch(
        &self,
        artifacts: &[Artifact],
        folders: &Folders,
        version: Option<&str>,
        judge: Option<&Judge>,
        tell: &(dyn Fn(Transfer<'_>) + Sync),
    ) -> Result<(), ArtifactError> {
        let wanted = artifacts.iter().filter_map(|artifact| Wanted::of(artifact, folders));
        let mut wanted = wanted.collect::<Result<Vec<_>, _>>()?;
        mark_signatures(&mut wanted);
        check_places(&wanted, folders)?;
        let own = folders.clone();
        let made = self.blocking(&folders.artifacts, move || {
            make_folder(&own.artifacts)?;
            make_folder(&own.unarchived)
        });
        made.await?;
        let fetch = Fetch { fetcher: self, folders, version, judge, room: OnceCell::new(), tell };
        for artifact in artifacts.iter().filter(|artifact| is_image(&artifact.uri)) {
            fetch.judge_image(&artifact.uri).await?;
        }
        for one in &wanted {
            let digest = fetch.have(one).await?;
            tell(Transfer::Ready { file: one.file });
            if let Some((format, into)) = &one.archive {
                fetch.unpack(one.file, (*format, into), digest).await?;
            }
        }
        Ok(())
    }

    fn source(&self, wanted: &Wanted<'_>) -> Result<&dyn ArtifactSource, ArtifactError> {
        let source = self.sources.iter().find(|source| source.serves(&wanted.scheme));
        if let Some(source) = source {
            return Ok(source.as_ref());
        }
        let uri = shown(&wanted.uri);
        Err(match wanted.scheme.as_str() {
            "s3" | "greengrass" => ArtifactError::NeedsCloud { uri, file: wanted.file.to_owned() },
            _ => ArtifactError::Scheme { uri },
        })
    }

    /// Work that waits for the disk.
    async fn blocking<T: Send + 'static>(
        &self,
        path: &Path,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, ArtifactError> {
        let done = self.tasks.spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error.to_string())))
            .map_err(|error| ArtifactError::Io { path: path.to_owned(), error })
    }
}

/// Bringing the files of one component.
struct Fetch<'a> {
    fetcher: &'a Fetcher,
    folders: &'a Folders,
    version: Option<&'a str>,
    judge: Option<&'a Judge>,
    /// Known once something is to be written.
    room: OnceCell<Room>,
    tell: &'a (dyn Fn(Transfer<'_>) + Sync),
}

impl Fetch<'_> {
    /// How much may be written. The whole store is looked through for it.
    async fn room(&self) -> Result<Room, ArtifactError> {
        let store = self.fetcher.settings.store.clone();
        let store_bytes = self.fetcher.store_bytes.load(Ordering::Relaxed);
        let measure = || async move {
            let path = store.clone();
            let measured =
                self.fetcher.blocking(&path, move || Ok(Room::measure(&store, store_bytes)));
            measured.await?
        };
        self.room.get_or_try_init(measure).await.cloned()
    }

    /// One file, as it is here or brought.
    async fn have(&self, wanted: &Wanted<'_>) -> Result<Digest, ArtifactError> {
        let path = self.folders.artifacts.join(wanted.file);
        let own = path.clone();
        let found = self.fetcher.blocking(&path, move || digest_of(&own)).await?;
        match (found, wanted.digest) {
            (Some(found), digest) if digest.is_none_or(|digest| found == digest) => {
                let source = match was_brought(&self.folders.artifacts, wanted.file) {
                    true => Source::of(&wanted.artifact.uri),
                    false => Source::Local,
                };
                self.judge(wanted, (&path, source), found).await?;
                Ok(found)
            }
            (Some(found), Some(digest)) if !was_brought(&self.folders.artifacts, wanted.file) => {
                Err(ArtifactError::MismatchHere { path, found, wanted: digest })
            }
            _ => self.bring(wanted).await,
        }
    }

    async fn bring(&self, wanted: &Wanted<'_>) -> Result<Digest, ArtifactError> {
        let FetchSettings { file_bytes, retry, .. } = self.fetcher.settings;
        let source = self.fetcher.source(wanted)?;
        let file = wanted.file;
        let told = |bytes, of| (self.tell)(Transfer::Brought { file, bytes, of });
        let (tasks, named) = (&self.fetcher.tasks, (wanted.uri.as_str(), file));
        let room = self.room().await?;
        let mut part = Part::open(tasks, self.folders, named, room, file_bytes, &told).await?;
        let (mut failures, mut farthest, mut wrong) = (0, part.length(), false);
        loop {
            let brought = async {
                let digest = self.attempt(source, wanted, &mut part).await?;
                let source = Source::of(&wanted.artifact.uri);
                self.judge(wanted, (part.path(), source), digest).await?;
                Ok(digest)
            };
            let error = match brought.await {
                Ok(digest) => {
                    part.finish().await?;
                    return Ok(digest);
                }
                Err(error) => error,
            };
            let is_wrong = matches!(error, ArtifactError::Mismatch { .. });
            let is_untrusted = matches!(error, ArtifactError::Untrusted(_));
            if is_wrong || is_untrusted || error.is_about_room() {
                part.restart(None).await?;
            } else {
                part.flush().await?;
            }
            // A file may have changed while it came, but not each time.
            let again =
                if is_wrong { !std::mem::replace(&mut wrong, true) } else { error.passes() };
            failures = if part.length() > farthest { 1 } else { failures + 1 };
            farthest = farthest.max(part.length());
            if !again || failures >= retry.attempts {
                return Err(error);
            }
            self.wait(file, &error, failures).await;
        }
    }

    /// Wait before another attempt, after so many failures.
    async fn wait(&self, file: &str, error: &ArtifactError, failures: u32) {
        let pause = self.fetcher.settings.retry.pause(failures, error.again_after());
        (self.tell)(Transfer::Waiting { file, error, pause });
        tokio::time::sleep(pause).await;
    }

    /// What a source has of signatures, in as many attempts as it takes.
    async fn evidence(
        &self,
        source: &dyn ArtifactSource,
        (asked, name): (Asked<'_>, &str),
        file: gg_trust::Digest,
    ) -> Result<Evidence, ArtifactError> {
        let mut failures = 1;
        loop {
            match source.evidence(asked, file).await {
                Err(error) if error.passes() && failures < self.fetcher.settings.retry.attempts => {
                    self.wait(name, &error, failures).await;
                    failures += 1;
                }
                done => return done,
            }
        }
    }

    /// Bring what is missing, unless all is here from before, and check it.
    async fn attempt(
        &self,
        source: &dyn ArtifactSource,
        wanted: &Wanted<'_>,
        part: &mut Part<'_>,
    ) -> Result<Digest, ArtifactError> {
        let is_here = part.length() > 0 && Some(part.digest()?) == wanted.digest;
        if !is_here {
            source.bring(self.asked(wanted), part).await?;
            part.flush().await?;
        }
        let found = part.digest()?;
        match wanted.digest {
            Some(digest) if digest != found => {
                Err(ArtifactError::Mismatch { uri: shown(&wanted.uri), found, wanted: digest })
            }
            _ => Ok(found),
        }
    }

    fn asked<'w>(&'w self, wanted: &'w Wanted<'_>) -> Asked<'w> {
        let holds = || self.judge.is_some_and(|judge| judge.holds(&wanted.artifact.uri));
        let pinned = wanted.digest.is_some() || holds();
        Asked { uri: &wanted.uri, pinned, version: self.version }
    }

    async fn unpack(
        &self,
        file: &str,
        (format, into): (Format, &Path),
        digest: Digest,
    ) -> Result<(), ArtifactError> {
        let archive = self.folders.artifacts.join(file);
        let made_from = digest.to_string();
        if unpack::is_made_from(into, &made_from) {
            return Ok(());
        }
        (self.tell)(Transfer::Unpacking { file });
        let mut limits = self.fetcher.settings.unpack;
        let (own, into, room) = (archive.clone(), into.to_owned(), self.room().await?);
        let unpacked = self.fetcher.blocking(&archive, move || {
            Ok(room.left().and_then(|left| {
                limits.bytes = limits.bytes.min(left);
                unpack::unpack(&own, format, &into, &made_from, &limits)
                    .map_err(|error| ArtifactError::Unpack { path: own, error })
            }))
        });
        unpacked.await?
    }
}

/// What a recipe says of a file.
struct Wanted<'a> {
    artifact: &'a Artifact,
    uri: String,
    scheme: String,
    file: &'a str,
    digest: Option<Digest>,
    /// What it is unpacked as, and into.
    archive: Option<(Format, PathBuf)>,
    /// Whether it is named as the signature of another.
    is_signature: bool,
}

impl<'a> Wanted<'a> {
    /// `None`: it is no file.
    fn of(artifact: &'a Artifact, folders: &Folders) -> Option<Result<Self, ArtifactError>> {
        let uri = &artifact.uri;
        let read = || {
            Ok(Self {
                artifact,
                uri: uri.to_string(),
                scheme: uri.scheme(),
                file: file_name(uri)?,
                digest: digest(artifact)?,
                archive: format(artifact).zip(folders.unpacked(artifact)),
                is_signature: false,
            })
        };
        (!is_image(uri)).then(read)
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.uri, self.digest, &self.archive) == (&other.uri, other.digest, &other.archive)
    }
}

/// Which of them are signatures of others: they come first.
fn mark_signatures(wanted: &mut [Wanted<'_>]) {
    let names: BTreeSet<&str> = wanted.iter().map(|one| one.file).collect();
    for one in &mut *wanted {
        one.is_signature = signed_by(one.file).is_some_and(|signed| names.contains(signed));
    }
    wanted.sort_by_key(|one| !one.is_signature);
}

fn digest(artifact: &Artifact) -> Result<Option<Digest>, ArtifactError> {
    let Some(text) = artifact.digest.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let uri = || shown(&artifact.uri.to_string());
    if let Some(algorithm) = &artifact.algorithm
        && !algorithm.eq_ignore_ascii_case("SHA-256")
    {
        return Err(ArtifactError::Algorithm { uri: uri(), algorithm: algorithm.clone() });
    }
    let digest = Digest::parse(text);
    digest.map(Some).ok_or_else(|| ArtifactError::NotADigest { uri: uri(), text: text.to_owned() })
}

/// No two artifacts come to one file, or to one folder.
fn check_places(wanted: &[Wanted<'_>], folders: &Folders) -> Result<(), ArtifactError> {
    let mut places = BTreeMap::new();
    for one in wanted {
        let file = folders.artifacts.join(one.file);
        let folder = one.archive.as_ref().map(|(_, folder)| folder.clone());
        for path in [Some(file), folder].into_iter().flatten() {
            let other = places.insert(path.clone(), one);
            if other.is_some_and(|other| !other.is_same(one)) {
                return Err(ArtifactError::Clash { path });
            }
        }
    }
    Ok(())
}

/// Of a file, if it is there.
fn digest_of(path: &Path) -> io::Result<Option<Digest>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(mut file) => Digest::of_file(&mut file).map(Some),
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}
