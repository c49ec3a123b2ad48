//! Says one line of the length that its first argument says.

fn main() {
    let length = std::env::args().nth(1).expect("a length").parse().expect("a number");
    println!("{}", "y".repeat(length));
}
