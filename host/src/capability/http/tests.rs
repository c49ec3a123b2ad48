use super::send::Target;
use super::*;

fn hosts(entries: &[&str]) -> AllowedHosts {
    AllowedHosts::new(entries.iter().map(|entry| entry.parse().unwrap()).collect())
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn nothing_is_allowed_by_default() {
    let none = AllowedHosts::default();
    assert!(none.is_empty());
    assert!(!none.allows("example.com", 443));
    assert!(!none.allows_address(address("192.0.2.1:443")));
}

#[test]
fn a_host_is_allowed_with_its_port() {
    let hosts = hosts(&["example.com:443"]);
    assert!(hosts.allows("example.com", 443));
    assert!(hosts.allows("EXAMPLE.com", 443));
    assert!(!hosts.allows("example.com", 80));
    assert!(!hosts.allows("sub.example.com", 443));
    assert!(!hosts.allows("example.com.evil.org", 443));
}

#[test]
fn a_name_grants_no_address() {
    let hosts = hosts(&["example.com:443"]);
    assert!(!hosts.allows_address(address("192.0.2.1:443")));
}

#[test]
fn a_name_that_leads_into_this_machine_is_refused() {
    let hosts = hosts(&["example.com:443", "127.0.0.1:8080"]);
    for local in [
        "127.0.0.1:443",
        "169.254.169.254:443",
        "0.0.0.0:443",
        "[::1]:443",
        "[fe80::1]:443",
        "[::ffff:127.0.0.1]:443",
    ] {
        assert!(!hosts.allows_resolved("example.com", address(local)), "{local}");
    }
    assert!(hosts.allows_resolved("example.com", address("192.0.2.1:443")));
    assert!(hosts.allows_resolved("127.0.0.1", address("127.0.0.1:8080")));
}

#[test]
fn a_request_goes_where_its_uri_says() {
    let target = |uri: &str| Target::of(&uri.parse().unwrap());
    let found = target("https://example.com/x").unwrap();
    assert_eq!((found.host.as_str(), found.port), ("example.com", 443));
    let found = target("http://[::1]:81/").unwrap();
    assert_eq!((found.host.as_str(), found.port), ("::1", 81));
    assert!(target("/only/a/path").is_err());
    assert!(target("http://user@example.com/").is_err());
}
