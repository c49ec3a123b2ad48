//! A place in one component's log, which moves from file to file as they were written.

use super::lines::Lines;
use crate::logs::Record;
use crate::logs::names::{Age, FileId, Found, family};
use gg_model::ComponentName;
use rustix::fs::OFlags;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes that are read at once.
const CHUNK: usize = 32 << 10;

/// How often to look for the next file while files are being set aside.
const ATTEMPTS: usize = 20;

#[derive(Debug)]
pub(super) struct Cursor {
    folder: PathBuf,
    component: ComponentName,
    /// Files that were there at the beginning and are yet to be read.
    found: VecDeque<Found>,
    /// The file that is read, kept open until the next one is known: nobody else is given its id.
    open: Option<Open>,
    /// The latest file that was opened, of those whose age can be told.
    latest: Option<Age>,
    lines: Lines,
    follow: bool,
    /// The last file that is known ended, and nobody has said since that there is more.
    over: bool,
    /// It was said that the log cannot be read.
    failing: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    id: FileId,
    /// How far it was read.
    offset: u64,
    /// Where the line begins that was not read to its end.
    line: u64,
    /// It no longer is what is written to: what it holds now is all.
    set_aside: bool,
}

impl Cursor {
    pub(super) fn new(
        folder: PathBuf,
        component: ComponentName,
        family: Vec<Found>,
        since: Option<SystemTime>,
        follow: bool,
    ) -> Self {
        let begin = family.first().map_or(UNIX_EPOCH, |found| found.modified);
        let lines = Lines::new(component.clone(), begin);
        let mut found = VecDeque::from(family);
        let mut latest = None;
        let too_old = |found: &Found| since.is_some_and(|since| found.modified < since);
        while let Some(old) =
            found.pop_front_if(|found| found.age != Age::Current && too_old(found))
        {
            latest = Some(old.age);
        }
        Self {
            folder,
            component,
            found,
            open: None,
            latest,
            lines,
            follow,
            over: false,
            failing: false,
        }
    }

    pub(super) fn component(&self) -> &ComponentName {
        &self.component
    }

    /// The next record, if there is one.
    pub(super) fn peek(&mut self) -> Option<&Record> {
        while self.lines.peek().is_none() && !self.over {
            if let Err(error) = self.read() {
                self.fail(&error);
                if self.found.is_empty() {
                    self.pause();
                }
            }
        }
        self.lines.peek()
    }

    /// Take it.
    pub(super) fn take(&mut self) -> Option<Record> {
        self.lines.take()
    }

    /// There may be more than last time.
    pub(super) fn look_again(&mut self) {
        self.over = false;
    }

    fn fail(&mut self, error: &io::Error) {
        if !self.failing {
            self.failing = true;
            let (folder, component) = (self.folder.display(), &self.component);
            tracing::warn!(%folder, %component, %error, "cannot read all of a log");
        }
    }

    fn pause(&mut self) {
        self.lines.pause();
        self.over = true;
    }

    fn read(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else { return self.next_file() };
        let mut chunk = [0; CHUNK];
        match open.file.read(&mut chunk) {
            Ok(0) => {}
            Ok(count) => {
                open.pass(&chunk[..count]);
                self.lines.push(&chunk[..count]);
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            // The other files may be good.
            Err(error) => self.fail(&error),
        }
        if !self.found.is_empty() {
            return self.next_file();
        }
        if !self.follow {
            self.lines.end();
            self.over = true;
            return Ok(());
        }
        self.wait_or_move_on()
    }

    /// At the end of the last file that is known.
    fn wait_or_move_on(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.set_aside {
            return self.next_file();
        }
        match fs::symlink_metadata(Age::Current.path(&self.folder, &self.component)) {
            Ok(there) if FileId::from(&there) != open.id => {
                // Something may have been written before it was set aside: read once more.
                open.set_aside = true;
                return Ok(());
            }
            Ok(there) if there.len() < open.offset => {
                // The rest of a line was taken back, or all was.
                let begin = if there.len() < open.line { 0 } else { open.line };
                open.file.seek(SeekFrom::Start(begin))?;
                (open.offset, open.line) = (begin, begin);
                self.lines.cut();
                return Ok(());
            }
            // Until there is another it may be between two names.
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.pause();
        Ok(())
    }

    fn next_file(&mut self) -> io::Result<()> {
        while let Some(found) = self.found.pop_front() {
            match Open::new(&found.path) {
                Ok(open) if open.id == found.id => {
                    self.adopt(open, [Some(found.age)]);
                    return Ok(());
                }
                // It was set aside meanwhile, and is found by its new name below.
                Ok(_) => self.found.clear(),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        for _ in 0..ATTEMPTS {
            let family = family(&self.folder, &self.component)?;
            let Some(next) = self.after(&family) else { break };
            let Ok(open) = Open::new(&next.path) else { continue };
            // While the folder was listed, more files may have been set aside. All that came
            // before this one have their names by now.
            let family = self::family(&self.folder, &self.component)?;
            let id = open.id;
            if self.after(&family).is_some_and(|next| next.id == id) {
                let last = self.open.as_ref().map(|open| open.id);
                let age = |id| {
                    family.iter().find(|found| Some(found.id) == id).map(|found| found.age.clone())
                };
                self.adopt(open, [age(last), age(Some(id))]);
                return Ok(());
            }
        }
        self.pause();
        Ok(())
    }

    /// The file that was written after the one that is read.
    fn after<'a>(&self, family: &'a [Found]) -> Option<&'a Found> {
        let open = self.open.as_ref().map(|open| open.id);
        match family.iter().position(|found| Some(found.id) == open) {
            Some(place) => family.get(place + 1),
            // It was deleted.
            None => family.iter().find(|found| Some(&found.age) > self.latest.as_ref()),
        }
    }

    /// Go on with another file. `ages` are known of it and of the one before.
    fn adopt<const N: usize>(&mut self, open: Open, ages: [Option<Age>; N]) {
        self.lines.end();
        self.open = Some(open);
        self.failing = false;
        let told = ages.into_iter().flatten().filter(|age| *age != Age::Current).max();
        self.latest = told.max(self.latest.take());
    }
}

impl Open {
    fn new(path: &Path) -> io::Result<Self> {
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { file, id: FileId::from(&metadata), offset: 0, line: 0, set_aside: false })
    }

    /// So much was read.
    fn pass(&mut self, bytes: &[u8]) {
        let count = |length: usize| u64::try_from(length).unwrap_or_default();
        if let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') {
            self.line = self.offset + count(last + 1);
        }
        self.offset += count(bytes.len());
    }
}
