//! Makes resources of the host and gives none back.

use wasip2::clocks::monotonic_clock::subscribe_duration;

fn main() {
    let most: u64 =
        std::env::args().nth(1).map_or(u64::MAX, |count| count.parse().expect("a count"));
    println!("hoarding");
    for _ in 0..most {
        std::mem::forget(subscribe_duration(1_000_000_000));
    }
    println!("hoarded {most}");
}
