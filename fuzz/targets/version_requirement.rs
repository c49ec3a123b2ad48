//! Version requirements: reading ends, what is shown is read as the same, and matching agrees with it.
#![no_main]

use gg_model::{ComponentVersion, VersionRequirement};

libfuzzer_sys::fuzz_target!(|input: (&str, &str)| {
    let (requirement, version) = input;
    let Ok(requirement) = requirement.parse::<VersionRequirement>() else { return };
    let again: VersionRequirement = requirement.to_string().parse().expect("it is shown well");
    assert_eq!(again, requirement);
    if let Ok(version) = version.parse::<ComponentVersion>() {
        let exact = VersionRequirement::from(&version);
        assert!(exact.matches(&version));
        // Beside a requirement for exactly this version, a pre-release is named.
        let both = VersionRequirement::all_match([&requirement, &exact], &version);
        assert!(both || !requirement.matches(&version));
    }
});
