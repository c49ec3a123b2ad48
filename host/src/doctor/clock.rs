//! The time, by which certificates count: whether it can be right, and whether somebody sets it.
//! What a broker's certificate says of it is found by [`super::broker`].

use super::{Case, Sheet, Verdict};
use crate::clock::{Clock, utc};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 2025-01-01: no device had this program before.
const EARLIEST: Duration = Duration::from_secs(1_735_689_600);

/// How far ahead a file may be: its disk may be another machine's.
const AHEAD: Duration = Duration::from_secs(300);

const SET_IT: &str =
    "have a service set the clock: timedatectl set-ntp true (systemd-timesyncd), or chrony";

pub(super) fn look(case: &Case, sheet: &Sheet) {
    let now = Clock::system().now();
    match doubt(now, &case.root) {
        Some(why) => sheet.bad(Verdict::Failure, "time", why, SET_IT),
        None => sheet.ok("time", utc(now)),
    }
    match is_synchronised() {
        Some(true) => sheet.ok("synchronised", "the kernel says that a service sets the clock"),
        Some(false) => {
            let message = "no service sets the clock, as far as the kernel knows; it will go wrong";
            sheet.bad(Verdict::Warning, "synchronised", message, SET_IT);
        }
        None => {
            let message = "this kernel does not say whether a service sets the clock";
            sheet.bad(
                Verdict::Warning,
                "synchronised",
                message,
                "see timedatectl on the machine itself",
            );
        }
    }
}

/// Why the time cannot be right.
fn doubt(now: SystemTime, root: &Path) -> Option<String> {
    if now < UNIX_EPOCH + EARLIEST {
        return Some(format!("the clock says {}, and was never set", utc(now)));
    }
    let written = |name: &str| fs::metadata(root.join(name)).ok()?.modified().ok();
    let latest = ["state/store.db", "state/store.db-wal", "logs/greengrass.log"];
    let latest = latest.into_iter().filter_map(written).max()?;
    (latest > now + AHEAD).then(|| {
        let (now, latest) = (utc(now), utc(latest));
        format!(
            "the clock says {now}, and files of the nucleus were written at {latest}: it went back"
        )
    })
}

/// Whether a service keeps the clock right, as the kernel has heard.
#[expect(unsafe_code, reason = "no safe wrapper asks the kernel's clock")]
fn is_synchronised() -> Option<bool> {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Some(true);
    }
    // SAFETY: all zeros is a value of it, which asks and changes nothing (`modes`).
    let mut asked: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes to it, and it outlives the call.
    match unsafe { libc::adjtimex(&raw mut asked) } {
        -1 => None,
        state => Some(state != libc::TIME_ERROR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_or_went_back_is_doubted() {
        let root = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        assert_eq!(doubt(now, root.path()), None);
        assert!(doubt(UNIX_EPOCH, root.path()).unwrap().contains("1970-01-01"));
        fs::create_dir(root.path().join("state")).unwrap();
        let store = fs::File::create(root.path().join("state/store.db")).unwrap();
        assert_eq!(doubt(now, root.path()), None);
        store.set_modified(now + 2 * AHEAD).unwrap();
        assert!(doubt(now, root.path()).unwrap().contains("it went back"));
    }
}
