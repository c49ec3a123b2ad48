//! Logs as fast as it can: without end, or as often as its first argument says.

fn main() {
    let most = std::env::args().nth(1).map_or(u64::MAX, |count| count.parse().expect("a count"));
    for number in 0..most {
        gg_sdk::info!("flood {number}", filler = "some words beside it");
    }
}
