//! Why there is no connection, in sentences for the operator: what happened, and what helps.

use super::identity::IdentityError;
use super::wire::Reason;
use super::wire::read::WireError;
use crate::clock::utc;
use crate::network::NetworkFault;
use rustls::{AlertDescription, CertificateError};
use std::io;
use std::time::{Duration, UNIX_EPOCH};
use thiserror::Error;

/// Why there is no connection, or no more.
#[derive(Debug, Error)]
pub(super) enum LinkFault {
    /// It was not made.
    #[error("{}", of_network(.0))]
    Network(#[from] NetworkFault),
    /// It was not tried.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The broker did not let the device in.
    #[error("the broker lets {client} not in: {}", of_connack(.reason, .client))]
    Refused {
        /// The device as the broker knows it.
        client: String,
        /// Why.
        reason: Reason,
    },
    /// The broker ended it, and said why.
    #[error("the broker ends the connection of {client}: {}", of_disconnect(.reason))]
    Ended {
        /// The device as the broker knows it.
        client: String,
        /// Why.
        reason: Reason,
    },
    /// It ended, and nobody said why.
    #[error("the connection is lost: {}", of_io(.0))]
    Lost(#[from] io::Error),
    /// The broker closed it before it let the device in.
    #[error(
        "the broker closes the connection without letting {0} in; see whether its certificate is \
         active there, and whether a policy of it allows to connect as {0}"
    )]
    ClosedAtOnce(String),
    /// The broker closed it.
    #[error(
        "the broker closes the connection; if that goes on, another client uses this thing name, or \
         the policy of its certificate does not allow what it publishes or subscribes to"
    )]
    Closed,
    /// Nothing comes that should.
    #[error("the broker does not answer ({0})")]
    Silent(&'static str),
    /// What comes is not MQTT.
    #[error("{0}; see whether iotDataEndpoint and mqtt.port lead to a broker that speaks MQTT")]
    Wire(#[from] WireError),
}

/// The broker's refusal of a client.
fn of_connack(reason: &Reason, client: &str) -> String {
    let help = match reason.code {
        0x84 => "set mqtt.version to the one that the broker speaks (mqtt3 or mqtt5)".to_owned(),
        0x85 => format!("the broker takes no client of the name {client}"),
        0x86 => "it takes another name and password (mqtt.username, mqtt.password)".to_owned(),
        0x87 | 0x8A => format!(
            "no policy of the device's certificate allows to connect as {client} (iot:Connect), the \
             certificate is not active, or the broker asks for a name and a password \
             (mqtt.username, mqtt.password)"
        ),
        0x88 | 0x89 => "it is busy; the device tries again".to_owned(),
        0x97 | 0x9F => "the account's quota is used up; the device tries again".to_owned(),
        0x9C | 0x9D => "set iotDataEndpoint to the server that it names".to_owned(),
        _ => return reason.to_string(),
    };
    format!("{help}: {reason}")
}

/// The broker's end of a connection.
fn of_disconnect(reason: &Reason) -> String {
    let help = match reason.code {
        0x8E => "another client uses this thing name; each device needs its own",
        0x87 => {
            "a policy of the device's certificate does not allow what it publishes or subscribes to"
        }
        0x8B => "it shuts down",
        0x8D => "it heard nothing of the device for too long",
        0x93 | 0x96 | 0x97 => "the device sends more than it takes (mqtt.quotas)",
        0x95 => "a message is larger than it takes (mqtt.maxMessageSizeInBytes)",
        0x98 => "somebody ended it there",
        _ => return reason.to_string(),
    };
    format!("{help}: {reason}")
}

/// Why the broker refuses a subscription.
pub(super) fn of_suback(reason: &Reason, filter: &str) -> String {
    match reason.code {
        0x80 | 0x87 => format!(
            "a policy of the device's certificate does not allow to subscribe to {filter} \
             (iot:Subscribe), or the broker does not take it: {reason}"
        ),
        0x97 => format!("the broker takes no more subscriptions of this device: {reason}"),
        _ => format!("the broker refuses to subscribe to {filter}: {reason}"),
    }
}

fn of_network(fault: &NetworkFault) -> String {
    match fault {
        NetworkFault::Tls { host, error } => match of_tls(error) {
            Some(reason) => format!("no secure connection to {host}: {reason}"),
            None => fault.to_string(),
        },
        NetworkFault::Connect { .. } => {
            format!("{fault}; see iotDataEndpoint, mqtt.port and what a firewall lets through")
        }
        NetworkFault::Proxy { status: 407, .. } => {
            format!("{fault}; set networkProxy.proxy.username and password")
        }
        _ => fault.to_string(),
    }
}

fn of_io(error: &io::Error) -> String {
    of_tls(error).unwrap_or_else(|| error.to_string())
}

/// What TLS says, with what helps.
fn of_tls(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(certificate) => of_certificate(certificate),
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        rustls::Error::NoApplicationProtocol => {
            "the broker does not take MQTT on port 443; set mqtt.port to 8883".to_owned()
        }
        other => format!("{other}; see whether mqtt.port is one where the broker speaks TLS"),
    })
}

/// What is wrong with the broker's certificate.
fn of_certificate(error: &CertificateError) -> String {
    let day = |at: rustls::pki_types::UnixTime| {
        utc(UNIX_EPOCH + Duration::from_secs(at.as_secs())).to_string()
    };
    match error {
        CertificateError::UnknownIssuer => {
            "the broker's certificate is of no authority in the file system.rootCaPath".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the broker's certificate is for another name than iotDataEndpoint".to_owned()
        }
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the broker's certificate is not valid yet: it begins at {}, and the clock of this \
             device says {}; set the clock",
            day(*not_before),
            day(*time)
        ),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the broker's certificate has expired: it ended at {}, and the clock of this device says \
             {}; if that is wrong, set the clock",
            day(*not_after),
            day(*time)
        ),
        other => format!("the broker's certificate cannot be trusted: {other:?}"),
    }
}

/// What the broker says of the device's certificate.
fn of_alert(alert: AlertDescription) -> String {
    use AlertDescription as A;
    let what = match alert {
        A::CertificateRequired => {
            "it wants a certificate of the device: set system.certificateFilePath and privateKeyPath"
        }
        A::UnknownCA => "the device's certificate is of an authority that it does not know",
        A::CertificateExpired => {
            "the device's certificate has expired, or one of the two clocks is wrong"
        }
        A::CertificateRevoked => "the device's certificate is revoked",
        A::BadCertificate | A::CertificateUnknown | A::UnsupportedCertificate | A::AccessDenied => {
            "it refuses the device's certificate; see whether it is registered and active there"
        }
        A::DecryptError => "the device's key is not the one of its certificate",
        A::NoApplicationProtocol => "it takes no MQTT on port 443; set mqtt.port to 8883",
        _ => return format!("the broker refuses: {alert:?}"),
    };
    format!("the broker refuses: {what} ({alert:?})")
}
