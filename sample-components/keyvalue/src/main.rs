//! Counts how often it was started, and keeps the last message of every topic, in
//! `wasi:keyvalue`.

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package example:keyvalue;
            world imports {
                import wasi:keyvalue/store@0.2.0-draft;
                import wasi:keyvalue/atomics@0.2.0-draft;
            }
        ",
        path: "wit",
        generate_all,
    });
}

use bindings::wasi::keyvalue::{atomics, store};

fn main() {
    if let Err(error) = run() {
        gg_sdk::error!("{error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), String> {
    let bucket = store::open("default").map_err(text)?;
    let starts = atomics::increment(&bucket, "starts", 1).map_err(text)?;
    gg_sdk::info!("started", times = starts);

    let filter: String = gg_sdk::config::get_or("filter", "#".to_owned()).map_err(text)?;
    for message in gg_sdk::subscribe(&filter).map_err(text)? {
        let message = message.map_err(text)?;
        let key = format!("last/{}", message.topic);
        let known = bucket.exists(&key).map_err(text)?;
        bucket.set(&key, &message.payload).map_err(text)?;
        let keys = bucket.list_keys(None).map_err(text)?.keys.len();
        gg_sdk::info!("kept", key = key, known = known, keys = keys);
    }
    Ok(())
}

fn text(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}
