//! Recipe variables: any braces in any text.
#![no_main]

use gg_model::interpolate;

libfuzzer_sys::fuzz_target!(|input: (&str, &str)| {
    let (text, value) = input;
    assert_eq!(interpolate(text, |_, _| None).as_deref(), Ok(text));
    let mut asked = 0;
    let replaced = interpolate(text, |_, _| {
        asked += 1;
        Some(value.to_owned())
    });
    if asked == 0 {
        assert_eq!(replaced.as_deref(), Ok(text));
    }
});
