//! `Skipif`: the condition under which a step is left out and counts as done.

use gg_model::recipe::{Condition, SkipIf};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Where a condition looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    /// The variable `PATH`.
    pub(super) path: &'a str,
    /// What `~/` stands for.
    pub(super) home: &'a Path,
    /// What a relative path begins at.
    pub(super) folder: &'a Path,
}

impl Places<'_> {
    /// Whether a step is to be skipped.
    pub(super) fn hold(&self, skip_if: &SkipIf) -> bool {
        let found = match &skip_if.condition {
            Condition::Exists(file) => self.resolve(file).exists(),
            Condition::OnPath(program) => self.find(program).is_some(),
        };
        found != skip_if.negated
    }

    fn resolve(&self, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => self.folder.join(path),
        }
    }

    /// A program as a shell would find it.
    pub(super) fn find(&self, program: &str) -> Option<PathBuf> {
        if program.contains('/') {
            return Some(self.resolve(program)).filter(|path| is_executable(path));
        }
        let folders = self.path.split(':').filter(|folder| !folder.is_empty());
        folders
            .map(|folder| self.folder.join(folder).join(program))
            .find(|path| is_executable(path))
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, home: &Path) -> bool {
        let places = Places { path: "/nowhere:/usr/bin:/bin", home, folder: Path::new("/etc") };
        places.hold(&text.parse().unwrap())
    }

    #[test]
    fn programs_are_looked_for_on_the_path() {
        let home = Path::new("/");
        assert!(holds("onpath sh", home));
        assert!(holds("  onpath   /bin/sh ", home));
        assert!(!holds("onpath no-such-program", home));
        assert!(holds("!onpath no-such-program", home));
        assert!(!holds("! onpath sh", home));
        assert!(!holds("onpath /etc", home));
    }

    #[test]
    fn files_are_looked_for_at_home_and_in_the_work_folder() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("a b"), "").unwrap();
        assert!(holds("exists ~/a b", home.path()));
        assert!(holds("exists passwd", home.path()));
        assert!(holds("!exists ~/c", home.path()));
        assert!(!holds("exists /no/such/file", home.path()));
    }
}
