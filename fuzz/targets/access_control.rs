//! Policies and the patterns in them: parsing ends, and matching does so soon.
#![no_main]

use gg_model::{AccessPolicy, Grant, ResourceStyle, Topic, TopicFilter};

libfuzzer_sys::fuzz_target!(|input: (&str, &str)| {
    let (text, resource) = input;
    if let Ok(value) = serde_json::from_str(text)
        && let Ok(policy) = AccessPolicy::from_access_control(&value)
    {
        policy.allows("s", "o", resource, ResourceStyle::Standard);
    }
    let mut policy = AccessPolicy::default();
    if policy.allow("s", "o", text).is_ok() {
        for style in [ResourceStyle::Standard, ResourceStyle::Mqtt] {
            policy.allows("s", "o", resource, style);
        }
    }
    let _ = text.parse::<Grant>();
    if let (Ok(filter), Ok(topic)) = (text.parse::<TopicFilter>(), resource.parse::<Topic>()) {
        filter.matches(&topic);
    }
});
