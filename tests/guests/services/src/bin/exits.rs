//! Ends as its first argument says: `ok`, `panic`, `abort`, `stderr` (a word, then code 1), or a
//! number.

fn main() -> Result<(), String> {
    let how = std::env::args().nth(1).unwrap_or_default();
    gg_sdk::info!("ending: {how}");
    match how.as_str() {
        "ok" => Ok(()),
        "error" => Err("as asked".to_owned()),
        "panic" => panic!("as asked"),
        "abort" => std::process::abort(),
        code => std::process::exit(code.parse().expect("a code")),
    }
}
