//! What a start costs is measured with the least that can be seen to have run.

fn main() {
    println!("hello");
}
