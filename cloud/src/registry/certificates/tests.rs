use super::*;
use crate::registry::things;
use crate::state::{Sqlite, State};
use rcgen::{CertificateParams, KeyPair};
use std::collections::BTreeMap;

fn change<T>(
    state: &dyn State,
    work: impl FnOnce(&mut dyn Transaction) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    state.change(work)
}

/// A certificate that holds for years from 1975 on, and a thing `press`.
fn state(folder: &tempfile::TempDir) -> (Sqlite, Certificate) {
    let state = Sqlite::open(&folder.path().join("state.sqlite")).unwrap();
    let params = CertificateParams::default();
    let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    let certificate = change(&state, |tx| {
        things::create(tx, "press", None, BTreeMap::new())?;
        register(tx, &pem, Status::Active, Time::from_seconds(1))
    });
    (state, certificate.unwrap())
}

#[test]
fn one_that_is_active_counts_while_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (state, certificate) = state(&folder);
    let now = Time::from_seconds(1_800_000_000);
    assert!(certificate.holds(now));
    assert!(!certificate.holds(Time::from_seconds(1)));
    change(&state, |tx| set_status(tx, &certificate.id, Status::Revoked, now)).unwrap();
    let found = require(state.snapshot().unwrap().as_ref(), &certificate.id).unwrap();
    assert!(!found.holds(now));
    assert_eq!((found.version, found.modified), (2, now));
}

#[test]
fn one_that_is_used_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (state, Certificate { id, pem, .. }) = state(&folder);
    let at = Time::from_seconds(2);
    let remove = || change(&state, |tx| delete(tx, &id, false));
    assert_eq!(remove().unwrap_err().kind, Kind::State);
    change(&state, |tx| set_status(tx, &id, Status::Inactive, at)).unwrap();
    change(&state, |tx| principals::attach(tx, "press", &id)).unwrap();
    assert_eq!(remove().unwrap_err().kind, Kind::InUse);
    let thing = || change(&state, |tx| things::delete(tx, "press", None, at));
    assert_eq!(thing().unwrap_err().kind, Kind::Invalid);
    change(&state, |tx| principals::detach(tx, "press", &id)).unwrap();
    let again = change(&state, |tx| register(tx, &pem, Status::Active, at));
    assert_eq!(again.unwrap_err().kind, Kind::Exists);
    remove().unwrap();
    thing().unwrap();
    assert_eq!(remove().unwrap_err().kind, Kind::NotFound);
}
