//! Writes lines as fast as it can; with the argument `endless-line`, one line without an end.

use std::io::Write;

fn main() {
    let endless_line = std::env::args().nth(1).is_some_and(|argument| argument == "endless-line");
    let chunk = if endless_line { vec![b'x'; 4096] } else { b"flood\n".repeat(512) };
    println!("flooding");
    let mut stdout = std::io::stdout().lock();
    loop {
        stdout.write_all(&chunk).expect("to write");
        if endless_line {
            // The standard library keeps an unfinished line back otherwise.
            stdout.flush().expect("to flush");
        }
    }
}
