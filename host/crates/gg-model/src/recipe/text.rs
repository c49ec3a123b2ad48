//! From a recipe's text to a JSON value, with limits on what a small text may grow into.

use super::{MAX_RECIPE_BYTES, RecipeError, RecipeFormat};
use crate::text::parser_reason;
use serde_json::Value;
use serde_saphyr::UserMessageFormatter;

/// Most levels of nesting in YAML. The parser recurses with large frames: without optimisation a
/// level takes more than 20 KB of stack, and a thread may have no more than 2 MB.
const MAX_DEPTH: usize = 32;

/// Most values in YAML, with every use of an alias counted in full.
const MAX_VALUES: usize = 100_000;

/// Read the text as JSON if it begins with `{`, else as YAML.
pub(super) fn parse(text: &str) -> Result<Value, RecipeError> {
    if text.len() > MAX_RECIPE_BYTES {
        return Err(RecipeError::TooLong { length: text.len() });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') { json(text) } else { yaml(text) }
}

fn json(text: &str) -> Result<Value, RecipeError> {
    serde_json::from_str(text).map_err(|error| RecipeError::Syntax {
        format: RecipeFormat::Json,
        line: error.line().try_into().unwrap_or(u64::MAX),
        column: error.column().try_into().unwrap_or(u64::MAX),
        message: parser_reason(&error.to_string()),
    })
}

fn yaml(text: &str) -> Result<Value, RecipeError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_VALUES,
            max_events: 4 * MAX_VALUES,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: 2 * MAX_VALUES,
            max_recorded_anchor_bytes: 8 * MAX_RECIPE_BYTES,
            max_total_scalar_bytes: 8 * MAX_RECIPE_BYTES,
            max_merge_keys: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_VALUES,
            max_replay_stack_depth: 16,
        },
        // What looks like a number with a leading zero is an identifier: an account, a date.
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        RecipeError::Syntax {
            format: RecipeFormat::Yaml,
            line: place.map_or(0, |place| place.line()),
            column: place.map_or(0, |place| place.column()),
            message: parser_reason(&error.render_with_formatter(&UserMessageFormatter)),
        }
    })
}
