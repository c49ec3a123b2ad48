use super::*;
use crate::registry::things;
use crate::state::{Sqlite, State};

fn at() -> Time {
    Time::from_seconds(1)
}

/// `root` has `a` and `b` in it, `a` has `deep`; `other` is beside it; things are `one` and `two`.
fn state(folder: &tempfile::TempDir) -> Sqlite {
    let state = Sqlite::open(&folder.path().join("state.sqlite")).unwrap();
    change(&state, |tx| {
        for (name, parent) in [
            ("root", None),
            ("a", Some("root")),
            ("b", Some("root")),
            ("deep", Some("a")),
            ("other", None),
        ] {
            create(tx, name, parent, Properties::default(), at())?;
        }
        for name in ["one", "two"] {
            things::create(tx, name, None, BTreeMap::new())?;
        }
        Ok(())
    })
    .unwrap();
    state
}

fn change<T>(
    state: &dyn State,
    work: impl FnOnce(&mut dyn Transaction) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    state.change(work)
}

fn members(state: &dyn State, group: &str, recursive: bool) -> Vec<String> {
    let rows = state.snapshot().unwrap();
    things_in(rows.as_ref(), group, recursive).unwrap().into_iter().collect()
}

#[test]
fn things_are_in_the_groups_above_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder);
    change(&state, |tx| {
        join(tx, "one", "deep", at()).and_then(|()| join(tx, "one", "other", at()))
    })
    .unwrap();
    assert_eq!(members(&state, "root", true), ["one"]);
    assert!(members(&state, "root", false).is_empty());
    let rows = state.snapshot().unwrap();
    let all: Vec<String> = all_of(rows.as_ref(), "one").unwrap().into_iter().collect();
    assert_eq!(all, ["a", "deep", "other", "root"]);
    assert_eq!(above(rows.as_ref(), "deep").unwrap(), ["a", "root"]);
}

#[test]
fn a_thing_is_in_one_group_of_a_hierarchy() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder);
    change(&state, |tx| join(tx, "one", "a", at())).unwrap();
    change(&state, |tx| join(tx, "one", "a", at())).unwrap();
    for group in ["b", "root", "deep"] {
        assert_eq!(
            change(&state, |tx| join(tx, "one", group, at())).unwrap_err().kind,
            Kind::Invalid
        );
    }
    for (thing, group) in [("none", "a"), ("one", "none")] {
        assert_eq!(
            change(&state, |tx| join(tx, thing, group, at())).unwrap_err().kind,
            Kind::NotFound
        );
        assert_eq!(
            change(&state, |tx| leave(tx, thing, group, at())).unwrap_err().kind,
            Kind::NotFound
        );
    }
}

#[test]
fn what_is_removed_is_in_no_group() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder);
    change(&state, |tx| join(tx, "one", "deep", at()).and_then(|()| join(tx, "two", "deep", at())))
        .unwrap();
    change(&state, |tx| things::delete(tx, "one", None, at())).unwrap();
    assert_eq!(members(&state, "deep", false), ["two"]);
    assert_eq!(change(&state, |tx| delete(tx, "a", None, at())).unwrap_err().kind, Kind::Invalid);
    change(&state, |tx| delete(tx, "deep", Some(1), at())).unwrap();
    change(&state, |tx| delete(tx, "a", None, at())).unwrap();
    change(&state, |tx| delete(tx, "a", None, at())).unwrap();
    assert!(direct_of(state.snapshot().unwrap().as_ref(), "two").unwrap().is_empty());
}

#[test]
fn groups_are_only_so_deep_and_made_again_only_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder);
    let make = |name: &str, parent: &str| {
        change(&state, |tx| create(tx, name, Some(parent), Properties::default(), at()))
    };
    make("deep", "a").unwrap();
    assert_eq!(make("deep", "b").unwrap_err().kind, Kind::Exists);
    for (name, parent) in [("4", "deep"), ("5", "4"), ("6", "5"), ("7", "6")] {
        make(name, parent).unwrap();
    }
    assert_eq!(make("8", "7").unwrap_err().kind, Kind::Limit);
    let stale = change(&state, |tx| update(tx, "a", Properties::default(), Some(2)));
    assert_eq!(stale.unwrap_err().kind, Kind::Conflict);
}

#[test]
fn lists_are_of_a_group_or_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder);
    let names = |parent: Option<&str>, prefix: &str, recursive| {
        let filter =
            Filter { parent: parent.map(str::to_owned), prefix: prefix.to_owned(), recursive };
        list(state.snapshot().unwrap().as_ref(), &filter, &Paging::all()).unwrap().items
    };
    assert_eq!(names(None, "", true), ["a", "b", "deep", "other", "root"]);
    assert_eq!(names(None, "", false), ["other", "root"]);
    assert_eq!(names(Some("root"), "", true), ["a", "b", "deep"]);
    assert_eq!(names(Some("root"), "", false), ["a", "b"]);
    assert_eq!(names(None, "d", true), ["deep"]);
}
