//! Whether a device is to be given a certificate by its claim, or has one.

use super::ClaimError;
use super::kept::{Provisioned, is_there};
use gg_model::{ClaimSettings, ComponentName, NucleusFile};
use serde_json::{Value, json};
use std::path::Path;

/// What a claim says for the time after it, where the nucleus's own configuration does not say it.
pub fn adopt(file: &mut NucleusFile) {
    let Some(claim) = &file.claim else { return };
    file.identity.root_ca = file.identity.root_ca.take().or_else(|| claim.root_ca.clone());
    let also = [
        ("iotDataEndpoint", Some(&claim.endpoint)),
        ("iotCredEndpoint", claim.credential_endpoint.as_ref()),
        ("awsRegion", claim.region.as_ref()),
        ("iotRoleAlias", claim.role_alias.as_ref()),
    ];
    let own = file.configurations.entry(ComponentName::nucleus()).or_insert_with(|| json!({}));
    let Some(own) = own.as_object_mut() else { return };
    for (name, value) in also {
        let there = |key: &&String| key.eq_ignore_ascii_case(name);
        if let Some(value) = value
            && own.keys().find(there).is_none()
        {
            own.insert(name.to_owned(), Value::from(value.clone()));
        }
    }
}

/// The root folder, where the file says which.
pub fn root(file: &NucleusFile) -> Option<&str> {
    let of_claim = || file.claim.as_ref()?.root.as_deref();
    file.root.as_deref().or_else(of_claim)
}

/// The claim of a device that has no certificate of its own yet. One that has got its own by a claim
/// is that thing from now on.
///
/// # Errors
/// What was kept of it cannot be read.
pub fn due(file: &mut NucleusFile, root: &Path) -> Result<Option<ClaimSettings>, ClaimError> {
    let (identity, Some(claim)) = (&file.identity, &file.claim) else { return Ok(None) };
    let [certificate, key] = [&identity.certificate, &identity.private_key];
    if certificate.as_deref().is_some_and(is_there) && key.as_deref().is_some_and(is_there) {
        return Ok(None);
    }
    if let Some(provisioned) = Provisioned::read(root)? {
        provisioned.take_on(file);
        return Ok(None);
    }
    let mut claim = claim.clone();
    // Where it is to be, it is looked for.
    claim.new_certificate = claim.new_certificate.or_else(|| certificate.clone());
    claim.new_private_key = claim.new_private_key.or_else(|| key.clone());
    Ok(Some(claim))
}
