//! Which files belong to which component, and in which order they were written:
//! `<component>.log` now, `<component>_yyyy_MM_dd_HH_<n>.log` before, as Greengrass names them.
//!
//! A component whose own name ends as old files do shares the files of another; Greengrass has
//! nothing against it.

use crate::clock::utc;
use gg_model::ComponentName;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file's place among those of its component; a later one is greater.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Age {
    /// Set aside in this hour, as the so manieth.
    Old { hour: String, number: u64 },
    /// Still written to.
    Current,
}

impl Age {
    /// The age of the next file that is set aside, after those there are.
    pub(super) fn next<'a>(at: SystemTime, family: impl Iterator<Item = &'a Self>) -> Self {
        let hour: String = utc(at).to_string().chars().take(13).collect();
        let hour = hour.replace(['-', 'T'], "_");
        let newest = family.filter(|age| **age != Self::Current).max();
        match newest {
            // The clock may have been set back; the order stays.
            Some(Self::Old { hour: last, number }) if *last >= hour => {
                Self::Old { hour: last.clone(), number: number.saturating_add(1) }
            }
            _ => Self::Old { hour, number: 0 },
        }
    }

    /// A file's path.
    pub(super) fn path(&self, folder: &Path, component: &ComponentName) -> PathBuf {
        folder.join(format!("{component}{self}.log"))
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Old { hour, number } => write!(f, "_{hour}_{number}"),
            Self::Current => Ok(()),
        }
    }
}

/// What tells a file from another whatever their names: device and inode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct FileId(u64, u64);

impl From<&Metadata> for FileId {
    fn from(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// A log file that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) age: Age,
    pub(super) id: FileId,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
}

/// The log files of all components in a folder, oldest first.
pub(super) fn families(folder: &Path) -> io::Result<BTreeMap<ComponentName, Vec<Found>>> {
    scan(folder, |_| true)
}

/// Those of one.
pub(super) fn family(folder: &Path, component: &ComponentName) -> io::Result<Vec<Found>> {
    let mut found = scan(folder, |name| name == component)?;
    Ok(found.remove(component).unwrap_or_default())
}

fn scan(
    folder: &Path,
    wanted: impl Fn(&ComponentName) -> bool,
) -> io::Result<BTreeMap<ComponentName, Vec<Found>>> {
    let mut families: BTreeMap<ComponentName, Vec<Found>> = BTreeMap::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let Some((component, age)) = entry.file_name().to_str().and_then(parse) else { continue };
        if !wanted(&component) {
            continue;
        }
        // One that is gone meanwhile is no concern.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() {
            let (id, size) = (FileId::from(&metadata), metadata.len());
            let modified = metadata.modified()?;
            families.entry(component).or_default().push(Found {
                path: entry.path(),
                age,
                id,
                size,
                modified,
            });
        }
    }
    for family in families.values_mut() {
        family.sort_by(|one, other| one.age.cmp(&other.age));
    }
    Ok(families)
}

/// Whose file it is by its name, and how old.
fn parse(name: &str) -> Option<(ComponentName, Age)> {
    let stem = name.strip_suffix(".log")?;
    if let Some((component, hour, number)) = parse_old(stem) {
        let age = Age::Old { hour: hour.to_owned(), number };
        return Some((component.parse().ok()?, age));
    }
    Some((stem.parse().ok()?, Age::Current))
}

fn parse_old(stem: &str) -> Option<(&str, &str, u64)> {
    /// `_yyyy_MM_dd_HH`
    const HOUR: usize = 14;
    let (rest, number) = stem.rsplit_once('_')?;
    let (component, hour) = rest.split_at_checked(rest.len().checked_sub(HOUR)?)?;
    let hour = hour.strip_prefix('_')?;
    let shape = |(index, byte): (usize, u8)| match index {
        4 | 7 | 10 => byte == b'_',
        _ => byte.is_ascii_digit(),
    };
    let plain = number.bytes().all(|byte| byte.is_ascii_digit());
    let right = plain && !component.is_empty() && hour.bytes().enumerate().all(shape);
    right.then(|| number.parse().ok().map(|number| (component, hour, number)))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn old(hour: &str, number: u64) -> Age {
        Age::Old { hour: hour.to_owned(), number }
    }

    #[test]
    fn names_tell_component_and_age() {
        let name = |text: &str| text.parse::<ComponentName>().unwrap();
        let hour = "2024_05_01_12";
        for (file, expected) in [
            ("com.example.A.log", Some(("com.example.A", Age::Current))),
            ("a_2024_05_01_12_10.log", Some(("a", old(hour, 10)))),
            ("a_b_2024_05_01_12_0.log", Some(("a_b", old(hour, 0)))),
            ("a_2024_05_01_12.log", Some(("a_2024_05_01_12", Age::Current))),
            ("_2024_05_01_12_0.log", Some(("_2024_05_01_12_0", Age::Current))),
            ("a_2024_05_01_12_+1.log", None),
            ("a.log.gz", None),
            ("..log", None),
            (".log", None),
            ("ä.log", None),
        ] {
            let expected = expected.map(|(component, age)| (name(component), age));
            assert_eq!(parse(file), expected, "{file}");
        }
        let huge = format!("a_2024_05_01_12_{}.log", u128::MAX);
        assert!(matches!(parse(&huge), Some((_, Age::Current))));
    }

    #[test]
    fn a_file_that_is_set_aside_is_the_newest_whatever_the_clock_says() {
        let at = |hours: u64| UNIX_EPOCH + Duration::from_secs(hours * 3600);
        let ages = [old("1970_01_01_05", 9), old("1970_01_01_05", 10), Age::Current];
        assert_eq!(Age::next(at(5), ages.iter()), old("1970_01_01_05", 11));
        assert_eq!(Age::next(at(2), ages.iter()), old("1970_01_01_05", 11));
        assert_eq!(Age::next(at(6), ages.iter()), old("1970_01_01_06", 0));
        assert_eq!(Age::next(at(6), [].into_iter()), old("1970_01_01_06", 0));
        assert!(ages.is_sorted());
    }
}
