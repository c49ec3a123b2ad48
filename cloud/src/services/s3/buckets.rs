//! Operations on buckets.

use super::Reply;
use super::request::Call;
use crate::registry::buckets;
use crate::web::protocol::xml::Xml;
use axum::response::IntoResponse as _;
use http::StatusCode;

/// The namespace of S3's answers.
pub(super) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// An answer in XML.
pub(super) fn xml(name: &str, content: impl FnOnce(Xml) -> Xml) -> Reply {
    let text = Xml::document().element(&format!("{name} xmlns=\"{NAMESPACE}\""), content).finish();
    Ok(([("content-type", "application/xml")], text).into_response())
}

pub(super) async fn list(call: &mut Call) -> Reply {
    let found = call.registry.read(buckets::list).await?;
    let account = &call.registry.place.account;
    xml("ListAllMyBucketsResult", |xml| {
        xml.element("Owner", |xml| xml.text("ID", account)).element("Buckets", |xml| {
            found.iter().fold(xml, |xml, (name, bucket)| {
                xml.element("Bucket", |xml| {
                    xml.text("Name", name).text("CreationDate", &bucket.created.iso8601())
                })
            })
        })
    })
}

pub(super) async fn location(call: &mut Call) -> Reply {
    let name = call.bucket.clone();
    call.registry.read(move |rows| buckets::find(rows, &name)).await?;
    // The first region is said by saying nothing.
    let region = &call.registry.place.region;
    let region = if region == "us-east-1" { "" } else { region };
    let name = format!("LocationConstraint xmlns=\"{NAMESPACE}\"");
    let text = Xml::document().text(&name, region).finish();
    Ok(([("content-type", "application/xml")], text).into_response())
}

pub(super) async fn create(call: &mut Call) -> Reply {
    let (name, now) = (call.bucket.clone(), call.registry.clock.now());
    call.registry.change(move |rows| buckets::create(rows, &name, now)).await?;
    Ok([("location", format!("/{}", call.bucket))].into_response())
}

pub(super) async fn head(call: &mut Call) -> Reply {
    let name = call.bucket.clone();
    call.registry.read(move |rows| buckets::find(rows, &name)).await?;
    Ok([("x-amz-bucket-region", call.registry.place.region.clone())].into_response())
}

pub(super) async fn delete(call: &mut Call) -> Reply {
    let name = call.bucket.clone();
    call.registry.change(move |rows| buckets::delete(rows, &name)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
