//! `restXml` as S3 speaks it (S3 API reference, "Error responses").

use super::xml::Xml;
use crate::web::fault::Fault;

/// An error, written down.
pub(super) fn fault(fault: &Fault, path: &str, request_id: &str) -> String {
    let error = Xml::document().element("Error", |xml| {
        let xml = xml.text("Code", fault.code).text("Message", &fault.message);
        let members =
            fault.members.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        members
            .fold(xml, |xml, (name, value)| xml.text(name, value))
            .text("Resource", path)
            .text("RequestId", request_id)
    });
    error.finish()
}
