//! Logs as often as its first argument says, and crashes in the middle of it.

fn main() {
    let count: u32 = std::env::args().nth(1).expect("a count").parse().expect("a number");
    for number in 0..count {
        gg_sdk::info!("flood {number}");
    }
    panic!("after the flood");
}
