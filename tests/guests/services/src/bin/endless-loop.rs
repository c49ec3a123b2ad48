//! Runs for ever and asks nothing of the host.

fn main() {
    println!("looping");
    let mut count = 0_u64;
    loop {
        count = std::hint::black_box(count.wrapping_add(1));
    }
}
