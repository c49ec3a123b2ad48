//! Calls one function of the host, the one it is itself named after, with more than is reasonable:
//! as many bytes, or a list as long, as its first argument says.

use gg_sdk::bindings::gg::host::{configuration, logging, pubsub, types::PayloadFormat};

fn main() {
    let mut arguments = std::env::args();
    let function = arguments.next().expect("a name");
    let size: usize = arguments.next().expect("a size").parse().expect("a number");
    println!("calling {function}");
    let outcome = call(&function, size);
    println!("came back: {}", outcome.chars().take(300).collect::<String>());
}

fn call(function: &str, size: usize) -> String {
    let text = || "a".repeat(size);
    match function {
        "publish-payload" => show(pubsub::publish("giant", &vec![0; size], PayloadFormat::Binary)),
        "publish-json" => {
            let payload = format!("\"{}\"", "a".repeat(size - 2));
            show(pubsub::publish("giant", payload.as_bytes(), PayloadFormat::Json))
        }
        "publish-topic" => show(pubsub::publish(&text(), b"", PayloadFormat::Binary)),
        "subscribe" => show(pubsub::subscribe(&text()).map(drop)),
        "subscribe-with" => {
            let options =
                pubsub::SubscribeOptions { receive_mode: None, queue: None, when_full: None };
            show(pubsub::subscribe_with(&text(), options).map(drop))
        }
        "next-any" => {
            let subscription = pubsub::subscribe("giant/none").expect("to subscribe");
            let all = vec![&subscription; size / 4];
            show(pubsub::next_any(&all, Some(1)).map(|arrival| assert!(arrival.is_none())))
        }
        "config-get" => show(configuration::get(&[text()]).map(drop)),
        "config-get-deep" => show(configuration::get(&vec![String::new(); size / 8]).map(drop)),
        "config-get-of" => show(configuration::get_of(&text(), &[]).map(drop)),
        "config-update" => {
            let value = format!("\"{}\"", "a".repeat(size - 2));
            show(configuration::update(&["giant".to_owned()], &value, None))
        }
        "config-update-nested" => {
            let value = format!("{}{}", "[".repeat(size / 2), "]".repeat(size / 2));
            show(configuration::update(&["giant".to_owned()], &value, None))
        }
        "config-update-path" => {
            show(configuration::update(&vec!["a".to_owned(); size / 8], "1", None))
        }
        "config-watch" => show(configuration::watch(&[text()]).map(drop)),
        "log-message" => {
            logging::log(logging::Level::Info, &text(), &[]);
            "logged".to_owned()
        }
        "log-fields" => {
            let fields = vec![("key".to_owned(), "value".to_owned()); size / 16];
            logging::log(logging::Level::Info, "many fields", &fields);
            "logged".to_owned()
        }
        "log-field" => {
            logging::log(logging::Level::Info, "a large field", &[("key".to_owned(), text())]);
            "logged".to_owned()
        }
        "random" => {
            let bytes = wasip2::random::random::get_random_bytes(size as u64);
            format!("{} bytes", bytes.len())
        }
        "insecure-random" => {
            let bytes = wasip2::random::insecure::get_insecure_random_bytes(size as u64);
            format!("{} bytes", bytes.len())
        }
        "stdout" => {
            let stdout = wasip2::cli::stdout::get_stdout();
            show(stdout.write(&vec![b'a'; size]))
        }
        "poll" => {
            let pollable = wasip2::clocks::monotonic_clock::subscribe_duration(0);
            let all = vec![&pollable; size / 4];
            format!("{} ready", wasip2::io::poll::poll(&all).len())
        }
        other => panic!("there is no function {other}"),
    }
}

fn show<E: std::fmt::Debug>(result: Result<(), E>) -> String {
    format!("{result:?}")
}
