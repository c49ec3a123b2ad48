//! The disk of the root folder: room, and whether it keeps what is written.

use super::{Case, Sheet, Verdict};
use crate::component::artifact::KEPT_FREE;
use bytesize::ByteSize;
use rustix::fs::{StatVfs, StatVfsMountFlags, statvfs};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::time::Instant;

/// Below this, there will soon be none.
const SCARCE: u64 = 200 << 20;

/// The same of files.
const FEW_FILES: u64 = 1000;

pub(super) fn look(case: &Case, sheet: &Sheet) {
    // Where it is not there yet: where it will be.
    let Some(there) = case.root.ancestors().find(|folder| folder.exists()) else { return };
    let disk = match statvfs(there) {
        Ok(disk) => disk,
        Err(error) => {
            let remedy = "see that its disk is there and mounted (dmesg, mount)";
            sheet.bad(
                Verdict::Failure,
                there.display(),
                format!("cannot be looked at: {error}"),
                remedy,
            );
            return;
        }
    };
    let read_only = disk.f_flag.contains(StatVfsMountFlags::RDONLY);
    if read_only {
        sheet.bad(Verdict::Failure, there.display(), "is mounted read-only", read_write(there));
    }
    room(there, &disk, sheet);
    if case.root.is_dir() && !read_only {
        match write(&case.root) {
            Ok(took) => sheet.ok("writing", format!("64 KiB were on the disk after {took}")),
            Err(error) => {
                let message =
                    format!("what is written to {} does not stay: {error}", there.display());
                sheet.bad(Verdict::Failure, "writing", message, against(&error, there));
            }
        }
    }
}

fn room(there: &Path, disk: &StatVfs, sheet: &Sheet) {
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let verdict = match free {
        ..KEPT_FREE => Verdict::Failure,
        KEPT_FREE..SCARCE => Verdict::Warning,
        _ => Verdict::Ok,
    };
    let message = format!(
        "{} are free on the disk of {}",
        ByteSize::b(free).display().iec(),
        there.display()
    );
    match verdict {
        Verdict::Ok => sheet.ok("room", message),
        _ => sheet.bad(verdict, "room", message, more_room(there)),
    }
    // A file system that has no fixed number of files says 0.
    if disk.f_files > 0 && disk.f_favail < FEW_FILES {
        let none = disk.f_favail < FEW_FILES / 100;
        let verdict = if none { Verdict::Failure } else { Verdict::Warning };
        let message =
            format!("{} more files can be made on the disk of {}", disk.f_favail, there.display());
        let remedy = "remove small files that nobody needs (df -i shows how many there are), or make \
                      the file system anew with more inodes";
        sheet.bad(verdict, "files", message, remedy);
    }
}

/// Write and flush as the store does; gives how long that took.
fn write(folder: &Path) -> io::Result<humantime::FormattedDuration> {
    let began = Instant::now();
    let mut file = tempfile::Builder::new().prefix(".doctor-").tempfile_in(folder)?;
    file.write_all(&[0xA5; 64 << 10])?;
    file.as_file().sync_all()?;
    let took = began.elapsed();
    let whole =
        std::time::Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    Ok(humantime::format_duration(whole))
}

fn against(error: &io::Error, there: &Path) -> String {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => more_room(there),
        ErrorKind::ReadOnlyFilesystem => read_write(there),
        ErrorKind::PermissionDenied => format!(
            "run gg-host as the owner of {}, or name another folder with --root",
            there.display()
        ),
        _ => {
            "see with dmesg what the kernel says of the disk, and replace it if it fails".to_owned()
        }
    }
}

fn more_room(there: &Path) -> String {
    format!(
        "remove what nobody needs from the disk of {0} (du -xh {0} shows what is large; logging.totalLogsSizeKB \
         and componentStoreMaxSizeBytes limit what gg-host keeps), or use a larger one",
        there.display()
    )
}

fn read_write(there: &Path) -> String {
    format!(
        "mount it read-write (mount -o remount,rw, and in /etc/fstab; findmnt -T {} shows which); if the \
         kernel made it read-only after an error, dmesg says so, and fsck mends it",
        there.display()
    )
}
