//! Wants a queue of the length that its first argument says.

use gg_sdk::Subscribe;

fn main() {
    let length = std::env::args().nth(1).expect("a length").parse().expect("a number");
    match Subscribe::new().queue(length).to("long/queue") {
        Ok(_) => println!("got a queue of {length}"),
        Err(error) => println!("refused: {error}"),
    }
}
