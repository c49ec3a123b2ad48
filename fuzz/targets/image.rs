//! Names of images: what is taken keeps its parts, and can stand in a path of a URL.
#![no_main]

#[path = "../../host/src/runtime/docker/reference.rs"]
mod reference;

use reference::Reference;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(taken) = text.parse::<Reference>() else { return };
    let shown = taken.to_string();
    assert_eq!(shown.parse::<Reference>().as_ref(), Ok(&taken));
    assert!(shown.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte)));
    assert!(!shown.split('/').any(|step| step.is_empty() || step == "." || step == ".."));
    assert!(!taken.exact().is_empty() && taken.without_digest().digest().is_none());
});
