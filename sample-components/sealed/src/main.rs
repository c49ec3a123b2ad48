//! Seals messages: each is published again with a number that takes the secret to make. A secret is
//! looked at for as long as it is needed, and asked for anew each time, so that one that was rotated
//! counts from the next message on.

use gg_sdk::secrets;

fn main() -> gg_sdk::Result<()> {
    let name: String = gg_sdk::config::get("secret")?;
    let filter: String = gg_sdk::config::get("filter")?;
    for message in gg_sdk::subscribe(&filter)? {
        let message = message?;
        let secret = secrets::get(&name)?;
        let seal = seal(secret.text()?.as_bytes(), &message.payload);
        let text = String::from_utf8_lossy(&message.payload);
        gg_sdk::publish("sealed", format!("{text} {seal:016x}"))?;
        // The handle shows nothing of the secret.
        gg_sdk::info!("sealed", version = secret.version(), secret = format!("{secret:?}"));
    }
    Ok(())
}

/// FNV-1a over both, which shows the way and keeps nobody out: take an HMAC for that.
fn seal(key: &[u8], message: &[u8]) -> u64 {
    let bytes = key.iter().chain(message);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
