//! How people on this device are let in: a file in the root folder for each user and group that may,
//! with a token, as Greengrass has it for its command line. Who can read one may do everything.

use super::client::ClientError;
use crate::capability::caller::Caller;
use crate::runtime::token::{Issued, Tokens};
use gg_ipc::Secret;
use gg_model::ThingName;
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// The folder of the files in the root folder.
pub const FOLDER: &str = "cli_ipc_info";

/// How the name begins of a file that is not whole.
const UNFINISHED: &str = ".";

/// What such a file says.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Pass {
    /// What to show.
    pub(super) cli_auth_token: Secret<String>,
    /// Where.
    pub(super) domain_socket_path: PathBuf,
}

impl Pass {
    /// One of a root folder that this process can read.
    pub(super) fn find(root: &Path) -> Result<Self, ClientError> {
        let folder = root.join(FOLDER);
        let forbidden = |path: &Path, error: io::Error| match error.kind() {
            ErrorKind::NotFound => ClientError::NoNucleus(root.to_owned()),
            ErrorKind::PermissionDenied => ClientError::OfAnother(path.to_owned()),
            _ => ClientError::Open(path.to_owned(), error),
        };
        let mut found = Err(ClientError::NoNucleus(root.to_owned()));
        for entry in fs::read_dir(&folder).map_err(|error| forbidden(&folder, error))? {
            let entry = entry.map_err(|error| forbidden(&folder, error))?;
            let path = entry.path();
            if entry.file_name().as_bytes().starts_with(UNFINISHED.as_bytes()) {
                continue;
            }
            match fs::read(&path) {
                Ok(text) => return serde_json::from_slice(&text).map_err(|_| ClientError::Version),
                Err(error) => found = Err(forbidden(&path, error)),
            }
        }
        found
    }
}

/// The people that are let in. It ends with this, and their files go.
#[derive(Debug)]
pub struct Operators(Vec<Operator>);

#[derive(Debug)]
struct Operator {
    path: PathBuf,
    _token: Issued,
}

impl Operators {
    /// Let in the user that this process runs as, and the members of groups. Whom a nucleus before
    /// this one let in is no longer. A group that cannot be is left out, with a warning.
    ///
    /// # Errors
    /// The files cannot be written, or there are no random bytes.
    pub fn let_in(
        root: &Path,
        socket: &Path,
        tokens: &Tokens,
        thing: &ThingName,
        groups: &[u32],
    ) -> io::Result<Self> {
        let folder = root.join(FOLDER);
        DirBuilder::new().recursive(true).mode(0o755).create(&folder)?;
        // Whatever the mask of new files is.
        fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
        for entry in fs::read_dir(&folder)? {
            fs::remove_file(entry?.path())?;
        }
        let let_in = |who: &str, group: Option<u32>| {
            let token = tokens.issue(Caller::operator(who, thing.clone()))?;
            let pass = Pass {
                cli_auth_token: Secret::new(token.token().reveal().to_owned()),
                domain_socket_path: socket.to_owned(),
            };
            write(&folder, who, group, &serde_json::to_vec(&pass)?)?;
            io::Result::Ok(Operator { path: folder.join(who), _token: token })
        };
        let mut operators = vec![let_in(&own_name(), None)?];
        for group in groups {
            match let_in(&format!("group-{group}"), Some(*group)) {
                Ok(operator) => operators.push(operator),
                Err(error) => {
                    tracing::warn!(group, %error, "a group may not use the command line");
                }
            }
        }
        Ok(Self(operators))
    }
}

impl Drop for Operators {
    fn drop(&mut self) {
        for operator in &self.0 {
            let _gone = fs::remove_file(&operator.path);
        }
    }
}

/// What the user that this process runs as is called among operators.
pub fn own_name() -> String {
    format!("user-{}", geteuid().as_raw())
}

/// Write a file for its owner, or for a group as well. It has its name when it is whole.
fn write(folder: &Path, name: &str, group: Option<u32>, text: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{UNFINISHED}{name}"));
    let write = || {
        let mut options = OpenOptions::new();
        let mut file: File = options.write(true).create_new(true).mode(0o600).open(&unfinished)?;
        if group.is_some() {
            fchown(&file, None, group)?;
            file.set_permissions(Permissions::from_mode(0o640))?;
        }
        file.write_all(text)?;
        fs::rename(&unfinished, folder.join(name))
    };
    write().inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn let_in(root: &Path, tokens: &Tokens, groups: &[u32]) -> Operators {
        let thing = "thing".parse().unwrap();
        Operators::let_in(root, Path::new("/s"), tokens, &thing, groups).unwrap()
    }

    #[test]
    fn files_are_for_their_users_and_hold_tokens_that_count_until_the_end() {
        let root = tempfile::tempdir().unwrap();
        let tokens = Tokens::default();
        let own_group = rustix::process::getegid().as_raw();
        let operators = let_in(root.path(), &tokens, &[own_group]);
        let folder = root.path().join(FOLDER);
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o755);
        let mut token = String::new();
        for (name, mode) in [(own_name(), 0o600), (format!("group-{own_group}"), 0o640)] {
            let path = folder.join(&name);
            let found = fs::metadata(&path).unwrap();
            assert_eq!((found.mode() & 0o777, found.gid()), (mode, own_group));
            let pass: Pass = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            assert_eq!(pass.domain_socket_path, Path::new("/s"));
            token = pass.cli_auth_token.into_inner();
            let caller = tokens.caller(&token).unwrap();
            assert_eq!(caller.name().as_str(), format!("greengrass-cli#{name}"));
        }
        drop(operators);
        assert!(tokens.caller(&token).is_none());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        assert!(matches!(Pass::find(root.path()), Err(ClientError::NoNucleus(_))));
    }

    #[test]
    fn what_a_nucleus_left_behind_is_replaced() {
        let root = tempfile::tempdir().unwrap();
        let tokens = Tokens::default();
        // It was killed.
        std::mem::forget(let_in(root.path(), &tokens, &[]));
        let token = || Pass::find(root.path()).unwrap().cli_auth_token.into_inner();
        let folder = root.path().join(FOLDER);
        fs::write(folder.join(format!(".{}", own_name())), "half").unwrap();
        let before = token();
        fs::write(folder.join("group-1"), "{}").unwrap();
        let _operators = let_in(root.path(), &tokens, &[]);
        assert_ne!(token(), before);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
