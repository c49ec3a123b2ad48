//! Grows its memory until the host refuses, notices, and lives on.

fn main() {
    let mut pages = 0_usize;
    while core::arch::wasm32::memory_grow::<0>(16) != usize::MAX {
        pages += 16;
    }
    println!("refused after {} MiB", pages / 16);
    for _ in 0..1000 {
        assert_eq!(core::arch::wasm32::memory_grow::<0>(1024), usize::MAX);
    }
    println!("lives on");
}
