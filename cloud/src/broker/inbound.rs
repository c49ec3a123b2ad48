//! Topics at which the control plane itself is spoken to (AWS IoT developer guide, "Reserved topics").

use crate::clock::Time;
use crate::registry::{Refusal, provisioning, reserved};
use crate::state::Transaction;

/// Whether what is published at a topic is for the control plane. Nobody may publish at the other
/// topics that begin with `$`: what is said there is the control plane's.
pub fn is_request(topic: &str) -> bool {
    if provisioning::Asked::at(topic).is_some() {
        return true;
    }
    let Some(rest) = topic.strip_prefix("$aws/things/").and_then(|rest| rest.split_once('/'))
    else {
        return false;
    };
    match rest.1.split_once('/') {
        Some(("shadow" | "jobs", suffix)) => {
            !["accepted", "rejected", "delta", "documents"]
                .iter()
                .any(|end| suffix.rsplit('/').next() == Some(end))
                && !suffix.starts_with("notify")
        }
        Some(("greengrassv2" | "greengrass", "health/json")) => true,
        _ => false,
    }
}

/// Take what is said at a topic; answers are in the outbox.
///
/// # Errors
/// The state fails. What is said wrongly is answered so.
pub(super) fn handle(
    transaction: &mut dyn Transaction,
    topic: &str,
    payload: &[u8],
    now: Time,
) -> Result<(), Refusal> {
    reserved::handle(transaction, topic, payload, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_not_for_clients_to_give() {
        for topic in [
            "$aws/things/t/shadow/update",
            "$aws/things/t/shadow/name/delta/get",
            "$aws/things/t/jobs/$next/get",
            "$aws/things/t/greengrassv2/health/json",
            "$aws/certificates/create/json",
            "$aws/certificates/create-from-csr/json",
            "$aws/provisioning-templates/fleet/provision/json",
        ] {
            assert!(is_request(topic), "{topic}");
        }
        for topic in [
            "$aws/things/t/shadow/update/accepted",
            "$aws/things/t/shadow/name/n/update/delta",
            "$aws/things/t/jobs/notify-next",
            "$aws/things/t/other",
            "$aws/things/t",
            "$aws/certificates/create/json/accepted",
            "$aws/certificates/create/cbor",
            "$aws/provisioning-templates/a/b/provision/json",
            "$aws/provisioning-templates//provision/json",
            "$SYS/x",
            "t/shadow/update",
        ] {
            assert!(!is_request(topic), "{topic}");
        }
    }
}
