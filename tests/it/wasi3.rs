//! Components of WASI 0.3: they run in a build with the feature, and are refused with a word about
//! it in one without.

use crate::host::{guest, run};

#[cfg(feature = "wasi3")]
#[test]
fn a_component_of_wasi_03_runs() {
    let outcome = run([guest("wasi3")]).finish();
    outcome.expect_code(0).expect("wasi3", "hello from 0.3, waited: true");
}

#[cfg(feature = "wasi3")]
#[test]
fn components_of_wasi_02_run_beside_it() {
    let outcome = run([guest("wasi3"), guest("waits")])
        .publish("waits/a", "hello")
        .args(["--until", "wasi3"])
        .finish();
    outcome.expect_code(0).expect("wasi3", "hello from 0.3");
}

#[cfg(not(feature = "wasi3"))]
#[test]
fn a_component_of_wasi_03_is_refused_with_the_name_of_the_feature() {
    let outcome = run([guest("wasi3")]).finish();
    outcome
        .expect_code(1)
        .expect_error("wasi3.wasm")
        .expect_error("WASI 0.3 needs a build with the feature wasi3");
}
