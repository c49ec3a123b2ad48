//! Signatures of requests to AWS, Signature Version 4 (AWS General Reference, "Create a signed AWS
//! API request"), and Version 2 for links to objects, which boto3 makes unless told otherwise.
//!
//! [`Claim::find`] reads who a request says it is from, before anything else is looked at;
//! [`Claim::check`] holds it against the clock, and [`Claim::verify`] against the secret. [`chunked`]
//! reads bodies that are signed in pieces. Everything here is pure, and takes the path and the query
//! as they are on the wire.

mod canonical;
pub mod chunked;
mod claim;
mod query;
mod signing;
#[cfg(test)]
mod tests;
mod v2;

pub use canonical::Encoding;
pub use claim::{Claim, Scope};
pub use query::Query;
pub use signing::{Link, SigningKey, presign};

use thiserror::Error;

/// Why a request is not taken for its caller's.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SignatureError {
    /// Nothing says whose it is.
    #[error("the request is not signed: send it with an access key of this server")]
    Missing,
    /// What says whose it is cannot be read.
    #[error("the request's signature is not well formed: {0}")]
    Malformed(String),
    /// It was signed at another time.
    #[error(
        "the request was signed at {signed}, and it is {now} here; set one of the clocks right"
    )]
    Skewed {
        /// When, as its signature has it.
        signed: String,
        /// The time here.
        now: String,
    },
    /// It is a link that holds no more.
    #[error("Request has expired")]
    Expired,
    /// It is meant for another region.
    #[error("the request is signed for the region {found}; this server is {expected}")]
    Region {
        /// The region in its signature.
        found: String,
        /// The region here.
        expected: String,
    },
    /// Nobody has that access key.
    #[error("there is no access key {0} on this server")]
    UnknownKey(String),
    /// What comes with a key that holds for a while is not of it, or it holds no more.
    #[error("the security token is not of this access key, or has expired")]
    Token,
    /// It was signed with another secret, or changed on its way.
    #[error(
        "the signature is not the one that the secret of this access key makes; check the secret, \
         and whether a proxy changes requests"
    )]
    Mismatch,
    /// It is signed in a way that is not known here.
    #[error("the request's signature is of a kind that is not served: {0}")]
    Unsupported(String),
}

/// Most seconds between the time of a signature and the time here.
const MOST_SKEW: u64 = 15 * 60;

/// Longest that a link holds, in seconds.
const LONGEST_LINK: u64 = 7 * 24 * 60 * 60;
