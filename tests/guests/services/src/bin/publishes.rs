//! Publishes the numbers from 0 to its topic, one every so many milliseconds, until it is asked to
//! stop or has published so many. Configuration: `topic`, `pauseMs`, `count`.

use std::time::Duration;

fn main() -> gg_sdk::Result<()> {
    let topic: String = gg_sdk::config::get_or("topic", "numbers".to_owned())?;
    let pause: u64 = gg_sdk::config::get_or("pauseMs", 1)?;
    let most: u64 = gg_sdk::config::get_or("count", u64::MAX)?;
    let mut number = 0;
    while number < most && !gg_sdk::lifecycle::stopping() {
        if let Err(error) = gg_sdk::publish_json(&topic, &number) {
            gg_sdk::error!("cannot publish: {error}");
            std::process::exit(1);
        }
        number += 1;
        std::thread::sleep(Duration::from_millis(pause));
    }
    println!("published {number}");
    Ok(())
}
