//! Whether a policy lets a device use something.
//!
//! The first signature that holds by a key that may sign the subject now is enough. All that
//! follows where there is none is for the message: which key signed it, and what is wrong with
//! that.

use super::{Requirement, TrustPolicy, TrustedKey, Vouched};
use crate::error::FormatError;
use crate::oci::MAX_SIGNATURES;
use crate::signature::{Flaw, Signature};
use crate::subject::{Content, Subject};
use crate::verdict::{Reason, Refusal, Signers, Verdict};
use gg_model::NamePattern;
use std::time::SystemTime;

/// What a key is asked to sign: something of a component, or a policy.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    Subject(&'a Subject<'a>),
    Policy,
}

impl TrustPolicy {
    /// Whether something may be used at this time. `signatures` are what came with it, also what
    /// could not be read as one; the first sixteen count. `vouched` is for artifacts: what their
    /// signed recipe says of them.
    ///
    /// `now` decides which keys are valid. A signature says nothing of when it was made that could
    /// be believed, so that what a key has signed cannot be installed any more once the key
    /// expired.
    ///
    /// # Errors
    /// It may not be used; why, and what would help.
    pub fn judge(
        &self,
        subject: &Subject<'_>,
        content: &Content<'_>,
        vouched: Option<&Vouched>,
        signatures: &[Result<Signature, FormatError>],
        now: SystemTime,
    ) -> Result<Verdict, Refusal> {
        let refuse = |reason| Refusal { subject: subject.to_string(), reason };
        let found = *content.digest();
        if self.revoked.contains(&found) {
            return Err(refuse(Reason::Revoked { digest: found }));
        }
        if let Some(least) = self.least.get(subject.component).filter(|v| subject.version < *v) {
            return Err(refuse(Reason::TooOld { least: least.clone() }));
        }
        if let Some(pinned) = vouched.and_then(|vouched| vouched.digest_of(subject)) {
            return match pinned == found {
                true => Ok(Verdict::Vouched),
                false => Err(refuse(Reason::NotAsPinned { found, pinned })),
            };
        }
        let requirement = self.requirement(subject.source);
        if requirement == Requirement::Off {
            return Ok(Verdict::NotAsked);
        }
        match self.find(Asked::Subject(subject), content, signatures, now) {
            Err(reason) if requirement == Requirement::Warn => {
                Ok(Verdict::Tolerated(Box::new(refuse(reason))))
            }
            found => found.map_err(refuse),
        }
    }

    /// A signature that is good enough, or the best reason why there is none.
    pub(super) fn find(
        &self,
        asked: Asked<'_>,
        content: &Content<'_>,
        signatures: &[Result<Signature, FormatError>],
        now: SystemTime,
    ) -> Result<Verdict, Reason> {
        let mut reasons = Vec::new();
        for signature in signatures.iter().take(MAX_SIGNATURES) {
            match signature {
                Ok(signature) => match self.by_any(asked, content, signature, now) {
                    Ok(verdict) => return Ok(verdict),
                    Err(reason) => reasons.push(reason),
                },
                Err(fault) => reasons.push(Reason::Unreadable { fault: fault.clone() }),
            }
        }
        // Those of a key that is known tell most.
        let vague = |reason: &Reason| {
            matches!(reason, Reason::Unreadable { .. } | Reason::UnknownKey { .. })
        };
        reasons.sort_by_key(vague);
        let unsigned = || Reason::Unsigned { may: self.signers(asked, now) };
        Err(reasons.into_iter().next().unwrap_or_else(unsigned))
    }

    /// Whether one of the keys made this signature, and may.
    fn by_any(
        &self,
        asked: Asked<'_>,
        content: &Content<'_>,
        signature: &Signature,
        now: SystemTime,
    ) -> Result<Verdict, Reason> {
        let (hint, may) = (signature.hint(), self.signers(asked, now));
        let subject = match asked {
            Asked::Subject(subject) => Some(subject),
            Asked::Policy => None,
        };
        let hinted = |trusted: &&TrustedKey| hint.is_none_or(|hint| trusted.key.id() == hint);
        for trusted in self.keys.iter().filter(hinted) {
            let key = trusted.name.clone();
            match signature.check(&trusted.key, subject, content) {
                Ok(()) => {
                    self.standing(trusted, asked, now)?;
                    let log_entries = signature.log_entries();
                    return Ok(Verdict::Signed { by: key, key: trusted.key.id(), log_entries });
                }
                Err(Flaw::NotSigned) if hint.is_some() => return Err(Reason::Changed { key }),
                Err(Flaw::NotSigned) => {}
                Err(Flaw::NoBytes) => return Err(Reason::NoBytes),
                Err(Flaw::OtherContent(signed)) => {
                    let found = *content.digest();
                    return Err(Reason::OtherContent { key, signed, found });
                }
                Err(Flaw::OtherSubject(other)) => return Err(Reason::OtherSubject { key, other }),
                Err(Flaw::Unreadable(fault)) => return Err(Reason::Unreadable { fault }),
            }
        }
        Err(Reason::UnknownKey { hint, may })
    }

    /// Whether a key may sign this now.
    fn standing(
        &self,
        trusted: &TrustedKey,
        asked: Asked<'_>,
        now: SystemTime,
    ) -> Result<(), Reason> {
        let (key, may) = (trusted.name.clone(), self.signers(asked, now));
        let time = |time| humantime::format_rfc3339_seconds(time).to_string();
        if self.revoked_keys.contains(&trusted.key.id()) {
            return Err(Reason::KeyRevoked { key, may });
        }
        if !trusted.may_sign(asked) {
            return Err(Reason::NotItsKey { key, patterns: trusted.patterns(), may });
        }
        if let Some(end) = trusted.not_after.filter(|end| now >= *end) {
            return Err(Reason::KeyExpired { key, end: time(end), may });
        }
        match trusted.not_before.filter(|begin| now < *begin) {
            Some(begin) => Err(Reason::KeyNotYet { key, begin: time(begin) }),
            None => Ok(()),
        }
    }

    /// Whether a key counts, whatever it signs.
    fn counts(&self, trusted: &TrustedKey, now: SystemTime) -> bool {
        let begun = trusted.not_before.is_none_or(|begin| begin <= now);
        let over = trusted.not_after.is_some_and(|end| end <= now);
        begun && !over && !self.revoked_keys.contains(&trusted.key.id())
    }

    /// The keys that may sign this now.
    pub(super) fn signers(&self, asked: Asked<'_>, now: SystemTime) -> Signers {
        let may = self.keys.iter().filter(|key| key.may_sign(asked) && self.counts(key, now));
        Signers(may.map(|trusted| trusted.name.clone()).collect())
    }
}

impl TrustedKey {
    fn may_sign(&self, asked: Asked<'_>) -> bool {
        match asked {
            Asked::Subject(subject) => {
                self.components.iter().any(|pattern| pattern.covers(subject.component))
            }
            Asked::Policy => self.policies,
        }
    }

    /// What it may sign, in words.
    fn patterns(&self) -> String {
        const MOST: usize = 5;
        let mut words: Vec<&str> =
            self.components.iter().take(MOST).map(NamePattern::as_str).collect();
        words.extend((self.components.len() > MOST).then_some("and others"));
        words.extend(self.policies.then_some("policies"));
        words.join(", ")
    }
}
