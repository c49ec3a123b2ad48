use super::*;
use crate::testing::any_bytes;
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Result<Headers, HeaderError> {
    Headers::read(Bytes::copy_from_slice(bytes))
}

fn put_one(name: &str, value: HeaderValue<'_>) -> Result<Vec<u8>, HeaderError> {
    let mut out = Vec::new();
    put(&mut out, name, value).map(|()| out)
}

#[test]
fn all_kinds_have_their_bytes() {
    let uuid = *b"0123456789abcdef";
    #[rustfmt::skip]
    let table: [(HeaderValue<'_>, &[u8]); 10] = [
        (HeaderValue::Bool(true), b"\x01n\x00"),
        (HeaderValue::Bool(false), b"\x01n\x01"),
        (HeaderValue::Byte(-2), b"\x01n\x02\xfe"),
        (HeaderValue::Int16(-2), b"\x01n\x03\xff\xfe"),
        (HeaderValue::Int32(258), b"\x01n\x04\0\0\x01\x02"),
        (HeaderValue::Int64(-1), b"\x01n\x05\xff\xff\xff\xff\xff\xff\xff\xff"),
        (HeaderValue::Bytes(b"\xff\0"), b"\x01n\x06\0\x02\xff\0"),
        (HeaderValue::String("ü"), b"\x01n\x07\0\x02\xc3\xbc"),
        (HeaderValue::Timestamp(1), b"\x01n\x08\0\0\0\0\0\0\0\x01"),
        (HeaderValue::Uuid(uuid), b"\x01n\x090123456789abcdef"),
    ];
    for (value, bytes) in table {
        assert_eq!(put_one("n", value).unwrap(), bytes);
        let headers = read(bytes).unwrap();
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("n", value)]);
        // Cut off anywhere, it is an error.
        for end in 1..bytes.len() {
            assert_eq!(read(&bytes[..end]), Err(HeaderError::CutOff), "{value:?}");
        }
    }
}

#[test]
fn kinds_that_do_not_exist_are_refused() {
    for kind in 10..=u8::MAX {
        assert_eq!(read(&[1, b'n', kind]), Err(HeaderError::UnknownKind(kind)));
    }
}

#[test]
fn names_may_be_empty_and_of_255_bytes() {
    for length in [0, 255] {
        let name = "n".repeat(length);
        let bytes = put_one(&name, HeaderValue::Bool(true)).unwrap();
        assert_eq!(read(&bytes).unwrap().iter().next().unwrap().0, name);
    }
    let length = 256;
    assert_eq!(
        put_one(&"n".repeat(length), HeaderValue::Bool(true)),
        Err(HeaderError::NameTooLong { length })
    );
}

#[test]
fn values_have_at_most_32767_bytes() {
    let longest = "v".repeat(MAX_VALUE_BYTES);
    let bytes = put_one("n", HeaderValue::String(&longest)).unwrap();
    assert!(read(&bytes).is_ok());
    for length in [MAX_VALUE_BYTES + 1, 65_535, 65_536, 1_000_000] {
        let value = vec![0; length];
        let expected = Err(HeaderError::ValueTooLong { length });
        assert_eq!(put_one("n", HeaderValue::Bytes(&value)), expected);
    }
    let mut bytes = b"\x01n\x06\x80\x00".to_vec();
    bytes.resize(40_000, 0);
    assert_eq!(read(&bytes), Err(HeaderError::ValueTooLong { length: 32_768 }));
}

#[test]
fn names_and_texts_are_utf8() {
    assert_eq!(read(b"\x01\xff\x00"), Err(HeaderError::NotUtf8));
    assert_eq!(read(b"\x01n\x07\0\x01\xff"), Err(HeaderError::NotUtf8));
    assert!(read(b"\x01n\x06\0\x01\xff").is_ok());
}

#[test]
fn headers_are_counted_and_measured() {
    let most = b"\x01n\x00".repeat(MAX_HEADERS);
    assert_eq!(read(&most).unwrap().iter().count(), MAX_HEADERS);
    assert_eq!(read(&b"\x01n\x00".repeat(MAX_HEADERS + 1)), Err(HeaderError::TooMany));
    let length = MAX_BLOCK_BYTES + 1;
    assert_eq!(read(&vec![0; length]), Err(HeaderError::BlockTooLong { length }));
}

#[test]
fn names_may_come_twice_and_keep_their_order() {
    let list =
        [("b", HeaderValue::Int32(1)), ("a", HeaderValue::Byte(2)), ("b", HeaderValue::Bool(true))];
    let headers = Headers::new(list).unwrap();
    assert_eq!(headers.iter().collect::<Vec<_>>(), list);
    assert_eq!(format!("{headers:?}"), r#"{"b": Int32(1), "a": Byte(2), "b": Bool(true)}"#);
}

proptest! {
    #[test]
    fn any_bytes_are_headers_or_an_error(bytes in any_bytes()) {
        if let Ok(headers) = read(&bytes) {
            prop_assert_eq!(headers.as_bytes(), &bytes[..]);
            // What was read is written alike.
            prop_assert_eq!(Headers::new(headers.iter()).unwrap(), headers);
        }
    }

    #[test]
    fn values_come_back(
        name in ".{0,60}", a in any::<i8>(), b in any::<i16>(), c in any::<i32>(), d in any::<i64>(),
        bytes in any_bytes(), text in any::<String>(), e in any::<i64>(), uuid in any::<[u8; 16]>(),
    ) {
        let list = [
            HeaderValue::Byte(a), HeaderValue::Int16(b), HeaderValue::Int32(c),
            HeaderValue::Int64(d), HeaderValue::Bytes(&bytes), HeaderValue::String(&text),
            HeaderValue::Timestamp(e), HeaderValue::Uuid(uuid),
        ].map(|value| (&name[..], value));
        let headers = Headers::new(list).unwrap();
        prop_assert_eq!(headers.iter().collect::<Vec<_>>(), list);
    }
}
