use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Option<Vec<u8>> {
    serde_json::from_value::<Blob>(text.into()).ok().map(|blob| blob.0.to_vec())
}

#[test]
fn bytes_are_base64_with_padding() {
    for (bytes, text) in
        [(&b""[..], ""), (b"a", "YQ=="), (b"ab", "YWI="), (b"\xff\xfe\xfb", "//77")]
    {
        let blob = Blob::from(bytes.to_vec());
        assert_eq!(serde_json::to_value(&blob).unwrap(), text);
        assert_eq!(read(text).as_deref(), Some(bytes));
    }
}

#[test]
fn padding_may_be_left_out() {
    for text in ["YQ==", "YQ=", "YQ"] {
        assert_eq!(read(text), Some(b"a".to_vec()));
    }
    assert_eq!(read("YWI"), Some(b"ab".to_vec()));
}

#[test]
fn other_text_is_refused() {
    for text in ["Y", "YQ==YQ==", "_-77", "YQ =", "\n", "=", "ü"] {
        assert_eq!(read(text), None, "{text:?}");
    }
    assert!(serde_json::from_str::<Blob>("null").is_err());
    assert!(serde_json::from_str::<Blob>("[97]").is_err());
}

#[test]
fn escapes_of_json_are_base64_too() {
    assert_eq!(serde_json::from_str::<Blob>(r#""\/\/77""#).unwrap().0, &b"\xff\xfe\xfb"[..]);
}

proptest! {
    #[test]
    fn bytes_come_back(blob: Blob) {
        let json = serde_json::to_string(&blob).unwrap();
        prop_assert_eq!(serde_json::from_str::<Blob>(&json).unwrap(), blob);
    }
}
