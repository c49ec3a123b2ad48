//! Who the device is, and whom it trusts: its files, and from when until when they count.

use super::{Case, Sheet, Verdict};
use crate::clock::{Clock, utc};
use crate::cloud::trial::{Paper, Place, Validity, fit, key, papers};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

/// How long before its end a certificate is to be renewed.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(super) fn look(case: &Case, sheet: &Sheet) {
    let Some(link) = &case.link else { return };
    if link.identity.is_none() {
        let message = "the broker is spoken to without TLS (mqtt.tls): everybody on the way can read and \
                       change what is sent";
        sheet.bad(
            Verdict::Warning,
            "mqtt.tls",
            message,
            "take mqtt.tls out, where the broker can speak TLS",
        );
        return;
    }
    let now = Clock::system().now();
    for paper in papers(link) {
        let subject = format!("system.{}", paper.key);
        match &paper.says {
            Err(complaint) => sheet.complaint(Verdict::Failure, subject, complaint),
            Ok(says) if paper.key == "rootCaPath" => roots(says, &paper, now, sheet),
            // The first is the device's own.
            Ok(says) => says.iter().take(1).for_each(|own| device(own, &subject, now, sheet)),
        }
    }
    match (fit(link), key(link)) {
        (Ok(()), Some(Place::File(key))) => {
            sheet.ok("system.privateKeyPath", "is the key of the certificate");
            guarded(key, sheet);
        }
        (Ok(()), Some(Place::Token(_))) => {
            sheet.ok("system.privateKeyPath", "is in the token, which lets it be used");
        }
        (Ok(()), None) => {
            let message = "the device has no certificate, which most brokers ask for";
            let remedy = "set system.certificateFilePath and system.privateKeyPath";
            sheet.bad(Verdict::Warning, "system.certificateFilePath", message, remedy);
        }
        (Err(complaint), _) => {
            sheet.complaint(Verdict::Failure, "system.privateKeyPath", &complaint);
        }
    }
}

/// One of several may have ended long ago.
fn roots(says: &[Validity], paper: &Paper, now: SystemTime, sheet: &Sheet) {
    let (subject, place) = (format!("system.{}", paper.key), &paper.place);
    let good = says.iter().filter(|one| now >= one.from && now <= one.to).count();
    if good > 0 {
        sheet.ok(subject, format!("authorities in {place} that count at this time: {good}"));
        return;
    }
    let message = format!("no certificate in {place} counts at this time");
    let remedy = "replace the file by one with the authorities of today, and see whether the clock is \
                  right";
    sheet.bad(Verdict::Failure, subject, message, remedy);
}

fn device(own: &Validity, subject: &str, now: SystemTime, sheet: &Sheet) {
    match judge(own, now) {
        None => sheet.ok(subject, format!("{} until {}", own.subject, utc(own.to))),
        Some((verdict, message, remedy)) => {
            let message = format!("the device's certificate ({}) {message}", own.subject);
            sheet.bad(verdict, subject, message, remedy);
        }
    }
}

/// What is to be said of a certificate's time.
pub(super) fn judge(one: &Validity, now: SystemTime) -> Option<(Verdict, String, &'static str)> {
    let clock = format!("the clock of this device says {}", utc(now));
    if now < one.from {
        let message = format!("is not valid yet: it begins at {}, and {clock}", utc(one.from));
        let remedy = "set the clock (timedatectl set-ntp true); if it is right, have a certificate made \
                      that counts by now";
        return Some((Verdict::Failure, message, remedy));
    }
    if now > one.to {
        let message = format!("has expired: it ended at {}, and {clock}", utc(one.to));
        let remedy = "have a new certificate made, and put it in the old one's place (the nucleus need \
                      not be restarted); if the clock is wrong, set it (timedatectl set-ntp true)";
        return Some((Verdict::Failure, message, remedy));
    }
    if now + SOON > one.to {
        let message = format!("expires soon, at {}", utc(one.to));
        let remedy = "have a new certificate made, and put it in the old one's place (the nucleus need \
                      not be restarted)";
        return Some((Verdict::Warning, message, remedy));
    }
    None
}

/// The key is for nobody else.
fn guarded(key: &std::path::Path, sheet: &Sheet) {
    if let Ok(found) = fs::metadata(key)
        && found.mode() & 0o007 != 0
    {
        let message =
            format!("everybody can use the device's key (mode {:04o})", found.mode() & 0o7777);
        let remedy = format!("chmod 600 {}", key.display());
        sheet.bad(Verdict::Warning, "system.privateKeyPath", message, remedy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn a_certificate_is_judged_by_its_time() {
        let day = |day: u64| UNIX_EPOCH + Duration::from_secs(day * 86_400);
        let one = Validity { subject: "CN=a".into(), from: day(100), to: day(200) };
        let verdict = |now| judge(&one, now).map(|(verdict, ..)| verdict);
        assert_eq!(verdict(day(99)), Some(Verdict::Failure));
        assert_eq!(verdict(day(100)), None);
        assert_eq!(verdict(day(169)), None);
        assert_eq!(verdict(day(171)), Some(Verdict::Warning));
        assert_eq!(verdict(day(201)), Some(Verdict::Failure));
    }
}
