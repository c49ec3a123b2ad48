//! The doors: a service of AWS each, with a table of its operations. A door translates and decides
//! nothing.

mod devices;
mod greengrass;
mod iot;
mod s3;
mod sts;

use crate::registry::Registry;
use crate::web::Service;

/// What is asked with a certificate, and without a signature.
pub fn devices(registry: &Registry) -> Service {
    devices::service(registry)
}

/// All services.
pub fn all(registry: &Registry) -> Vec<Service> {
    vec![
        greengrass::service(registry),
        iot::service(registry),
        s3::service(registry),
        sts::service(registry),
    ]
}
