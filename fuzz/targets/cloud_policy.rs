//! Policies of devices: reading one ends, and so does asking it, whatever stands in it; a denial of
//! everything denies.
#![no_main]

#[expect(dead_code, reason = "the control plane uses more of it")]
#[path = "../../cloud/src/registry"]
mod registry {
    mod attributes;

    pub use attributes::Attributes;

    #[derive(Debug)]
    pub enum Kind {
        Limit,
        Malformed,
    }

    #[derive(Debug)]
    pub struct Refusal;

    impl Refusal {
        pub fn new(_: Kind, message: impl Into<String>) -> Self {
            assert!(message.into().len() < 4096);
            Self
        }

        pub fn invalid(message: impl Into<String>) -> Self {
            Self::new(Kind::Limit, message)
        }
    }

    pub mod policies {
        mod condition;
        mod context;
        mod document;
        mod evaluate;
        mod filter;
        mod pattern;

        pub use context::{Decision, Request, Subject, Thing};
        pub use document::Document;
        pub use evaluate::authorize;
    }
}

use registry::Attributes;
use registry::policies::{Decision, Document, Request, Subject, Thing, authorize};
use std::collections::BTreeMap;

const DENY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;

libfuzzer_sys::fuzz_target!(|input: (&str, &str, &str, &str)| {
    let (text, action, resource, name) = input;
    let Ok(document) = Document::parse(text) else { return };
    let certificate = BTreeMap::from([("CommonName".to_owned(), name.to_owned())]);
    let thing = Thing { name: name.to_owned(), kind: None, attributes: Attributes::default() };
    let deny = Document::parse(DENY).unwrap();
    for thing in [None, Some(&thing)] {
        let subject = Subject { certificate: &certificate, thing };
        let client_id = Some(name);
        for all in [false, true] {
            let connect = &["LastWill"];
            let request = Request { action, resource, all, client_id, source: None, connect };
            let _ = authorize([&document], &subject, &request);
            assert_eq!(authorize([&document, &deny], &subject, &request), Decision::Denied);
        }
    }
});
