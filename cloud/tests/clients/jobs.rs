//! Jobs, by the REST APIs of those who make them and of things.

use crate::server::Server;

#[test]
fn jobs_are_as_boto3_expects() {
    Server::new().python("jobs.py").expect_ok();
}

#[test]
fn jobs_survive_a_power_cut() {
    let mut server = Server::new();
    server.aws(["iot", "create-thing", "--thing-name", "lamp"]).expect_ok();
    let target = "arn:aws:iot:us-east-1:000000000000:thing/lamp";
    let create = ["iot", "create-job", "--job-id", "j", "--targets", target, "--document", "{}"];
    server.aws(create).expect_ok();
    server.cut();
    let next = "start-next-pending-job-execution";
    let said = server.aws(["iot-jobs-data", next, "--thing-name", "lamp"]).expect_ok();
    assert!(said.contains(r#""status": "IN_PROGRESS""#), "{said}");
}
