//! Crashes in a function whose name is easily found, after some words.

fn main() {
    for word in ["one", "two", "three"] {
        gg_sdk::info!("before the crash: {word}");
    }
    outer_function(std::env::args().count());
}

#[inline(never)]
fn outer_function(count: usize) {
    innermost_function(count);
    std::hint::black_box(count);
}

#[inline(never)]
fn innermost_function(count: usize) {
    if std::hint::black_box(count) > 0 {
        core::arch::wasm32::unreachable();
    }
}
