//! Watches its configuration more often than it may.

fn main() {
    gg_sdk::config::update("flood", &1).expect("a value to watch");
    let mut open = Vec::new();
    let refusal = loop {
        match gg_sdk::config::watch("flood") {
            Ok(watcher) => open.push(watcher),
            Err(error) => break error,
        }
    };
    println!("{} open, then: {refusal}", open.len());
}
