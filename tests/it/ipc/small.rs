//! The SDK for small devices, in C: a frame of more than 10,000 bytes, or a header of a type that it does
//! not know, ends its program. It is played here, byte by byte. It is known by saying nothing of the
//! format of its requests.

use super::raw::{
    APPLICATION_MESSAGE, Frame, Header, JSON, Raw, TERMINATE, frame, head, message, token,
    token_holder,
};
use super::{is_root, native_device};
use serde_json::json;

const NAME: &str = "com.example.Small";

/// Its buffer.
const MOST: usize = 10_000;

/// A frame that it survives, with what it insists on.
#[track_caller]
fn survived(frame: Frame) -> Frame {
    assert!(frame.length <= MOST, "{} bytes", frame.length);
    // That it has headers of two types only was seen when it was read.
    assert_eq!(frame.text(":content-type"), Some("application/json"));
    frame
}

#[test]
fn the_client_for_small_devices_is_given_nothing_that_ends_it() {
    if !is_root() {
        return;
    }
    let device = native_device();
    let long = "x".repeat(2 * MOST);
    let rights = "aws.greengrass.ipc.pubsub: {a: {operations: ['*'], resources: ['*']}}";
    let configuration = format!(
        "{{long: '{long}', list: {:?}, short: 1, accessControl: {{{rights}}}}}",
        vec![1; MOST]
    );
    token_holder(&device, NAME, &configuration);
    let mut nucleus = device.start();
    device.deploy(["--merge", &format!("{NAME}=1.0.0")]).expect_code(0);
    let token = token(&device, &mut nucleus, NAME);

    let mut small = Raw::new(&device, &token);
    // Unary: it ends its stream itself, since the client would have to otherwise.
    let answer = survived(small.call("GetConfiguration", &[], r#"{"keyPath": ["short"]}"#));
    assert_eq!(answer.model(), "GetConfigurationResponse");
    assert_eq!(answer.json(), json!({"componentName": NAME, "value": {"short": 1}}));
    // It names the wrong shape in one request; the operation alone counts.
    let mut headers = head(APPLICATION_MESSAGE, 0, small.stream());
    headers.push(("operation", Header::Text("aws.greengrass#GetConfiguration")));
    headers.push(("service-model-type", Header::Text("aws.greengrass#GetConfigurationResponse")));
    small.send(&frame(&headers, br#"{"keyPath": ["short"]}"#));
    assert_eq!(survived(small.read().unwrap()).json()["value"], json!({"short": 1}));
    // What is too long is an error, never a frame that is too long.
    for key in ["long", "list"] {
        let path = format!(r#"{{"keyPath": ["{key}"]}}"#);
        let (code, words) = survived(small.call("GetConfiguration", &[], &path)).error();
        assert_eq!(code, "ServiceError");
        assert!(words.contains("10000") || words.contains("10,000"), "{words}");
    }
    // So is an error that repeats what it was asked.
    let (code, _) =
        survived(small.call("GetConfiguration", &[], &json!({"keyPath": [long]}).to_string()))
            .error();
    assert!(["ResourceNotFoundError", "ServiceError"].contains(&code.as_str()), "{code}");

    // A stream: the response is first, then events; one that is too long is left out.
    let mut other = Raw::new(&device, &token);
    let publish = |other: &mut Raw, text: &str| {
        let message =
            json!({"topic": "t", "publishMessage": {"jsonMessage": {"message": {"a": text}}}});
        let answer = other.call("PublishToTopic", &JSON, &message.to_string());
        assert_eq!(answer.model(), "PublishToTopicResponse");
    };
    let stream = small.ask("SubscribeToTopic", &[], r#"{"topic": "t"}"#);
    let response = survived(small.read().unwrap());
    assert_eq!((response.stream(), response.flags()), (stream, 0));
    assert_eq!(response.model(), "SubscribeToTopicResponse");
    for text in ["first", &long, "last"] {
        publish(&mut other, text);
    }
    for text in ["first", "last"] {
        let event = survived(small.read().unwrap());
        assert_eq!((event.kind(), event.stream()), (APPLICATION_MESSAGE, stream));
        assert_eq!((event.flags(), event.model()), (0, "SubscriptionResponseMessage"));
        assert_eq!(event.json()["jsonMessage"]["message"]["a"], text);
    }
    // Its end is answered with nothing, and nothing follows.
    small.send(&message(APPLICATION_MESSAGE, TERMINATE, stream, ""));
    let (code, words) = survived(small.call("Nonsense", &[], "{}")).error();
    assert_eq!(code, "ServiceError");
    assert!(words.contains("Nonsense"), "{words}");
    publish(&mut other, "nobody");
    let (code, _) =
        survived(small.call("GetConfiguration", &[], r#"{"componentName": "com.example.Else"}"#))
            .error();
    assert_eq!(code, "UnauthorizedError");

    // Who says what format it speaks takes any length.
    let long = other.call("GetConfiguration", &JSON, r#"{"keyPath": ["long"]}"#);
    assert!(long.length > 2 * MOST && long.model() == "GetConfigurationResponse");
}
