//! Whose a request says it is.

use super::canonical::{self, Encoding};
use super::query::Query;
use super::signing::{SigningKey, string_to_sign};
use super::{LONGEST_LINK, MOST_SKEW, SignatureError, v2};
use crate::clock::Time;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::fmt;

/// What a signature is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scope {
    /// The day: `20261127`.
    pub day: String,
    /// The region.
    pub region: String,
    /// The service's signing name.
    pub service: String,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/aws4_request", self.day, self.region, self.service)
    }
}

/// What a request says of whose it is; nothing of it is true before it is verified.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The access key's id.
    pub key_id: String,
    /// What comes with keys that hold for a while.
    pub token: Option<String>,
    /// What it is signed for.
    pub scope: Scope,
    /// When it was signed.
    pub at: Time,
    kind: SignatureKind,
    signature: String,
}

#[derive(Clone, Debug)]
enum SignatureKind {
    /// In the header `Authorization`.
    Header { signed: Vec<String> },
    /// In the query; it holds for so many seconds.
    Link { signed: Vec<String>, expires: u64 },
    /// Version 2 in the query; it holds until then.
    Version2 { expires: Time },
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

fn malformed(what: impl Into<String>) -> SignatureError {
    SignatureError::Malformed(what.into())
}

impl Claim {
    /// Whether a request says whose it is, rightly or not.
    pub fn is_in(head: &Parts) -> bool {
        let query = head.uri.query().unwrap_or_default();
        let linked = ["X-Amz-Algorithm", "AWSAccessKeyId"].iter().any(|name| query.contains(name));
        head.headers.contains_key(AUTHORIZATION) || linked
    }

    /// Read it off the head of a request.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn find(head: &Parts, query: &Query) -> Result<Self, SignatureError> {
        if let Some(value) = head.headers.get(AUTHORIZATION) {
            let value = value.to_str().map_err(|_| malformed("it is no text"))?;
            return Self::in_header(head, value);
        }
        if query.has("X-Amz-Algorithm") {
            return Self::in_query(head, query);
        }
        if query.has("AWSAccessKeyId") {
            let (key_id, expires, signature) = v2::read(query)?;
            let scope =
                Scope { day: String::new(), region: String::new(), service: "s3".to_owned() };
            let token = query.get("x-amz-security-token").map(str::to_owned);
            let kind = SignatureKind::Version2 { expires };
            return Ok(Self { key_id, token, scope, at: expires, kind, signature });
        }
        Err(SignatureError::Missing)
    }

    fn in_header(head: &Parts, value: &str) -> Result<Self, SignatureError> {
        let (algorithm, rest) = value.split_once(' ').unwrap_or((value, ""));
        algorithm_is_known(algorithm)?;
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for part in rest.split(',') {
            match part.trim().split_once('=') {
                Some(("Credential", value)) if credential.is_none() => credential = Some(value),
                Some(("SignedHeaders", value)) if signed.is_none() => signed = Some(value),
                Some(("Signature", value)) if signature.is_none() => signature = Some(value),
                _ => return Err(malformed("Authorization has a part that does not belong there")),
            }
        }
        let part = |part: Option<&str>, name: &str| match part {
            Some(part) => Ok(part.to_owned()),
            None => Err(malformed(format!("Authorization has no {name}"))),
        };
        let (key_id, scope) = credential_of(&part(credential, "Credential")?)?;
        let signed = signed_headers(&part(signed, "SignedHeaders")?, true)?;
        let date = canonical::header(head, "x-amz-date")?;
        let at = Time::parse_basic(&date)
            .ok_or_else(|| malformed("x-amz-date is not like 20261127T120000Z"))?;
        all_are_signed(head, &signed)?;
        let token = head.headers.get("x-amz-security-token");
        Ok(Self {
            key_id,
            token: token.and_then(|token| token.to_str().ok()).map(str::to_owned),
            scope,
            at,
            kind: SignatureKind::Header { signed },
            signature: part(signature, "Signature")?,
        })
    }

    fn in_query(head: &Parts, query: &Query) -> Result<Self, SignatureError> {
        algorithm_is_known(query.one("X-Amz-Algorithm")?)?;
        let (key_id, scope) = credential_of(query.one("X-Amz-Credential")?)?;
        let signed = signed_headers(query.one("X-Amz-SignedHeaders")?, false)?;
        all_are_signed(head, &signed)?;
        let at = Time::parse_basic(query.one("X-Amz-Date")?)
            .ok_or_else(|| malformed("X-Amz-Date is not like 20261127T120000Z"))?;
        let expires = query.one("X-Amz-Expires")?;
        let expires = expires.parse().ok().filter(|seconds| (1..=LONGEST_LINK).contains(seconds));
        let expires = expires
            .ok_or_else(|| malformed(format!("X-Amz-Expires is not from 1 to {LONGEST_LINK}")))?;
        Ok(Self {
            key_id,
            token: query.get("X-Amz-Security-Token").map(str::to_owned),
            scope,
            at,
            kind: SignatureKind::Link { signed, expires },
            signature: query.one("X-Amz-Signature")?.to_owned(),
        })
    }

    /// Whether it is a link, whose body nobody has signed.
    pub fn is_link(&self) -> bool {
        !matches!(self.kind, SignatureKind::Header { .. })
    }

    /// The signature, with which that of the first piece of a body is made.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// Hold it against the clock and the region.
    ///
    /// # Errors
    /// It was signed too long ago, or is for another region.
    pub fn check(&self, now: Time, region: &str) -> Result<(), SignatureError> {
        match self.kind {
            SignatureKind::Version2 { expires } if expires < now => {
                return Err(SignatureError::Expired);
            }
            SignatureKind::Version2 { expires } => {
                // The latest that a link of version 4 could hold.
                let longest = now.plus_seconds(LONGEST_LINK);
                let holds = expires <= longest;
                return if holds { Ok(()) } else { Err(malformed("it holds for too long")) };
            }
            SignatureKind::Link { expires, .. } => {
                if self.at.plus_seconds(expires) < now {
                    return Err(SignatureError::Expired);
                }
                if now.plus_seconds(MOST_SKEW) < self.at {
                    return Err(self.skewed(now));
                }
            }
            SignatureKind::Header { .. } => {
                if self.at.seconds_from(now) > MOST_SKEW {
                    return Err(self.skewed(now));
                }
            }
        }
        if self.at.basic().get(..8) != Some(self.scope.day.as_str()) {
            return Err(malformed("the day in the credential is not that of x-amz-date"));
        }
        if self.scope.region != region {
            let (found, expected) = (self.scope.region.clone(), region.to_owned());
            return Err(SignatureError::Region { found, expected });
        }
        Ok(())
    }

    fn skewed(&self, now: Time) -> SignatureError {
        SignatureError::Skewed { signed: self.at.basic(), now: now.basic() }
    }

    /// Hold it against the secret of the key that it names. `payload` is the digest of the body, or
    /// what stands for it.
    ///
    /// # Errors
    /// It is not what the secret makes.
    pub fn verify(
        &self,
        head: &Parts,
        query: &Query,
        encoding: Encoding,
        payload: &str,
        secret: &str,
    ) -> Result<(), SignatureError> {
        let right = match &self.kind {
            SignatureKind::Header { signed } | SignatureKind::Link { signed, .. } => {
                let canonical = canonical::request(head, query, signed, encoding, payload)?;
                let text = string_to_sign(self.at, &self.scope, &canonical);
                SigningKey::new(secret, &self.scope).verify(&text, &self.signature)
            }
            SignatureKind::Version2 { .. } => v2::verify(head, query, secret, &self.signature)?,
        };
        if right { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

fn algorithm_is_known(algorithm: &str) -> Result<(), SignatureError> {
    match algorithm {
        ALGORITHM => Ok(()),
        "AWS4-ECDSA-P256-SHA256" => {
            Err(SignatureError::Unsupported("sign with Signature Version 4, not 4A".to_owned()))
        }
        "AWS" => {
            Err(SignatureError::Unsupported("sign with Signature Version 4, not 2".to_owned()))
        }
        _ => Err(malformed("its algorithm is not AWS4-HMAC-SHA256")),
    }
}

/// `AKID/20261127/us-east-1/service/aws4_request`.
fn credential_of(text: &str) -> Result<(String, Scope), SignatureError> {
    let parts: Vec<&str> = text.split('/').collect();
    let &[key_id, day, region, service, "aws4_request"] = parts.as_slice() else {
        return Err(malformed("Credential is not KEY/DAY/REGION/SERVICE/aws4_request"));
    };
    let scope =
        Scope { day: day.to_owned(), region: region.to_owned(), service: service.to_owned() };
    Ok((key_id.to_owned(), scope))
}

/// Names in lower case and in order, the host among them.
fn signed_headers(text: &str, with_date: bool) -> Result<Vec<String>, SignatureError> {
    let names: Vec<String> = text.split(';').map(str::to_owned).collect();
    if names.iter().any(|name| name.bytes().any(|byte| byte.is_ascii_uppercase())) {
        return Err(malformed("SignedHeaders are not in lower case"));
    }
    if !names.is_sorted_by(|one, next| one < next) {
        return Err(malformed("SignedHeaders are not in order"));
    }
    let needed: &[&str] = if with_date { &["host", "x-amz-date"] } else { &["host"] };
    match needed.iter().find(|needed| !names.iter().any(|name| name == *needed)) {
        Some(missing) => Err(malformed(format!("the header {missing} is not signed"))),
        None => Ok(names),
    }
}

/// What means something to AWS must not have been added on the way.
fn all_are_signed(head: &Parts, signed: &[String]) -> Result<(), SignatureError> {
    let mut own = head.headers.keys().filter(|name| name.as_str().starts_with("x-amz-"));
    match own.find(|name| !signed.iter().any(|signed| signed == name.as_str())) {
        Some(name) => Err(malformed(format!("the header {name} is not signed"))),
        None => Ok(()),
    }
}
