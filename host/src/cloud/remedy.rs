//! What an operator does about a fault of the link.

use super::fault::LinkFault;
use super::identity::IdentityError;
use super::settings::LinkSettings;
use super::wire::Reason;
use crate::network::NetworkFault;
use rustls::{AlertDescription as Alert, CertificateError, Error as TlsError};
use std::io;

const SET_CLOCK: &str = "set the clock of this device (timedatectl set-ntp true)";

/// What helps against a fault of a link with these settings.
pub(super) fn remedy(fault: &LinkFault, settings: &LinkSettings) -> String {
    let LinkSettings { host, port, .. } = settings;
    match fault {
        LinkFault::Network(fault) => of_network(fault, host, *port),
        LinkFault::Identity(error) => of_identity(error).to_owned(),
        LinkFault::Refused { client, reason } => of_refusal(reason, client),
        LinkFault::Ended { client, reason } if reason.code == 0x8E => another_client(client),
        LinkFault::Ended { client, reason } => of_refusal(reason, client),
        LinkFault::Lost(error) => of_tls(error, host, *port),
        LinkFault::ClosedAtOnce(client) => format!(
            "activate the device's certificate at the broker, and attach a policy to it that allows \
             iot:Connect as {client}"
        ),
        LinkFault::Closed => {
            "see in the broker's log why it closed the connection, and what the certificate's policy \
             allows"
                .to_owned()
        }
        LinkFault::Silent(_) | LinkFault::Wire(_) => {
            format!("see that what listens at {host}:{port} (iotDataEndpoint, mqtt.port) is the broker")
        }
    }
}

/// What helps one whose name somebody else uses.
pub(super) fn another_client(client: &str) -> String {
    format!(
        "find the other device that connects as {client}, for example one made from the same image, and \
         give one of the two a thing name and a certificate of its own (system.thingName)"
    )
}

fn of_identity(error: &IdentityError) -> &'static str {
    match error {
        IdentityError::File { .. } => {
            "put a file there that this user can read, or have the configuration name another"
        }
        IdentityError::Token { .. } => {
            "see with pkcs11-tool --list-objects whether this user can use the token, and what is in it"
        }
        IdentityError::Missing(_) => "set both certificateFilePath and privateKeyPath, or neither",
        IdentityError::Unusable(_) => {
            "use the key that the certificate was made for, or have a new certificate made for this key"
        }
    }
}

fn of_network(fault: &NetworkFault, host: &str, port: u16) -> String {
    match fault {
        NetworkFault::Tls { error, .. } => of_tls(error, host, port),
        NetworkFault::Proxy { status: 407, .. } => {
            "set networkProxy.proxy.username and networkProxy.proxy.password".to_owned()
        }
        NetworkFault::Proxy { .. } => format!(
            "have the proxy connect to {host}:{port}, or name {host} in networkProxy.noProxyAddresses"
        ),
        NetworkFault::Connect { host: to, .. } | NetworkFault::Lost { host: to, .. }
            if to != host =>
        {
            "set networkProxy.proxy.url to a proxy that speaks HTTP and knows CONNECT".to_owned()
        }
        NetworkFault::Silent { host: to } if to != host => {
            "see that the proxy (networkProxy.proxy.url) runs, and that no firewall is before it"
                .to_owned()
        }
        _ => format!(
            "see that the broker runs and listens on port {port} (mqtt.port), and have firewalls let this \
             device out to {host}:{port}"
        ),
    }
}

/// What TLS says may be in an error.
fn of_tls(error: &io::Error, host: &str, port: u16) -> String {
    let found = error.get_ref().and_then(|error| error.downcast_ref::<TlsError>());
    match found {
        Some(TlsError::InvalidCertificate(error)) => of_certificate(error, host),
        Some(TlsError::AlertReceived(alert)) => of_alert(*alert),
        Some(TlsError::NoApplicationProtocol) => "set mqtt.port to 8883".to_owned(),
        _ => format!("see that {host} speaks TLS on port {port} (mqtt.port, mqtt.tls)"),
    }
}

/// The broker's certificate is not to be trusted.
fn of_certificate(error: &CertificateError, host: &str) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "put the certificate of the authority that signed the broker's into the file \
             system.rootCaPath (for AWS IoT: AmazonRootCA1.pem)"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = crate::logs::presentable(&presented.join(", "), 200).into_owned();
            format!(
                "set iotDataEndpoint to a name that the broker's certificate is for ({names}), or give \
                 the broker one for {host}"
            )
        }
        CertificateError::NotValidForName => {
            format!("set iotDataEndpoint to a name that the certificate is for, not {host}")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("{SET_CLOCK}; if it is right, give the broker a certificate that counts by now")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!(
                "renew the broker's certificate; if the clock of this device is wrong, {SET_CLOCK}"
            )
        }
        _ => "give the broker a certificate of today's form (X.509 v3 with a subjectAltName)"
            .to_owned(),
    }
}

/// The broker does not trust the device's certificate.
fn of_alert(alert: Alert) -> String {
    match alert {
        Alert::CertificateRequired => {
            "set system.certificateFilePath and system.privateKeyPath".to_owned()
        }
        Alert::CertificateExpired => {
            format!("have a new certificate made for this device; if its clock is wrong, {SET_CLOCK}")
        }
        Alert::NoApplicationProtocol => "set mqtt.port to 8883".to_owned(),
        _ => {
            "register the device's certificate at the broker and activate it, or have the broker trust \
             the authority that signed it"
                .to_owned()
        }
    }
}

/// The broker lets the client not in, or throws it out.
fn of_refusal(reason: &Reason, client: &str) -> String {
    match reason.code {
        0x84 => "set mqtt.version to the one that the broker speaks (mqtt3 or mqtt5)".to_owned(),
        0x86 => "set mqtt.username and mqtt.password to what the broker knows (mosquitto: \
                 password_file)"
            .to_owned(),
        0x88 | 0x89 | 0x97 | 0x9F => {
            "try again later, or have the broker's quota raised".to_owned()
        }
        0x9C | 0x9D => "set iotDataEndpoint to the server that the broker names".to_owned(),
        _ => format!(
            "attach a policy to the device's certificate that allows to connect as {client} (AWS IoT: \
             iot:Connect on client/{client}; mosquitto: see its password_file and acl_file), and see \
             that the certificate is active"
        ),
    }
}

/// What helps against a topic that the broker refuses.
pub(super) fn of_topic(right: &str, topic: &str) -> String {
    format!(
        "allow it in the policy of the device's certificate (AWS IoT: iot:{right} on {kind}/{topic}; \
         mosquitto: acl_file)",
        kind = if right == "Subscribe" { "topicfilter" } else { "topic" },
    )
}
