//! Waits, and does not end when it is asked to.

use std::time::Duration;

fn main() {
    println!("waiting");
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}
