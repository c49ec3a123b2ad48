//! Templates of fleet provisioning: reading one ends, and so does asking it, whatever stands in it and
//! whatever a device says; what comes of it is no larger than it may be.
#![no_main]

#[path = "../../cloud/src/registry/provisioning/template.rs"]
mod template;

use template::{LARGEST, Parameters, Template};

libfuzzer_sys::fuzz_target!(|input: (&str, &str, &str)| {
    let (text, name, value) = input;
    let Ok(template) = Template::parse(text) else { return };
    assert!(text.len() <= LARGEST);
    let said = Parameters::from([(name.to_owned(), value.to_owned())]);
    if let Ok(outcome) = template.ask(&said, Parameters::new()) {
        assert!(outcome.configuration.values().all(|value| value.len() <= LARGEST));
        let things = outcome.thing.into_iter();
        assert!(things.into_iter().all(|thing| thing.name.len() <= LARGEST));
    }
});
