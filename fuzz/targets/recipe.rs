//! Recipes, as JSON and YAML, and what their configuration grants.
#![no_main]

use gg_model::{Platform, Recipe, Sandbox};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(recipe) = Recipe::parse(text) {
        let _ = recipe.manifest_for(&Platform::default());
        let _ = Sandbox::from_configuration(&recipe.default_configuration);
    }
    if let Ok(value) = serde_json::from_str(text) {
        let _ = Sandbox::from_configuration(&value);
    }
});
