//! Calls itself: without end, or as deep as its first argument says.

fn main() {
    let depth = std::env::args().nth(1).map_or(u64::MAX, |depth| depth.parse().expect("a depth"));
    println!("descending");
    println!("sum {}", descend(depth));
}

#[inline(never)]
fn descend(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 32]);
    if depth == 0 {
        return 0;
    }
    // Used after the call, so that it cannot become a loop.
    let below = descend(depth - 1);
    below.wrapping_add(std::hint::black_box(frame)[31])
}
