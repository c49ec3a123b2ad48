//! `Skipif`: the condition under which a step is left out and counts as done.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// `[!]onpath <program>` or `[!]exists <file>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct SkipIf {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Test {
    Exists(String),
    OnPath(String),
}

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

#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "Skipif {0:?} is no condition; write `onpath <program>` or `exists <file>`, with `!` before it \
     for the opposite"
)]
pub(super) struct SkipIfError(String);

impl FromStr for SkipIf {
    type Err = SkipIfError;

    fn from_str(text: &str) -> Result<Self, SkipIfError> {
        let refused = || SkipIfError(text.chars().take(200).collect());
        let rest = text.trim();
        let (negated, rest) = match rest.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, rest),
        };
        let (word, operand) = rest.split_once(char::is_whitespace).ok_or_else(refused)?;
        let operand = operand.trim_start().to_owned();
        let test = match word {
            _ if operand.is_empty() || operand.contains('\0') => return Err(refused()),
            "exists" => Test::Exists(operand),
            "onpath" => Test::OnPath(operand),
            _ => return Err(refused()),
        };
        Ok(Self { negated, test })
    }
}

impl SkipIf {
    /// Whether the step is to be skipped.
    pub(super) fn holds(&self, places: Places<'_>) -> bool {
        let found = match &self.test {
            Test::Exists(file) => places.resolve(file).exists(),
            Test::OnPath(program) => places.find(program).is_some(),
        };
        found != self.negated
    }
}

impl Places<'_> {
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
        text.parse::<SkipIf>().unwrap().holds(places)
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

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", "!", "onpath", "onpath ", "exists", "On path", "which sh", "exists \0"] {
            assert!(text.parse::<SkipIf>().is_err(), "{text:?}");
        }
        let long = "x".repeat(100_000);
        assert!(long.parse::<SkipIf>().unwrap_err().to_string().len() < 500);
    }
}
