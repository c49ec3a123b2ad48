//! The users that processes run as, from `/etc/passwd` and `/etc/group`.
//!
//! Users that only a directory service knows are not found by name; their numbers work as
//! `user:group`.

use gg_model::PosixUser;
use rustix::process::{getegid, geteuid};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A user of the system, with everything that a process of theirs is given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct User {
    /// Its name, or its number where it has none.
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// All groups, the primary one among them.
    pub(super) groups: Vec<u32>,
    /// Its home folder, where it has one of its own. Users made for services are often given a folder
    /// that is not there, or somebody else's.
    pub(super) home: Option<PathBuf>,
}

/// Why no process can run as a user.
#[derive(Debug, thiserror::Error)]
pub(super) enum UserError {
    #[error(
        "no user is set for its processes, and gg-host runs as root; name one with \
         runWithDefault.posixUser in the configuration of aws.greengrass.Nucleus, or with \
         runWith.posixUser in the deployment"
    )]
    Missing,
    #[error("there is no user {0:?} on this device; add it, or name another as posixUser")]
    NoUser(String),
    #[error("there is no group {0:?} on this device; add it, or name another as posixUser")]
    NoGroup(String),
    #[error(
        "user {0} is not in /etc/passwd, which would say its group; write posixUser as \
         {0}:<group>"
    )]
    NoPrimaryGroup(u32),
    #[error(
        "gg-host runs as the user {own} and can run nothing as {other}; start gg-host as root, or \
         leave posixUser out"
    )]
    NotRoot { own: String, other: String },
    #[error(
        "the step {step} asks for RequiresPrivilege, and gg-host runs as the user {own}; start \
         gg-host as root, or give up RequiresPrivilege"
    )]
    Privilege { own: String, step: &'static str },
    #[error("cannot read {0}: {1}")]
    Read(&'static str, io::Error),
}

/// The number of a group, given by name or number; `None` if there is none of this name.
///
/// # Errors
/// The system's groups cannot be read.
pub fn group(group: &str) -> io::Result<Option<u32>> {
    let accounts = Accounts::read().map_err(io::Error::other)?;
    Ok(accounts.group_number(group))
}

/// Whom the processes of components run as where their deployment names nobody: the user's name.
///
/// # Errors
/// No process can run so; what helps stands behind a semicolon.
pub fn runs_as(default: Option<&PosixUser>) -> Result<String, String> {
    let user = Accounts::read().and_then(|accounts| accounts.resolve(default));
    user.map(|user| user.name).map_err(|error| error.to_string())
}

/// What the system says of its users.
#[derive(Debug)]
pub(super) struct Accounts {
    passwd: String,
    group: String,
    /// Who gg-host itself runs as.
    own: (u32, u32),
}

impl Accounts {
    /// The system's, as they are now.
    pub(super) fn read() -> Result<Self, UserError> {
        let read = |path| match std::fs::read(path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            // A small container may have none; numbers work without.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(UserError::Read(path, error)),
        };
        Ok(Self {
            passwd: read("/etc/passwd")?,
            group: read("/etc/group")?,
            own: (geteuid().as_raw(), getegid().as_raw()),
        })
    }

    /// Who a component's processes run as.
    pub(super) fn resolve(&self, wanted: Option<&PosixUser>) -> Result<User, UserError> {
        let is_root = self.own.0 == 0;
        let Some(wanted) = wanted else {
            return if is_root { Err(UserError::Missing) } else { Ok(self.own()) };
        };
        let user = self.find(wanted)?;
        if !is_root && (user.uid, user.gid) != self.own {
            let other = match &wanted.group {
                Some(group) => format!("{}:{group}", wanted.user),
                None => wanted.user.clone(),
            };
            return Err(UserError::NotRoot { own: self.own().name, other });
        }
        Ok(user)
    }

    /// Whether gg-host can give files to others.
    pub(super) fn can_give(&self) -> bool {
        self.own.0 == 0
    }

    /// Who a step with `RequiresPrivilege` runs as.
    pub(super) fn root(&self, step: &'static str) -> Result<User, UserError> {
        if self.own.0 != 0 {
            return Err(UserError::Privilege { own: self.own().name, step });
        }
        Ok(self.by_number(0, 0))
    }

    fn own(&self) -> User {
        self.by_number(self.own.0, self.own.1)
    }

    fn find(&self, wanted: &PosixUser) -> Result<User, UserError> {
        let number = wanted.user.parse::<u32>().ok();
        let entry = self
            .users()
            .find(|entry| entry.name == wanted.user)
            .or_else(|| self.users().find(|entry| Some(entry.uid) == number));
        let uid = entry.map(|entry| entry.uid).or(number);
        let uid = uid.ok_or_else(|| UserError::NoUser(wanted.user.clone()))?;
        let gid = match (&wanted.group, entry) {
            (Some(group), _) => {
                self.group_number(group).ok_or_else(|| UserError::NoGroup(group.clone()))?
            }
            (None, Some(entry)) => entry.gid,
            (None, None) => return Err(UserError::NoPrimaryGroup(uid)),
        };
        Ok(self.with(uid, gid, entry))
    }

    fn by_number(&self, uid: u32, gid: u32) -> User {
        self.with(uid, gid, self.users().find(|entry| entry.uid == uid))
    }

    fn with(&self, uid: u32, gid: u32, entry: Option<Entry<'_>>) -> User {
        let mut groups = vec![gid];
        if let Some(entry) = entry {
            let others =
                self.groups().filter(|group| group.members.split(',').any(|m| m == entry.name));
            groups.extend(others.map(|group| group.gid));
            groups.sort_unstable();
            groups.dedup();
        }
        User {
            name: entry.map_or_else(|| uid.to_string(), |entry| entry.name.to_owned()),
            uid,
            gid,
            groups,
            home: entry.map(|entry| PathBuf::from(entry.home)).filter(|home| is_of(home, uid)),
        }
    }

    fn group_number(&self, group: &str) -> Option<u32> {
        let named = self.groups().find(|entry| entry.name == group).map(|entry| entry.gid);
        named.or_else(|| group.parse().ok())
    }

    fn users(&self) -> impl Iterator<Item = Entry<'_>> {
        self.passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| !name.is_empty())?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(Entry { name, uid, gid, home: fields.nth(1)? })
        })
    }

    fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        self.group.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| !name.is_empty())?;
            let gid = fields.nth(1)?.parse().ok()?;
            Some(Group { name, gid, members: fields.next()? })
        })
    }
}

/// Whether a folder is there, and a user's.
fn is_of(folder: &Path, uid: u32) -> bool {
    folder.metadata().is_ok_and(|found| found.is_dir() && found.uid() == uid)
}

#[derive(Clone, Copy)]
struct Entry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(uid: u32, gid: u32) -> Accounts {
        Accounts {
            passwd: "root:x:0:0:root:/root:/bin/bash\n\
                     # a comment, and lines that are none\n\
                     broken:x:one:two:::\n::::::\nshort:x:7\n\
                     ggc_user:x:999:998:Greengrass:/home/ggc_user:/usr/sbin/nologin\n\
                     1000:x:1234:1234::/home/odd:/bin/sh\n"
                .to_owned(),
            group:
                "root:x:0:\nggc_group:x:998:\ndialout:x:20:other,ggc_user\ngpio:x:21:ggc_users\n\
                    docker:x:990:ggc_user\nbroken:x:a:ggc_user\n"
                    .to_owned(),
            own: (uid, gid),
        }
    }

    fn run_as(text: &str) -> PosixUser {
        match text.split_once(':') {
            Some((user, group)) => PosixUser { user: user.into(), group: Some(group.into()) },
            None => PosixUser { user: text.into(), group: None },
        }
    }

    fn resolve(text: &str) -> Result<User, UserError> {
        accounts(0, 0).resolve(Some(&run_as(text)))
    }

    #[test]
    fn a_user_comes_with_all_its_groups() {
        let user = resolve("ggc_user").unwrap();
        assert_eq!((user.uid, user.gid), (999, 998));
        assert_eq!(user.groups, [20, 990, 998]);
    }

    #[test]
    fn a_home_is_a_folder_of_the_users_own() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().metadata().unwrap().uid();
        let home = |uid: u32, home: &Path| {
            let passwd = format!("one:x:{uid}:1:one:{}:/bin/sh\n", home.display());
            let accounts = Accounts { passwd, group: String::new(), own: (0, 0) };
            accounts.resolve(Some(&run_as("one"))).unwrap().home
        };
        assert_eq!(home(own, folder.path()).as_deref(), Some(folder.path()));
        assert_eq!(home(own + 1, folder.path()), None, "another's");
        assert_eq!(home(own, &folder.path().join("none")), None);
    }

    #[test]
    fn users_and_groups_are_names_or_numbers() {
        assert_eq!(resolve("999").unwrap(), resolve("ggc_user").unwrap());
        assert_eq!(resolve("ggc_user:dialout").unwrap().gid, 20);
        assert_eq!(resolve("ggc_user:21").unwrap().groups, [20, 21, 990]);
        assert_eq!(resolve("1000").unwrap().uid, 1234, "a name goes before a number");
        let unknown = resolve("4000:4001").unwrap();
        assert_eq!((unknown.uid, unknown.groups, unknown.home), (4000, vec![4001], None));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        assert!(matches!(resolve("nobody-here"), Err(UserError::NoUser(_))));
        assert!(matches!(resolve("broken"), Err(UserError::NoUser(_))));
        assert!(matches!(resolve(""), Err(UserError::NoUser(_))));
        assert!(matches!(resolve("ggc_user:none"), Err(UserError::NoGroup(_))));
        assert!(matches!(resolve("4000"), Err(UserError::NoPrimaryGroup(4000))));
    }

    #[test]
    fn root_needs_to_be_told() {
        assert!(matches!(accounts(0, 0).resolve(None), Err(UserError::Missing)));
    }

    #[test]
    fn one_who_is_not_root_runs_only_as_itself() {
        let own = accounts(999, 998);
        assert_eq!(own.resolve(None).unwrap().name, "ggc_user");
        assert_eq!(own.resolve(Some(&run_as("ggc_user"))).unwrap().uid, 999);
        let error = own.resolve(Some(&run_as("root"))).unwrap_err().to_string();
        assert!(error.contains("ggc_user") && error.contains("root"), "{error}");
        assert!(matches!(own.root("install"), Err(UserError::Privilege { .. })));
        assert_eq!(accounts(0, 0).root("install").unwrap().uid, 0);
    }
}
