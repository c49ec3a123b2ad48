//! Calls itself: without end, or as deep as its first argument says.

fn main() {
    let depth = std::env::args().nth(1).map_or(u64::MAX, |depth| depth.parse().expect("a depth"));
    println!("descending");
    println!("sum {}", descend(depth));
}

#[inline(never)]
fn descend(depth: u64) -> u64 {
    if depth == 0 {
        return 0;
    }
    // The sum is taken after the call, so that it cannot become a loop.
    std::hint::black_box(descend(depth - 1)).wrapping_add(depth)
}
