//! gg-cloud as its clients see it: boto3, the AWS CLI, mosquitto and paho as they are published, against
//! the real program. The scripts are in `tests/aws/gg_cloud`.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "what the program said explains a failure")]

mod backup;
mod certificates;
mod components;
mod credentials;
mod deployments;
mod devices;
mod hostile;
mod jobs;
mod kit;
mod mqtt;
mod objects;
mod policies;
mod secrets;
mod server;
mod shadows;
mod start;
mod things;
