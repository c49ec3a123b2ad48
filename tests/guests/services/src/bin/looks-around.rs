//! Says what it was given: arguments, variables, the whole configuration, and what is in each of
//! its folders; and leaves a file in each.

use std::fs;

fn main() {
    println!("arguments: {:?}", std::env::args().skip(1).collect::<Vec<_>>());
    for (name, value) in std::env::vars() {
        println!("variable {name}={value}");
    }
    match gg_sdk::config::get::<serde_json::Value>("") {
        Ok(value) => println!("configuration: {value}"),
        Err(error) => println!("configuration: {error}"),
    }
    for (_, folder) in wasip2::filesystem::preopens::get_directories() {
        let mut names: Vec<String> = fs::read_dir(&folder)
            .expect("a folder can be read")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let wrote = fs::write(format!("{folder}/left-by-guest"), "hello").is_ok();
        println!("folder {folder}: {names:?}, writable: {wrote}");
    }
}
