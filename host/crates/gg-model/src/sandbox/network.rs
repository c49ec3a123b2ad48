//! Where a component may connect to.

use crate::text::excerpt;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A host and a port: `api.example.com:443`, `*.example.com`, `192.0.2.7:1883`, `[2001:db8::7]:80`.
/// Without a port all ports are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A name in lower case, `*.` and a name for all names below it, or an IP address.
    pub host: String,
    /// The port; none: all of them.
    pub port: Option<u16>,
}

/// Why a text is not a host and a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPortError {
    /// The host is not a name, a wildcard name or an address.
    #[error("`{text}` does not name a host; write a name, `*.` and a name, or an IP address")]
    Host {
        /// The text.
        text: String,
    },
    /// The port is not a number from 1 to 65535.
    #[error("`{text}` has a port that is not a number from 1 to 65535")]
    Port {
        /// The text.
        text: String,
    },
    /// An IPv6 address without brackets.
    #[error("`{text}` has several colons; write an IPv6 address in brackets: `[::1]:80`")]
    Brackets {
        /// The text.
        text: String,
    },
}

impl HostPort {
    /// Whether a connection to this host and port is meant. Names are compared without regard to
    /// case and to a dot at the end; an address only ever equals an address.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        if self.port.is_some_and(|own| own != port) {
            return false;
        }
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(own) = self.host.parse::<IpAddr>() {
            return bare.parse::<IpAddr>() == Ok(own);
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        match self.host.strip_prefix('*') {
            Some(suffix) => {
                name.len() > suffix.len()
                    && name.is_char_boundary(name.len() - suffix.len())
                    && name[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
            }
            None => name.eq_ignore_ascii_case(&self.host),
        }
    }
}

impl FromStr for HostPort {
    type Err = HostPortError;

    fn from_str(text: &str) -> Result<Self, HostPortError> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, after) = rest
                .split_once(']')
                .ok_or_else(|| HostPortError::Brackets { text: excerpt(text) })?;
            let Ok(IpAddr::V6(address)) = address.parse() else {
                return Err(HostPortError::Host { text: excerpt(text) });
            };
            let port = match after.strip_prefix(':') {
                Some(port) => Some(port),
                None if after.is_empty() => None,
                None => return Err(HostPortError::Host { text: excerpt(text) }),
            };
            (address.to_string(), port)
        } else {
            let (host, port) = match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err(HostPortError::Brackets { text: excerpt(text) });
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
            if !is_name(host.strip_prefix("*.").unwrap_or(&host)) {
                return Err(HostPortError::Host { text: excerpt(text) });
            }
            (host, port)
        };
        let number = |port: &str| match port.parse::<u16>() {
            Ok(number) if number > 0 && port.bytes().all(|b| b.is_ascii_digit()) => Ok(number),
            _ => Err(HostPortError::Port { text: excerpt(text) }),
        };
        Ok(Self { host, port: port.map(number).transpose()? })
    }
}

/// A host name as of RFC 1123, with `_` let through; an IPv4 address looks the same.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(label)
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}
