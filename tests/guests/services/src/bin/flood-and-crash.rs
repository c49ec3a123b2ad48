//! Logs far more than is written down, and crashes in the middle of it.

fn main() {
    for number in 0..20_000 {
        gg_sdk::info!("flood {number}");
    }
    panic!("after the flood");
}
