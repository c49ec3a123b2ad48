//! TLS and MQTT: whether the broker is whom its name says, lets the device in, and allows what the
//! nucleus and its components publish and subscribe to.

use super::certificates::judge;
use super::{Case, Sheet, Told, Verdict};
use crate::clock::{Clock, utc};
use crate::cloud::LinkSettings;
use crate::cloud::trial::{Complaint, Trial, beside, secure};
use std::time::Duration;

/// How long to wait for another client of the same name to come back, after this one has taken its
/// place.
const OTHERS: Duration = Duration::from_secs(3);

pub(super) async fn look(case: &Case, told: &Told, reached: bool, sheet: &Sheet) {
    let Some(link) = case.link.as_ref().filter(|_| reached) else { return };
    match secure(link, &case.tasks).await {
        Ok(None) => {}
        Ok(Some((certificate, version))) => match judge(&certificate, Clock::system().now()) {
            None => sheet.ok(
                "TLS",
                format!("{version}, {} until {}", certificate.subject, utc(certificate.to)),
            ),
            Some((_, message, _)) => sheet.bad(
                Verdict::Warning,
                "TLS",
                format!("the broker's certificate ({}) {message}", certificate.subject),
                "renew the broker's certificate",
            ),
        },
        Err(complaint) => {
            sheet.complaint(Verdict::Failure, "TLS", &complaint);
            return;
        }
    }
    let beside = beside(link);
    // What is tried leaves nothing at the broker.
    let passing = LinkSettings { session_expiry: 0, ..link.clone() };
    if case.running.is_some() {
        // As the device itself would end the nucleus's own connection.
        if let Some(trial) = enter(&passing, &beside, case, sheet, Verdict::Failure).await {
            topics(trial, &passing, &beside, case, told, sheet).await;
        }
        return;
    }
    let thing = link.thing.to_string();
    let Some(device) = enter(link, &thing, case, sheet, Verdict::Failure).await else { return };
    let alone = async {
        match device.hold(OTHERS).await {
            Ok(()) => sheet.ok("thing name", format!("nobody else connects as {thing}")),
            Err(complaint) => sheet.complaint(Verdict::Failure, "thing name", &complaint),
        }
    };
    let allowed = async {
        if let Some(trial) = enter(&passing, &beside, case, sheet, Verdict::Warning).await {
            topics(trial, &passing, &beside, case, told, sheet).await;
        }
    };
    tokio::join!(alone, allowed);
}

async fn enter<'a>(
    link: &'a LinkSettings,
    client: &'a str,
    case: &Case,
    sheet: &Sheet,
    verdict: Verdict,
) -> Option<Trial<'a>> {
    match Trial::enter(link, client, &case.tasks).await {
        Ok(trial) => {
            sheet.ok("MQTT", format!("{client} is let in"));
            Some(trial)
        }
        Err(complaint) if verdict == Verdict::Warning => {
            let message = format!(
                "{}; the device has further connections {}#2, #3 … as it needs them, and what it may \
                 publish and subscribe to was not tried",
                complaint.what, link.thing
            );
            let remedy = format!("allow to connect as {0}* (AWS IoT: client/{0}*)", link.thing);
            sheet.bad(verdict, "MQTT", message, remedy);
            None
        }
        Err(complaint) => {
            sheet.complaint(verdict, "MQTT", &complaint);
            None
        }
    }
}

/// A thing to try.
struct Wanted<'a> {
    publish: bool,
    topic: &'a str,
    verdict: Verdict,
}

/// What the nucleus needs of the broker (shadows that are kept alike), and what the operator names.
async fn topics<'a>(
    trial: Trial<'a>,
    link: &'a LinkSettings,
    client: &'a str,
    case: &Case,
    told: &Told,
    sheet: &Sheet,
) {
    let of_thing = |rest: &str| format!("$aws/things/{}/{rest}", link.thing);
    // An empty question for the shadow changes nothing.
    let (get, delta) = (of_thing("shadow/get"), of_thing("shadow/update/delta"));
    let own = [(true, &*get), (false, &*delta)];
    let own = own.map(|(publish, topic)| Wanted { publish, topic, verdict: Verdict::Warning });
    let asked = |publish| move |topic| Wanted { publish, topic, verdict: Verdict::Failure };
    let publish = told.publish.iter().map(AsRef::as_ref).map(asked(true));
    let subscribe = told.subscribe.iter().map(AsRef::as_ref).map(asked(false));
    let mut trial = Some(trial);
    for Wanted { publish, topic, verdict } in own.into_iter().chain(publish).chain(subscribe) {
        let mut open = match trial.take() {
            Some(trial) => trial,
            // The broker has answered the last one with the end of the connection.
            None => match Trial::enter(link, client, &case.tasks).await {
                Ok(trial) => trial,
                Err(complaint) => return sheet.complaint(Verdict::Failure, "MQTT", &complaint),
            },
        };
        let done: Result<(), Complaint> =
            if publish { open.publish(topic).await } else { open.subscribe(topic).await };
        let subject = if publish { "publish" } else { "subscribe" };
        match done {
            Ok(()) => sheet.ok(subject, topic),
            Err(complaint) => sheet.complaint(verdict, subject, &complaint),
        }
        trial = open.is_open().then_some(open);
    }
    if let Some(trial) = trial {
        trial.leave().await;
    }
}
