use super::*;

#[test]
fn an_excerpt_is_short_and_printable() {
    assert_eq!(excerpt("a\nb\0"), "a\\nb\\0");
    let long = excerpt(&"x".repeat(1_000_000));
    assert_eq!(long.chars().count(), 81);
    assert!(long.ends_with('…'));
}

#[test]
fn a_misspelt_word_finds_its_neighbour() {
    let words = ["Manifests", "ComponentName", "os"];
    assert_eq!(suggest("Manifest", words), Some("Manifests"));
    assert_eq!(suggest("componetname", words), Some("ComponentName"));
    assert_eq!(suggest("so", words), Some("os"));
    assert_eq!(suggest("Banana", words), None);
    assert_eq!(suggest(&"M".repeat(100_000), words), None);
}
