//! Publishes numbers to four topics of the cloud, each after the one before is taken, and says at the
//! address in its argument which are. Every start goes on above all earlier ones.

use gg_sdk::mqtt;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn main() {
    let address = std::env::args().nth(1).expect("an address");
    let mut stream = TcpStream::connect(address).expect("somebody who listens");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    for number in now.as_micros().. {
        let topic = format!("numbers/{}", number % 4);
        match mqtt::publish(&topic, number.to_string()) {
            Ok(()) => writeln!(stream, "{number}").expect("somebody who listens"),
            Err(error) => {
                println!("not taken: {error}");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}
