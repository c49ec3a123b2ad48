//! Says its arguments, a line each, with `\xNN`-like escapes undone: `^[` for escape, `^G` for
//! bell, `^M` for carriage return, `^R` for a mark that turns the direction of text. Also as log
//! records.

fn main() {
    for argument in std::env::args().skip(1) {
        let text = argument
            .replace("^[", "\u{1b}")
            .replace("^G", "\u{7}")
            .replace("^M", "\r")
            .replace("^R", "\u{202e}");
        println!("{text}");
        eprintln!("{text}");
        gg_sdk::info!("{text}", field = text);
    }
}
