//! Which proxy a connection goes through, as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` have it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use thiserror::Error;

/// The proxies, and who is reached without. This machine always is.
#[derive(Clone, Debug, Default)]
pub struct ProxySettings {
    https: Option<Proxy>,
    http: Option<Proxy>,
    exempt: Vec<String>,
}

/// A text is not a proxy.
#[derive(Debug, Error)]
#[error("not a proxy; write http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ if needed")]
pub struct ProxyError;

/// One proxy, which is asked to connect (`CONNECT`) whatever goes through it.
#[derive(Clone, Eq, PartialEq)]
pub struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<String>,
}

impl ProxySettings {
    /// A proxy for `https:`, one for `http:`, and a list of those that are reached without, with
    /// commas: names (and all below them), addresses, either with `:PORT`, or `*` for all.
    pub fn new(https: Option<Proxy>, http: Option<Proxy>, exempt: &str) -> Self {
        let exempt = exempt.split([',', ' ', '|']).filter(|one| !one.is_empty());
        Self { https, http, exempt: exempt.map(str::to_ascii_lowercase).collect() }
    }

    /// The proxy to a host, if one is to be used.
    pub fn to(&self, host: &str, port: u16, tls: bool) -> Option<&Proxy> {
        let proxy = if tls { self.https.as_ref() } else { self.http.as_ref() }?;
        let host = host.to_ascii_lowercase();
        let exempt = self.exempt.iter().any(|one| matches(one, &host, port));
        (!exempt && !is_this_machine(&host)).then_some(proxy)
    }
}

/// Whether a name or address, in lower case, means this machine.
pub(crate) fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn matches(exempt: &str, host: &str, port: u16) -> bool {
    let (name, wanted) = match exempt.rsplit_once(':') {
        // More than one colon: an address, in which they are no port.
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => {
            (name, digits.parse().ok())
        }
        _ => (exempt, None),
    };
    let name = name.trim_start_matches('[').trim_end_matches(']').trim_start_matches("*.");
    let name = name.trim_start_matches('.');
    let below = |host: &str| host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    wanted.is_none_or(|wanted: u16| wanted == port)
        && (name == "*" || host == name || (!name.is_empty() && below(host)))
}

impl Proxy {
    /// Its name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// With a name and a password, in place of those in its URL.
    #[must_use]
    pub fn with_credentials(mut self, user: &str, password: &str) -> Self {
        self.authorization =
            Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
        self
    }
}

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let uri: http::Uri = text.parse().map_err(|_| ProxyError)?;
        // A bare HOST:PORT is a proxy that speaks HTTP.
        let tls = match uri.scheme_str() {
            None | Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(ProxyError),
        };
        let authority = uri.authority().ok_or(ProxyError)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || !matches!(uri.path(), "" | "/") {
            return Err(ProxyError);
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let proxy = Self { host: host.to_owned(), port, tls, authorization: None };
        Ok(match authority.as_str().rsplit_once('@') {
            None => proxy,
            Some((user, _)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                let decoded = |text| decoded(text).ok_or(ProxyError);
                proxy.with_credentials(&decoded(user)?, &decoded(password)?)
            }
        })
    }
}

/// A part of a URL without its `%41`s; `None`: it has one that is none.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = after.get(..2).and_then(|two| str::from_utf8(two).ok());
            let value = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
            bytes.push(value?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without its credentials.
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(no_proxy: &str, host: &str, port: u16) -> bool {
        let proxy = "http://proxy:3128".parse().ok();
        ProxySettings::new(proxy, None, no_proxy).to(host, port, true).is_some()
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let proxies = ProxySettings::new("http://a:1".parse().ok(), "http://b:2".parse().ok(), "");
        assert_eq!(proxies.to("example.com", 443, true).unwrap().host, "a");
        assert_eq!(proxies.to("example.com", 80, false).unwrap().host, "b");
        assert!(ProxySettings::default().to("example.com", 443, true).is_none());
    }

    #[test]
    fn those_on_the_list_are_reached_without() {
        for (list, host) in [
            ("example.com", "example.com"),
            ("a,example.com", "deep.sub.EXAMPLE.com"),
            (".example.com", "sub.example.com"),
            ("*.example.com", "sub.example.com"),
            ("example.com:443", "example.com"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("*", "anything"),
            ("", "localhost"),
            ("", "127.0.0.9"),
            ("", "::1"),
        ] {
            assert!(!through(list, host, 443), "{list} {host}");
        }
        for (list, host) in [
            ("example.com", "badexample.com"),
            ("example.com:80", "example.com"),
            ("192.0.2.1", "192.0.2.11"),
            ("sub.example.com", "example.com"),
            (",", "example.com"),
            (".", "example.com"),
        ] {
            assert!(through(list, host, 443), "{list} {host}");
        }
    }

    #[test]
    fn a_proxy_is_read_with_its_credentials_and_shown_without() {
        let proxy: Proxy = "http://me:p%40ss@proxy.local:3128/".parse().unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port, proxy.tls), ("proxy.local", 3128, false));
        assert_eq!(proxy.authorization.as_deref(), Some("Basic bWU6cEBzcw=="));
        assert_eq!(format!("{proxy} {proxy:?}"), "proxy.local:3128 Proxy(proxy.local:3128)");
        let proxy: Proxy = "proxy:3128".parse().unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port, proxy.tls), ("proxy", 3128, false));
        let proxy: Proxy = "https://[::1]".parse().unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port, proxy.tls), ("::1", 443, true));
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        for text in ["", "/path", "socks5://a:1", "http://a/b", "http://%zz@a", "http://%ff@a"] {
            assert!(text.parse::<Proxy>().is_err(), "{text}");
        }
    }
}
