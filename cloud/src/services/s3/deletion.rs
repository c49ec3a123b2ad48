//! Deleting many objects at once (S3 API reference, DeleteObjects).

use super::buckets::xml;
use super::request::Call;
use super::{Reply, documents, payload};
use crate::registry::{Kind, Refusal, buckets, objects};

/// Most bytes of the list.
const LARGEST_LIST: usize = 2 * 1024 * 1024;

pub(super) async fn objects(call: &mut Call) -> Reply {
    let document = payload::document(call, LARGEST_LIST).await?;
    let deletion = documents::deletion(&document)
        .map_err(|what| Refusal::invalid(format!("the list of keys: {what}")).about("xml", ""))?;
    if deletion.has_versions {
        let message = "gg-cloud has no versions of objects";
        return Err(Refusal::new(Kind::NotServed, message));
    }
    let (bucket, keys, quiet) = (call.bucket.clone(), deletion.keys, deletion.quiet);
    let deleted = call.registry.change(move |tx| {
        buckets::find(tx, &bucket)?;
        keys.iter().try_for_each(|key| objects::delete(tx, &bucket, key))?;
        Ok(keys)
    });
    let keys = deleted.await?;
    xml("DeleteResult", |xml| {
        let said = keys.iter().filter(|_| !quiet);
        said.fold(xml, |xml, key| xml.element("Deleted", |xml| xml.text("Key", key)))
    })
}
