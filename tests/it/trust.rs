//! A device with a trust policy: what is signed runs, everything else is refused, and what runs goes on.

use crate::device::Device;
use crate::host::{Host, Outcome, command, file, finish, guest};
use gg_host::clock::Clock;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

const NAME: &str = "com.example.Signed";

/// Of the keys: cosign takes none without.
const PASSWORD: &str = "a secret";

/// A device whose policy trusts the key `build`, and the folder of whoever has the keys.
struct Site {
    device: Device,
}

impl Site {
    fn new(policy: &str) -> (Self, Host) {
        let device = Device::new();
        device.settings("");
        let site = Self { device };
        for name in ["build", "other"] {
            let mut key = command("key");
            key.arg(site.device.path(name)).env("COSIGN_PASSWORD", PASSWORD);
            finish(key).expect_code(0);
        }
        site.trust(1, policy, "");
        let nucleus = site.device.start();
        (site, nucleus)
    }

    /// A policy that trusts the key `build`.
    fn policy(&self, version: u64, rest: &str, of_key: &str) -> String {
        let pem = fs::read_to_string(self.device.path("build.pub")).unwrap();
        let pem = pem.trim_end().replace('\n', "\n      ");
        format!(
            "format: gg-host/trust/1\nversion: {version}\n{rest}\nkeys:\n  - name: build\n    \
             components: [com.example.*]\n    policies: true\n    {of_key}\n    publicKey: |\n      {pem}\n"
        )
    }

    fn trust(&self, version: u64, rest: &str, of_key: &str) {
        file(&self.device.root(), "trust.yaml", self.policy(version, rest, of_key));
    }

    /// Sign something; gives what is printed.
    fn sign(&self, key: &str, rest: &[&str]) -> String {
        let mut sign = command("sign");
        sign.arg("--key").arg(self.device.path(&format!("{key}.key"))).args(rest);
        sign.env("COSIGN_PASSWORD", PASSWORD).current_dir(self.device.path(""));
        let output = sign.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Put a version where `deploy` finds it: its artifact, and its recipe as it is before it is signed.
    fn bring(&self, name: &str, version: &str) {
        self.device.artifact(name, version, &guest("waits"));
        let access = "ComponentConfiguration: {DefaultConfiguration: {accessControl: \
                      {aws.greengrass.ipc.pubsub: {a: {operations: ['*'], resources: ['waits/#']}}}}}\n";
        self.device.recipe(
            name,
            version,
            &format!(
                "{access}Manifests:\n  - Platform: {{runtime: wasm}}\n    \
                 Lifecycle: {{run: '{{artifacts:path}}/waits.wasm'}}\n    \
                 Artifacts: [{{URI: s3://bucket/waits.wasm}}]\n"
            ),
        );
    }

    /// Sign the recipe of a version.
    fn sign_recipe(&self, key: &str, name: &str, version: &str) {
        let recipe = self.device.path("recipes").join(format!("{name}-{version}.yaml"));
        let artifacts = self.device.path("artifacts").join(name).join(version);
        let [from, folder] = [&recipe, &artifacts].map(|path| path.to_str().unwrap());
        let signed = self.sign(key, &["--recipe", from, "--artifact-dir", folder]);
        fs::write(recipe, signed).unwrap();
    }

    fn bring_signed(&self, version: &str) {
        self.bring(NAME, version);
        self.sign_recipe("build", NAME, version);
    }

    fn edit(&self, version: &str, from: &str, to: &str) {
        let path = self.device.path("recipes").join(format!("{NAME}-{version}.yaml"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// What a developer has ready is gone.
    fn clear(&self) {
        for name in ["recipes", "artifacts"] {
            fs::remove_dir_all(self.device.path(name)).unwrap();
            fs::create_dir(self.device.path(name)).unwrap();
        }
    }

    fn deploy(&self, version: &str) -> Outcome {
        self.device.deploy(["--merge", &format!("{NAME}={version}")])
    }

    /// Deploy what must be refused, for this reason; what runs goes on.
    fn refused(&self, version: &str, code: &str, words: &[&str]) {
        let before = self.device.components();
        let outcome = self.deploy(version);
        let detail = &outcome.expect_code(1).answer()["deploymentStatusDetails"];
        assert_eq!(detail["detailedStatus"], "FAILED_NO_STATE_CHANGE", "{detail}");
        let stack = detail["errorStack"].as_array().unwrap();
        assert_eq!(stack.last().unwrap(), code, "{detail}");
        let cause = detail["failureCause"].as_str().unwrap();
        for words in words {
            assert!(cause.contains(words), "no {words:?} in: {cause}");
        }
        assert_eq!(self.device.components(), before);
        self.clear();
    }
}

#[test]
fn what_is_signed_runs_and_nothing_else() {
    let (site, nucleus) = Site::new("");
    site.bring(NAME, "1.0.0");
    let words = ["com.example.Signed 1.0.0: its recipe", "no signature", "sign it with `build`"];
    site.refused("1.0.0", "RECIPE_NOT_TRUSTED", &words);
    site.bring_signed("1.0.0");
    site.deploy("1.0.0").expect_code(0);
    assert_eq!(site.device.components(), ["com.example.Signed 1.0.0 RUNNING"]);
    // The signature is no part of its configuration.
    let seen = site.device.ask("component", ["show", NAME]);
    assert!(!seen.expect_code(0).answer().to_string().contains("gg-host.signatures"));
    site.clear();
    // What would run is said to be refused before it is tried.
    site.bring(NAME, "1.1.0");
    let seen = site.device.queue(["--plan", "--merge", "com.example.Signed=1.1.0"]);
    seen.expect_code(1).expect_error("no signature");
    drop(nucleus);
    let mut nucleus = site.device.start();
    nucleus.wait_until_said(NAME, "waiting");
}

#[test]
fn every_attack_is_refused_and_what_runs_goes_on() {
    let (site, nucleus) = Site::new("");
    site.bring_signed("1.0.0");
    site.deploy("1.0.0").expect_code(0);
    let kept =
        fs::read(site.device.root().join(format!("packages/artifacts/{NAME}/1.0.0/waits.wasm")));
    let kept = kept.unwrap();
    site.clear();

    let wasm = |version: &str| format!("artifacts/{NAME}/{version}/waits.wasm");
    // A changed byte of the artifact.
    site.bring_signed("2.0.0");
    let mut changed = kept.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(site.device.path(&wasm("2.0.0")), &changed).unwrap();
    site.refused("2.0.0", "ARTIFACT_CHECKSUM_MISMATCH", &[NAME, "waits.wasm", "digest"]);
    // Of what runs, on its way in.
    site.bring_signed("1.0.0");
    fs::write(site.device.path(&wasm("1.0.0")), &changed).unwrap();
    site.refused("1.0.0", "ARTIFACT_NOT_TRUSTED", &["waits.wasm", "another version"]);
    // Of the recipe.
    site.bring_signed("2.0.0");
    site.edit("2.0.0", "waits.wasm\"", "waits.wasm --more\"");
    site.refused("2.0.0", "RECIPE_NOT_TRUSTED", &[NAME, "2.0.0", "`build` does not hold"]);
    // Its configuration, and so what it may do.
    site.bring_signed("2.0.0");
    site.edit("2.0.0", "waits/#", "#");
    site.refused("2.0.0", "RECIPE_NOT_TRUSTED", &["`build` does not hold"]);
    // The artifact with a digest that goes with it.
    site.bring_signed("2.0.0");
    fs::write(site.device.path(&wasm("2.0.0")), &changed).unwrap();
    let recipe = site.device.path("recipes").join(format!("{NAME}-2.0.0.yaml"));
    let mut forged: Value = serde_json::from_slice(&fs::read(&recipe).unwrap()).unwrap();
    forged["Manifests"][0]["Artifacts"][0]["Digest"] =
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".into();
    fs::write(&recipe, forged.to_string()).unwrap();
    site.refused("2.0.0", "RECIPE_NOT_TRUSTED", &["`build` does not hold"]);
    // The signature.
    site.bring_signed("2.0.0");
    let mut forged: Value = serde_json::from_slice(&fs::read(&recipe).unwrap()).unwrap();
    let signatures =
        &mut forged["ComponentConfiguration"]["DefaultConfiguration"]["gg-host.signatures"];
    let signature = &mut signatures[0]["messageSignature"]["signature"];
    let text = signature.as_str().unwrap().to_owned();
    let other = if text.as_bytes()[20] == b'A' { "B" } else { "A" };
    *signature = format!("{}{other}{}", &text[..20], &text[21..]).into();
    fs::write(&recipe, forged.to_string()).unwrap();
    site.refused("2.0.0", "RECIPE_NOT_TRUSTED", &[NAME]);
    // A right signature for another version, and for another component.
    site.bring_signed("2.0.0");
    site.edit("2.0.0", "\"2.0.0\"", "\"3.0.0\"");
    site.refused("3.0.0", "RECIPE_NOT_TRUSTED", &["3.0.0", "`build` does not hold"]);
    site.bring("com.example.Other", "2.0.0");
    site.sign_recipe("build", "com.example.Other", "2.0.0");
    let other = site.device.path("recipes/com.example.Other-2.0.0.yaml");
    let text = fs::read_to_string(&other).unwrap().replace("com.example.Other", NAME);
    fs::write(&other, text).unwrap();
    site.refused("2.0.0", "RECIPE_NOT_TRUSTED", &[NAME, "`build` does not hold"]);
    // Somebody else's key.
    site.bring(NAME, "2.0.0");
    site.sign_recipe("other", NAME, "2.0.0");
    site.refused("2.0.0", "RECIPE_NOT_TRUSTED", &["does not know", "sign it with `build`"]);
    // The file itself is what it was.
    let path = site.device.root().join(format!("packages/artifacts/{NAME}/1.0.0/waits.wasm"));
    assert_eq!(fs::read(path).unwrap(), kept);
    drop(nucleus);
    let mut nucleus = site.device.start();
    nucleus.wait_until_said(NAME, "waiting");
}

#[test]
fn keys_expire_and_are_revoked_and_versions_grow_too_old() {
    let (site, _nucleus) = Site::new("");
    site.bring_signed("1.0.0");
    site.deploy("1.0.0").expect_code(0);
    site.clear();
    site.bring_signed("1.1.0");
    let clock = Clock::system();
    let end = clock.now() + Duration::from_secs(2);
    let end_text = humantime::format_rfc3339_seconds(end).to_string();
    site.trust(1, "", &format!("notAfter: {end_text}"));
    thread::sleep(end.duration_since(clock.now()).unwrap_or_default());
    site.refused("1.1.0", "RECIPE_NOT_TRUSTED", &["`build`", "valid until", &end_text]);
    // What was accepted before stays, also beside what is removed or added.
    let outcome = site
        .device
        .deploy(["--update-config", &format!("{{\"{NAME}\": {{\"MERGE\": {{\"a\": 1}}}}}}")]);
    outcome.expect_code(0);
    site.bring_signed("1.1.0");
    site.trust(1, "leastVersions: {com.example.Signed: 1.2.0}", "");
    site.refused("1.1.0", "RECIPE_NOT_TRUSTED", &["wants 1.2.0 or later"]);
    site.bring_signed("1.1.0");
    let mut verify = command("verify");
    verify.arg("--key").arg(site.device.path("build.pub"));
    verify.arg(site.device.path("recipes").join(format!("{NAME}-1.1.0.yaml")));
    finish(verify).expect_code(0);
    let pem = fs::read_to_string(site.device.path("build.pub")).unwrap();
    let id = gg_trust::PublicKey::from_pem(&pem).unwrap().id();
    site.trust(1, &format!("revoked: {{keys: ['{id}']}}"), "");
    site.refused("1.1.0", "RECIPE_NOT_TRUSTED", &["`build`", "revoked"]);
    // A policy that cannot be read lets nothing in.
    file(&site.device.root(), "trust.yaml", "format: gg-host/trust/1\nversion: 1\nkey: []\n");
    site.bring_signed("1.1.0");
    site.refused("1.1.0", "TRUST_POLICY_NOT_VALID", &["trust.yaml", "keys"]);
    assert_eq!(site.device.components(), ["com.example.Signed 1.0.0 RUNNING"]);
}

#[test]
fn a_deployment_brings_the_next_policy() {
    let (site, _nucleus) = Site::new("");
    let update = |policy: &str, signature: &str| {
        let update = serde_json::json!({
            "gg-host.TrustPolicy": {"MERGE": {"policy": policy, "signature": signature}},
        });
        site.device.deploy(["--update-config", &update.to_string()])
    };
    let signed = |key: &str, policy: &str| {
        let path = file(&site.device.path(""), "policy.yaml", policy);
        site.sign(key, &[path.to_str().unwrap()]);
        fs::read_to_string(site.device.path("policy.yaml.sigstore.json")).unwrap()
    };
    let cause = |outcome: &Outcome| {
        let detail = &outcome.expect_code(1).answer()["deploymentStatusDetails"];
        assert_eq!(detail["errorStack"][1], "TRUST_POLICY_NOT_VALID", "{detail}");
        detail["failureCause"].as_str().unwrap().to_owned()
    };
    let in_force = || fs::read_to_string(site.device.root().join("trust.yaml")).unwrap();
    let first = in_force();
    let open = site.policy(2, "sources: {local: off}", "");
    assert!(cause(&update(&open, &signed("other", &open))).contains("may not be replaced"));
    let changed = signed("build", &open.replace("off", "warn"));
    assert!(cause(&update(&open, &changed)).contains("may not be replaced"));
    let old = site.policy(1, "sources: {local: off}", "");
    assert!(cause(&update(&old, &signed("build", &old))).contains("higher"));
    assert_eq!(in_force(), first);
    update(&open, &signed("build", &open)).expect_code(0);
    assert_eq!(in_force(), open);
    // It counts from then on.
    site.bring(NAME, "1.0.0");
    site.deploy("1.0.0").expect_code(0);
}

#[test]
fn cosign_signs_recipes_too() {
    let (site, _nucleus) = Site::new("");
    site.bring(NAME, "1.0.0");
    let recipe = site.device.path("recipes").join(format!("{NAME}-1.0.0.yaml"));
    let artifacts = site.device.path("artifacts").join(NAME).join("1.0.0");
    let print = |arguments: &[&Path]| {
        let mut sign = command("sign");
        sign.arg("--recipe").arg(&recipe).arg("--artifact-dir").arg(&artifacts).args(arguments);
        let output = sign.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let statement = file(&site.device.path(""), "statement", print(&[Path::new("--statement")]));
    let cosign = std::env::var_os("GG_COSIGN_2")
        .expect("GG_COSIGN_2 names cosign; cargo xtask test brings it and sets it");
    let signature = site.device.path("statement.sig");
    let mut cosign = std::process::Command::new(cosign);
    cosign.args(["sign-blob", "--yes", "--tlog-upload=false", "--key"]);
    cosign.arg(site.device.path("build.key")).arg("--output-signature").arg(&signature);
    let output = cosign.arg(&statement).env("COSIGN_PASSWORD", PASSWORD).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let signed = print(&[Path::new("--signature"), &signature]);
    fs::write(&recipe, signed).unwrap();
    site.deploy("1.0.0").expect_code(0);
    assert_eq!(site.device.components(), ["com.example.Signed 1.0.0 RUNNING"]);
}

#[test]
fn signatures_may_lie_beside_a_recipe_and_be_asked_for_without_effect() {
    let (site, _nucleus) = Site::new("");
    site.bring_signed("1.0.0");
    // Signed as a file, and not in itself.
    let path = site.device.path("recipes").join(format!("{NAME}-1.0.0.yaml"));
    let mut recipe: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let configuration = &mut recipe["ComponentConfiguration"]["DefaultConfiguration"];
    configuration.as_object_mut().unwrap().remove("gg-host.signatures").unwrap();
    fs::write(&path, recipe.to_string()).unwrap();
    site.sign("build", &[path.to_str().unwrap()]);
    site.deploy("1.0.0").expect_code(0);
    site.clear();
    // Where the policy only wants to be told, it is told.
    site.trust(1, "sources: {local: warn, cloud: warn}", "");
    site.bring(NAME, "1.1.0");
    site.deploy("1.1.0").expect_code(0);
    assert_eq!(site.device.components(), ["com.example.Signed 1.1.0 RUNNING"]);
}
