//! Secrets: the operator's file, what AWS answers, and the configuration that names them.
#![no_main]

use gg_model::{ComponentName, NucleusSettings, RoleCredentials, SecretVersion};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(version) = SecretVersion::parse_answer(bytes) {
        assert!(version.head.is_meant_by(&version.head.name));
    }
    if let Ok(credentials) = RoleCredentials::parse(bytes) {
        assert!(serde_json::from_str::<serde_json::Value>(&credentials.for_containers()).is_ok());
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    for version in SecretVersion::parse_file(text).unwrap_or_default() {
        assert!(version.head.is_meant_by(version.head.key()));
        let _ = gg_model::secret::region_of(version.head.key());
        let _ = gg_model::secret::name_of(version.head.key());
    }
    if let Ok(value) = serde_json::from_str(text) {
        let name: ComponentName = gg_model::secret::SECRET_MANAGER.parse().unwrap();
        let _ = NucleusSettings::read_all(&[(name, value)].into());
    }
});
