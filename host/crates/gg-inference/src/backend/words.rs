//! What engines say, for people.

/// Most characters of the beginning of a text, and of its end.
const BEGINNING: usize = 150;
const END: usize = 250;

/// A text on one line, and not longer than a person reads: of a long one what it begins with, and
/// what it ends with, which is the reason.
pub fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let whole = words.join(" ");
    let characters = whole.chars().count();
    if characters <= BEGINNING + END {
        return whole;
    }
    let beginning = whole.chars().take(BEGINNING);
    beginning.chain(['…']).chain(whole.chars().skip(characters - END)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_lose_their_middle() {
        assert_eq!(line(" a\n  b\t"), "a b");
        let long = format!("begin {} end", "é".repeat(BEGINNING + END));
        let short = line(&long);
        assert_eq!(short.chars().count(), BEGINNING + 1 + END);
        assert!(short.starts_with("begin é") && short.ends_with("é end"), "{short}");
        let fits = "x".repeat(BEGINNING + END);
        assert_eq!(line(&fits), fits);
    }
}
