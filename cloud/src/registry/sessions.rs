//! Credentials that hold for a while: what devices have instead of access keys.
//!
//! All that is known of a session stands in its token, under a signature of this server's, and its
//! secret is made of the token: nothing is kept, and nothing has to be forgotten.

use super::{Place, Refusal, Secret};
use crate::clock::Time;
use crate::hexadecimal::{bytes, hexadecimal};
use crate::state::{Key, Rows, StateError, Table, Transaction};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde::{Deserialize, Serialize};

/// What tokens are signed with, in hexadecimal digits.
const SIGNING_KEY: Table<Secret> = Table::new("session-key");

const ID_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What ids of keys that hold for a while begin with (IAM user guide, "Unique identifiers").
const PREFIX: &str = "ASIA";

/// Most letters of a token.
const LONGEST: usize = 4096;

/// Whose credentials they are, and until when.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    /// The access key's id.
    pub id: String,
    /// The role that they are of, without what comes before its name in ARNs.
    pub role: String,
    /// Who has them: a thing's name, or a certificate's id.
    pub holder: String,
    /// Their last moment.
    pub expires: Time,
}

/// What a device is given.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Whose they are.
    pub session: Session,
    /// What requests are signed with.
    pub secret: Secret,
    /// What is sent along.
    pub token: Secret,
}

impl Session {
    /// What its holder is called.
    pub fn arn(&self, place: &Place) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{}", place.account, self.role, self.holder)
    }
}

/// Whether an access key's id is one that holds for a while.
pub fn is_temporary(id: &str) -> bool {
    id.starts_with(PREFIX)
}

/// Make credentials.
///
/// # Errors
/// The state fails.
pub fn begin(
    tx: &mut dyn Transaction,
    role: &str,
    holder: &str,
    expires: Time,
) -> Result<Credentials, Refusal> {
    let key = match signing_key(tx)? {
        Some(key) => key,
        None => {
            let digits = hexadecimal(&crate::random::bytes::<32>()?);
            SIGNING_KEY.put(tx, &Key::new(), &Secret::from(digits))?;
            signing_key(tx)?.ok_or_else(|| Refusal::internal(&"no key signs sessions"))?
        }
    };
    let id = format!("{PREFIX}{}", crate::random::text::<16>(ID_LETTERS)?);
    let session = Session { id, role: role.to_owned(), holder: holder.to_owned(), expires };
    let claims = serde_json::to_vec(&session).map_err(|error| Refusal::internal(&error))?;
    let signature = hmac::sign(&key, &claims);
    let token = format!("{}.{}", URL_SAFE_NO_PAD.encode(claims), URL_SAFE_NO_PAD.encode(signature));
    let secret = secret(&key, &token);
    Ok(Credentials { session, secret, token: token.into() })
}

/// Whose credentials a request is signed with, and their secret; `None`: the token is none of here, of
/// another key's, or holds no more.
///
/// # Errors
/// The state cannot be read.
pub fn open(
    rows: &dyn Rows,
    id: &str,
    token: &str,
    now: Time,
) -> Result<Option<(Session, Secret)>, StateError> {
    let Some(key) = signing_key(rows)? else { return Ok(None) };
    let session = read(&key, token).filter(|session| session.id == id && now < session.expires);
    Ok(session.map(|session| (session, secret(&key, token))))
}

fn read(key: &hmac::Key, token: &str) -> Option<Session> {
    let (claims, signature) = token.split_once('.').filter(|_| token.len() <= LONGEST)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    hmac::verify(key, &claims, &signature).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// 40 letters, as AWS's secrets are.
fn secret(key: &hmac::Key, token: &str) -> Secret {
    let digest = hmac::sign(key, format!("secret of {token}").as_bytes());
    STANDARD_NO_PAD.encode(&digest.as_ref()[..30]).into()
}

fn signing_key(rows: &dyn Rows) -> Result<Option<hmac::Key>, StateError> {
    let digits = SIGNING_KEY.get(rows, &Key::new())?;
    let key = digits.and_then(|digits| bytes(digits.reveal()));
    Ok(key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, &key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Sqlite, State};

    #[test]
    fn a_token_holds_until_it_ends_and_for_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let state: Box<dyn State> =
            Box::new(Sqlite::open(&folder.path().join("state.sqlite")).unwrap());
        let end = Time::from_seconds(1000);
        let made = state.change(|tx| begin(tx, "role", "press", end)).unwrap();
        let other = state.change(|tx| begin(tx, "role", "press", end)).unwrap();
        let (id, token) = (made.session.id.as_str(), made.token.reveal());
        let opened = |id: &str, token: &str, at: u64| {
            open(state.snapshot().unwrap().as_ref(), id, token, Time::from_seconds(at)).unwrap()
        };
        let (session, secret) = opened(id, token, 999).unwrap();
        assert_eq!((session, secret.reveal()), (made.session.clone(), made.secret.reveal()));
        assert_eq!(secret.reveal().len(), 40);
        assert!(opened(id, token, 1000).is_none());
        assert!(opened(&other.session.id, token, 1).is_none());
        let swapped = format!("{}.x", token.split_once('.').unwrap().0);
        for wrong in ["", ".", "a.b", &token[1..], &swapped, &format!("{token}A")] {
            assert!(opened(id, wrong, 1).is_none(), "{wrong}");
        }
    }
}
