//! Subscribes until it is refused, and again after it gave all back.

fn main() {
    for round in 1..=2 {
        let mut open = Vec::new();
        let refusal = loop {
            match gg_sdk::subscribe(&format!("flood/{}", open.len())) {
                Ok(subscription) => open.push(subscription),
                Err(error) => break error,
            }
        };
        println!("round {round}: {} open, then: {refusal}", open.len());
    }
}
