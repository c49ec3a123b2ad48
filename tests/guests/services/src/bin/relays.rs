//! Subscribes to `numbers` and publishes each number to `relayed` with its version, which tests
//! change in the file.

static VERSION: &str = "version-A";

fn main() -> gg_sdk::Result<()> {
    let version = std::hint::black_box(VERSION);
    let numbers = gg_sdk::Subscribe::new().queue(10_000).to("numbers")?;
    println!("{version} subscribed");
    for message in numbers {
        let number: u64 = message?.json()?;
        gg_sdk::publish_json("relayed", &serde_json::json!({ "number": number, "by": version }))?;
    }
    println!("{version} done");
    Ok(())
}
