//! Names, and whether the servers behind them are reached.

use super::{Case, Sheet, Verdict};
use crate::cloud::credentials::address;
use crate::cloud::trial::reach;
use crate::network::Target;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// How long a name may take.
const NAME: Duration = Duration::from_secs(5);

/// Most addresses that are told.
const ADDRESSES: usize = 4;

/// Gives whether the broker is reached.
pub(super) async fn look(case: &Case, sheet: &Sheet) -> bool {
    let broker = async {
        let Some(link) = &case.link else { return false };
        let tls = link.identity.is_some();
        let named = match case.proxies.to(&link.host, link.port, tls) {
            // The proxy looks the broker up.
            Some(proxy) => name("networkProxy", proxy.host(), proxy.port(), sheet).await,
            None => name("iotDataEndpoint", &link.host, link.port, sheet).await,
        };
        if !named {
            return false;
        }
        let to = format!("{}:{}", link.host, link.port);
        match reach(link).await {
            Ok(()) => sheet.ok(to, "is reached"),
            Err(complaint) => {
                sheet.complaint(Verdict::Failure, to, &complaint);
                return false;
            }
        }
        true
    };
    let receiver = async {
        let Some(otlp) = &case.settings.metrics.otlp else { return };
        server(case, "metrics.otlp.endpoint", &otlp.endpoint, sheet).await;
    };
    let credentials = async {
        let Some(endpoint) = &case.settings.credentials_endpoint else { return };
        server(case, "iotCredEndpoint", &address(endpoint), sheet).await;
    };
    tokio::join!(broker, receiver, credentials).0
}

/// Look a server of HTTP up, unless the proxy does.
async fn server(case: &Case, key: &str, uri: &str, sheet: &Sheet) {
    let target = uri.parse().ok().and_then(|uri| Target::of(&uri));
    if let Some(target) = target
        && case.proxies.to(&target.host, target.port, target.tls).is_none()
    {
        name(key, &target.host, target.port, sheet).await;
    }
}

/// Whether a name leads somewhere.
async fn name(key: &str, host: &str, port: u16, sheet: &Sheet) -> bool {
    let subject = format!("name {host}");
    let looked_up = timeout(NAME, lookup_host((host, port))).await;
    let failure = match looked_up {
        Ok(Ok(addresses)) => {
            let found: Vec<String> =
                addresses.take(ADDRESSES).map(|address| address.ip().to_string()).collect();
            if !found.is_empty() {
                sheet.ok(subject, found.join(", "));
                return true;
            }
            "it has no address".to_owned()
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "nobody answers".to_owned(),
    };
    let message = format!("the name {host} ({key}) cannot be resolved: {failure}");
    let remedy = format!(
        "see whether {key} is spelled right, whether the device is on the network (ip route), and \
         whether its name servers answer (/etc/resolv.conf; getent hosts {host})"
    );
    sheet.bad(Verdict::Failure, subject, message, remedy);
    false
}
