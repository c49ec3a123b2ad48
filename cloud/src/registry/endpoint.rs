//! Where devices find this control plane: written down at each start, for those that prepare devices.

use crate::state::{Key, Rows, StateError, Table, Transaction};
use serde::{Deserialize, Serialize};

const ENDPOINT: Table<Endpoint> = Table::new("endpoint");

/// A name and ports.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Endpoint {
    /// A name or address that stands in the server's certificate.
    pub name: String,
    /// The port of everything that is asked over HTTPS.
    pub port: u16,
    /// The port of MQTT.
    #[serde(default = "usual")]
    pub mqtt: u16,
}

/// The port of MQTT over TLS, which nucleus lite knows no other of.
fn usual() -> u16 {
    8883
}

/// Write it down.
///
/// # Errors
/// The state cannot be written.
pub fn set(tx: &mut dyn Transaction, endpoint: &Endpoint) -> Result<(), StateError> {
    ENDPOINT.put(tx, &Key::new(), endpoint)
}

/// Where the server was at its last start; `None`: it never was.
///
/// # Errors
/// The state cannot be read.
pub fn get(rows: &dyn Rows) -> Result<Option<Endpoint>, StateError> {
    ENDPOINT.get(rows, &Key::new())
}
