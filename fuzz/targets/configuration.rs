//! The configuration tree: any values at any times keep its rules.
#![no_main]

use gg_model::ConfigTree;

libfuzzer_sys::fuzz_target!(|input: (&str, &str, Vec<&str>, i64)| {
    let (first, second, path, at) = input;
    let (Ok(first), Ok(second)) = (serde_json::from_str(first), serde_json::from_str(second))
    else {
        return;
    };
    let Ok(mut tree) = ConfigTree::from_json(&first, at) else { return };
    if tree.merge(&path, &second, at).is_ok() {
        let before = tree.to_json();
        // The same again changes nothing.
        let again = tree.merge(&path, &second, at).expect("what fitted once fits again");
        assert!(again.paths.is_empty());
        assert_eq!(tree.to_json(), before);
    }
});
