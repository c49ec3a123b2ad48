//! A component's folders, for the tests beside this.

use super::source::https::Https;
use super::source::{ArtifactSource, Bandwidth, Download, Files};
use super::unpack::UnpackLimits;
use super::{ArtifactError, Digest, FetchSettings, Fetcher, Folders, Retry, Transfer};
use crate::network::testing::trusting_client;
use crate::network::{Client, Patience, ProxySettings};
use crate::tasks::Tasks;
use crate::trust::Judge;
use gg_model::recipe::{Artifact, Permission, Unarchive};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;

/// The folders of one component, and what brings its files.
pub(super) struct Scene {
    pub(super) folder: TempDir,
    pub(super) tasks: Tasks,
    pub(super) folders: Folders,
    pub(super) settings: FetchSettings,
    pub(super) proxies: ProxySettings,
    pub(super) patience: Patience,
    /// What was told.
    pub(super) told: Mutex<Vec<String>>,
}

impl Scene {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("packages");
        let folders = Folders {
            artifacts: store.join("artifacts/com.example/1.0.0"),
            unarchived: store.join("artifacts-unarchived/com.example/1.0.0"),
        };
        std::fs::create_dir(&store).unwrap();
        let moment = Duration::from_millis(1);
        let settings = FetchSettings {
            store,
            store_bytes: 64 << 20,
            file_bytes: 16 << 20,
            unpack: UnpackLimits::default(),
            retry: Retry { attempts: 4, first: moment, most: moment },
        };
        let second = Duration::from_secs(5);
        let patience = Patience { connect: second, answer: second, silence: second };
        let (tasks, told) = (Tasks::new(NonZeroUsize::new(1)).unwrap(), Mutex::default());
        let proxies = ProxySettings::default();
        Self { folder, tasks, folders, settings, proxies, patience, told }
    }

    pub(super) async fn fetch(&self, artifacts: &[Artifact]) -> Result<(), ArtifactError> {
        self.fetch_judged(artifacts, None).await
    }

    pub(super) async fn fetch_judged(
        &self,
        artifacts: &[Artifact],
        judge: Option<&Judge>,
    ) -> Result<(), ArtifactError> {
        let tls = trusting_client();
        let client = Client::new([tls.clone(), tls], self.proxies.clone(), self.patience);
        let https = Https::new(Download::new(client, Bandwidth::unlimited()));
        let sources: Vec<Box<dyn ArtifactSource>> =
            vec![Box::new(Files::new(self.tasks.clone())), Box::new(https)];
        let fetcher = Fetcher::new(self.tasks.clone(), sources, self.settings.clone());
        let tell = |transfer: Transfer<'_>| {
            let told = match transfer {
                Transfer::Brought { file, bytes, of } => format!("{file} {bytes} of {of:?}"),
                Transfer::Ready { file } => format!("{file} ready"),
                Transfer::Unpacking { file } => format!("{file} unpacking"),
                Transfer::Waiting { file, error, .. } => format!("{file} waiting: {error}"),
            };
            self.told.lock().unwrap().push(told);
        };
        fetcher.fetch(artifacts, &self.folders, None, judge, &tell).await
    }

    /// A file of the component as it is now.
    pub(super) fn file(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folders.artifacts.join(name)).ok()
    }

    /// Put a file there by hand.
    pub(super) fn put(&self, name: &str, content: &[u8]) {
        std::fs::create_dir_all(&self.folders.artifacts).unwrap();
        std::fs::write(self.folders.artifacts.join(name), content).unwrap();
    }

    /// A file outside of the component's folders.
    pub(super) fn outside(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// How many attempts have failed and were followed by another.
    pub(super) fn waits(&self) -> usize {
        let told = self.told.lock().unwrap();
        told.iter().filter(|told| told.contains(" waiting: ")).count()
    }
}

/// An artifact that must hold this, or anything.
pub(super) fn artifact(uri: &str, content: Option<&[u8]>) -> Artifact {
    Artifact {
        uri: uri.parse().unwrap(),
        unarchive: Unarchive::None,
        digest: content.map(|mut content| Digest::of_file(&mut content).unwrap().to_string()),
        algorithm: content.map(|_| "SHA-256".to_owned()),
        permission: Permission::default(),
    }
}

/// Bytes that do not repeat soon.
pub(super) fn content(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
