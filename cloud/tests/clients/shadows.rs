//! Shadows and messages, by their REST API.

use crate::server::Server;

#[test]
fn shadows_are_as_boto3_expects() {
    Server::new().python("shadows.py").expect_ok();
}

#[test]
fn shadows_survive_a_power_cut() {
    let mut server = Server::new();
    server.aws(["iot", "create-thing", "--thing-name", "lamp"]).expect_ok();
    let payload = r#"{"state":{"desired":{"on":true}}}"#;
    let file = server.data().with_extension("out");
    let file = file.to_str().unwrap();
    let update = "update-thing-shadow";
    let update = ["iot-data", update, "--thing-name", "lamp", "--payload", payload, file];
    server.aws(update).expect_ok();
    server.cut();
    server.aws(["iot-data", "get-thing-shadow", "--thing-name", "lamp", file]).expect_ok();
    let document = std::fs::read_to_string(file).unwrap();
    assert!(document.contains(r#""on":true"#), "{document}");
}
