use super::*;

#[test]
fn strings_do_not_fool_it() {
    for (json, depth, values) in [
        ("", 0, 1),
        ("1", 0, 1),
        ("{}", 1, 2),
        ("[1]", 1, 2),
        ("[1,2]", 1, 3),
        (r#"{"a":[{}],"b":[]}"#, 3, 6),
        (r#"{"[[[,,":"{{{,"}"#, 1, 2),
        (r#"{"\"[,":"\\","b":[]}"#, 2, 4),
        (r#"{"a":"\\\"[[,"}"#, 1, 2),
        ("]]}}[", 1, 2),
    ] {
        assert_eq!(Extent::of(json.as_bytes()), Extent { depth, values }, "{json}");
    }
}
