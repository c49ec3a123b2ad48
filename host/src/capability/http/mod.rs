//! Outgoing HTTP (`wasi:http/outgoing-handler`): nothing by default, and each host and port that
//! the component's configuration names under `sandbox.network`.

mod send;
#[cfg(test)]
mod tests;

pub mod wit;

use gg_model::HostPort;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The hosts and ports one component may reach. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts {
    hosts: Arc<[HostPort]>,
}

impl AllowedHosts {
    /// These and no others.
    pub fn new(hosts: Vec<HostPort>) -> Self {
        Self { hosts: hosts.into() }
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Whether a name and port may be reached.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        self.hosts.iter().any(|allowed| allowed.matches(host, port))
    }

    /// Whether an address may be reached: only addresses named as such. A name is no grant of
    /// the address behind it, which could change to one inside the network.
    pub fn allows_address(&self, address: SocketAddr) -> bool {
        self.allows(&address.ip().to_string(), address.port())
    }

    /// Whether an address that a permitted name resolved to may be used: not one of this machine
    /// or of the link, unless it is itself named.
    pub fn allows_resolved(&self, host: &str, address: SocketAddr) -> bool {
        let named_as_address = host.parse::<IpAddr>().is_ok();
        let local_name = host.eq_ignore_ascii_case("localhost");
        named_as_address || local_name || !is_local(address.ip()) || self.allows_address(address)
    }

    /// The sentence for a refusal.
    pub fn refusal(&self, host: &str, port: u16) -> String {
        format!(
            "the component may not reach {host}:{port}; grant it under sandbox.network in its \
             configuration, or for a run with --net {host}:{port}"
        )
    }
}

/// Addresses that mean this machine or the link it is on.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || ip.is_broadcast()
        }
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_local(IpAddr::V4(ip)),
            None => ip.is_loopback() || ip.is_unspecified() || ip.is_unicast_link_local(),
        },
    }
}
