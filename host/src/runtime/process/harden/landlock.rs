//! A Landlock domain: processes in it cannot look into those outside of it, such as other
//! components of the same user, whose environment holds a secret. Where there can be no
//! [`View`](super::view::View), the domain hides the root folder as well.
//!
//! Landlock knows only what is allowed, and allows whole trees. To hide the root folder, all that
//! lies beside it is allowed, from `/` down: what is there when the process starts. So what is
//! made later right in a folder above the root folder cannot be used, and names in the root
//! folder can be listed, as far as their modes let, because else `/` could not be. If the
//! component could itself write to a folder above, it would trip over the first file it makes
//! there: then nothing is hidden, and it is said.

use super::Folders;
use landlock::{
    ABI, Access as _, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetError, path_beneath_rules,
};
use rustix::io::Result;
use std::fs;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The rights that are known here; a kernel that knows fewer keeps those.
const KNOWN: ABI = ABI::V5;

/// A domain that only keeps processes apart. `None`: this kernel has none that would do no harm,
/// since the first version forbids renaming from folder to folder.
pub(in super::super) fn apart() -> std::result::Result<Option<OwnedFd>, RulesetError> {
    let rules = Ruleset::default().handle_access(AccessFs::Refer)?.create()?;
    Ok(rules.add_rules(path_beneath_rules(["/"], AccessFs::Refer))?.into())
}

/// A domain that hides the root folder but for some folders in it. `None`: this kernel has none.
pub(in super::super) fn hiding(
    folders: &Folders,
) -> std::result::Result<Option<OwnedFd>, RulesetError> {
    let all = AccessFs::from_all(KNOWN) & !BitFlags::from(AccessFs::ReadDir);
    let mut rules = Ruleset::default().handle_access(all)?.create()?;
    for (above, below) in folders.root.ancestors().skip(1).zip(folders.root.ancestors()) {
        for entry in fs::read_dir(above).into_iter().flatten().flatten() {
            // Where a link leads to is allowed or not by itself.
            let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if entry.path() != below && !link {
                rules = allow(rules, &entry.path(), all)?;
            }
        }
    }
    for kept in &folders.kept {
        let access = if kept.writable { all } else { AccessFs::ReadFile | AccessFs::Execute };
        rules = allow(rules, &kept.path, access)?;
    }
    Ok(rules.into())
}

fn allow(
    mut rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> std::result::Result<RulesetCreated, RulesetError> {
    // What cannot be opened is not there, or not for this process.
    if let Ok(folder) = PathFd::new(path) {
        let file = !path.is_dir();
        let access = if file { access & AccessFs::from_file(KNOWN) } else { access };
        rules = rules.add_rule(PathBeneath::new(folder, access))?;
    }
    Ok(rules)
}

/// Whether a user can write to a folder above the root folder.
pub(in super::super) fn can_write_above(root: &Path, uid: u32, groups: &[u32]) -> bool {
    root.ancestors().skip(1).any(|folder| {
        let Ok(found) = folder.metadata() else { return true };
        let of_group = groups.contains(&found.gid()) && found.mode() & 0o020 != 0;
        found.uid() == uid || of_group || found.mode() & 0o002 != 0
    })
}

/// Put the calling thread and everything it starts into a domain. Allocates nothing and takes no
/// lock. `no_new_privs` must be set.
#[expect(unsafe_code, reason = "the crate's own call takes the ruleset and may allocate")]
pub(in super::super) fn enter(domain: &OwnedFd) -> Result<()> {
    // SAFETY: the call takes two numbers.
    super::checked(unsafe {
        libc::syscall(libc::SYS_landlock_restrict_self, domain.as_raw_fd(), 0_u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_above_that_a_user_can_write_to_are_seen() {
        let temporary = tempfile::tempdir().unwrap();
        // Everybody can write to /tmp.
        assert!(can_write_above(&temporary.path().join("root"), 12345, &[12345]));
        assert!(!can_write_above(Path::new("/usr/lib"), 12345, &[12345]));
        assert!(can_write_above(Path::new("/usr/lib"), 0, &[0]), "root owns it");
    }
}
