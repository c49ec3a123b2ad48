use super::*;

fn first(version: Option<&str>, payload: &str) -> Message {
    let payload = Payload(payload.as_bytes().to_vec().into());
    Message::Connect(Connect { version: version.map(str::to_owned), payload })
}

#[test]
fn a_client_is_known_by_its_token() {
    let own = connect(&Token::new("A+/b".to_owned())).unwrap();
    assert_eq!(token(&own).unwrap().reveal(), "A+/b");
    let Message::Connect(Connect { version, payload }) = &own else { panic!("it is CONNECT") };
    assert_eq!(version.as_deref(), Some("0.1.0"));
    assert_eq!(&payload[..], br#"{"authToken":"A+/b"}"#);
    // As Python writes it, and with more than is known.
    let other = first(Some("0.1.0"), r#"{"authToken": "TOK", "componentName": "x"}"#);
    assert_eq!(token(&other).unwrap().reveal(), "TOK");
}

#[test]
fn another_version_is_refused() {
    for version in [None, Some(""), Some("0.1"), Some("0.1.1"), Some("1.0.0"), Some("v0.1.0")] {
        let refusal = token(&first(version, r#"{"authToken":"T"}"#)).unwrap_err();
        assert_eq!(refusal, Refusal::Version(version.map(str::to_owned)));
        assert_eq!(refusal.answer(), Message::ConnectAck { accepted: false });
    }
    let long = token(&first(Some(&"9".repeat(30_000)), "{}")).unwrap_err();
    assert!(long.to_string().len() < 200);
}

#[test]
fn without_a_token_nobody_is_let_in() {
    for payload in ["", "{}", r#"{"authToken":null}"#, r#"{"authToken":""}"#] {
        let refusal = token(&first(Some("0.1.0"), payload)).unwrap_err();
        assert_eq!(refusal, Refusal::NoToken, "{payload}");
        assert_eq!(refusal.answer(), Message::ConnectAck { accepted: false });
    }
    for payload in ["{", "[]", "null", "\"T\"", r#"{"authToken":1}"#, "\0"] {
        let refusal = token(&first(Some("0.1.0"), payload)).unwrap_err();
        assert!(matches!(refusal, Refusal::Payload(_)), "{payload}");
        assert_eq!(refusal.answer(), Message::ConnectAck { accepted: false });
    }
}

#[test]
fn nothing_else_comes_first() {
    for message in
        [Message::ConnectAck { accepted: true }, Message::Ping(crate::message::Ping::default())]
    {
        let refusal = token(&message).unwrap_err();
        assert_eq!(refusal, Refusal::NotConnect);
        assert!(matches!(refusal.answer(), Message::ProtocolError(_)));
    }
}

#[test]
fn a_client_is_let_in_by_an_ack_alone() {
    assert_eq!(accepted(&Message::ConnectAck { accepted: true }), Ok(()));
    assert_eq!(accepted(&Message::ConnectAck { accepted: false }), Err(Denied::Access));
    assert_eq!(accepted(&Message::ProtocolError(String::new())), Err(Denied::NoAck));
}

#[test]
fn debug_shows_no_token() {
    let token = Token::new("hunter2".to_owned());
    assert_eq!(format!("{token:?}"), "(secret)");
    let shown = format!("{:?}", connect(&token).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}
