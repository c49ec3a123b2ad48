//! The socket in the root folder, where components find it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::net::UnixListener;

/// The socket's name in the root folder.
pub const NAME: &str = "ipc.socket";

/// Most bytes of a path that a socket can be reached by: one is left for the NUL at its end.
const LONGEST_PATH: usize = 107;

/// Where a name short enough may be, the best place first. Not the folder for temporary files that
/// the environment names: it may be as deep as the root folder.
const SHORT_PLACES: [&str; 2] = ["/run", "/tmp"];

/// The socket, open: who connects waits until they are served. It goes when this is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// The folder of a second, shorter name.
    short: Option<TempDir>,
}

impl Socket {
    /// Open the socket of a root folder. One that a nucleus left behind is replaced; that no other
    /// nucleus runs in this folder is known before.
    ///
    /// # Errors
    /// It cannot be made there, or no shorter name for it.
    pub fn open(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let path = root.join(NAME);
        let fits = path.as_os_str().len() <= LONGEST_PATH;
        // Components run as any user. Which one asks is told by its token.
        let listener = listen(&path, 0o666)?;
        let short = match fits {
            true => None,
            false => Some(shorten(&path)?),
        };
        Ok(Self { listener, path, short })
    }

    /// Where components find it: a path that fits.
    pub fn path(&self) -> PathBuf {
        match &self.short {
            Some(folder) => folder.path().join(NAME),
            None => self.path.clone(),
        }
    }

    pub(super) fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.path);
    }
}

/// Listen at a socket that users may open by its mode. One that a nucleus left behind is replaced.
///
/// # Errors
/// It cannot be made there.
fn listen(path: &Path, mode: u32) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(Reach::of(path)?.path())?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(listener)
}

/// A path by which this process reaches a socket, however long the path of that is.
#[derive(Debug)]
struct Reach {
    path: PathBuf,
    _folder: Option<File>,
}

impl Reach {
    /// That of a socket in a folder that is there.
    ///
    /// # Errors
    /// The folder cannot be opened.
    fn of(socket: &Path) -> io::Result<Self> {
        let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if socket.as_os_str().len() <= LONGEST_PATH {
            return Ok(Self { path: socket.to_owned(), _folder: None });
        }
        let folder = File::open(folder)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _folder: Some(folder) })
    }

    /// The path, which leads there while this is kept.
    fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder with a link to the socket, which is removed with it.
fn shorten(path: &Path) -> io::Result<TempDir> {
    let mut made = Err(io::ErrorKind::NotFound.into());
    for place in SHORT_PLACES {
        let mode = Permissions::from_mode(0o755);
        made = tempfile::Builder::new().prefix("gg-host-").permissions(mode).tempdir_in(place);
        if made.is_ok() {
            break;
        }
    }
    let folder = made?;
    symlink(path, folder.path().join(NAME))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[tokio::test]
    async fn everybody_may_connect_and_what_was_left_behind_is_replaced() {
        let root = tempfile::tempdir().unwrap();
        let left = std::os::unix::net::UnixListener::bind(root.path().join(NAME)).unwrap();
        drop(left);
        let socket = Socket::open(root.path()).unwrap();
        assert_eq!(socket.path(), root.path().canonicalize().unwrap().join(NAME));
        let mode = fs::metadata(socket.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o666);
        UnixStream::connect(socket.path()).unwrap();
        let path = socket.path();
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_path_too_long_for_a_socket_has_a_shorter_name() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("d".repeat(LONGEST_PATH));
        fs::create_dir(&deep).unwrap();
        let socket = Socket::open(&deep).unwrap();
        let short = socket.path();
        assert!(short.is_absolute() && short.as_os_str().len() <= LONGEST_PATH, "{short:?}");
        UnixStream::connect(&short).unwrap();
        assert!(deep.join(NAME).exists(), "it is where it is looked for, too");
        drop(socket);
        assert!(!short.exists() && !short.parent().unwrap().exists());
    }

    #[tokio::test]
    async fn the_longest_path_that_fits_is_taken_as_it_is() {
        let root = tempfile::tempdir().unwrap().keep().canonicalize().unwrap();
        let rest = LONGEST_PATH - root.as_os_str().len() - NAME.len() - 2;
        let deep = root.join("d".repeat(rest));
        fs::create_dir(&deep).unwrap();
        let socket = Socket::open(&deep).unwrap();
        assert_eq!(socket.path(), deep.join(NAME));
        UnixStream::connect(socket.path()).unwrap();
        drop(socket);
        fs::remove_dir_all(root).unwrap();
    }
}
