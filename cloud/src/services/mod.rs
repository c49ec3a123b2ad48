//! The doors: a service of AWS each, with a table of its operations. A door translates and decides
//! nothing.

mod devices;
mod greengrass;
mod iot;
mod iot_data;
mod iot_jobs_data;
mod s3;
mod secretsmanager;
mod sts;
#[cfg(test)]
mod tests;

use crate::registry::{Refusal, Registry};
use crate::web::Service;
use std::fmt::Display;
use std::str::FromStr;

/// What is asked with a certificate, and without a signature.
pub fn devices(registry: &Registry) -> Service {
    devices::service(registry)
}

/// All services.
pub fn all(registry: &Registry) -> Vec<Service> {
    vec![
        greengrass::service(registry),
        iot::service(registry),
        iot_data::service(registry),
        iot_jobs_data::service(registry),
        s3::service(registry),
        secretsmanager::service(registry),
        sts::service(registry),
    ]
}

/// A value of a text, or what is wrong with it.
fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|error: T::Err| Refusal::invalid(error.to_string()))
}
