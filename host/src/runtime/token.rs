//! The secret by which a component outside the sandbox shows which one it is: `SVCUID` in its
//! environment.

use crate::capability::caller::Caller;
use crate::random;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Characters of a token. The SDKs for small devices have room for just these.
const LENGTH: usize = 16;

/// 64 of them, so that each byte of the random source gives one without bias.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A secret that cannot be guessed. It is never shown by accident.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Token(String);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The kernel gives no random bytes.
    pub fn random() -> io::Result<Self> {
        let bytes = random::bytes::<LENGTH>()?;
        let text = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect();
        Ok(Self(text))
    }

    /// One that a component was given before.
    pub fn known(text: &str) -> Option<Self> {
        let fits = text.len() == LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte));
        fits.then(|| Self(text.to_owned()))
    }

    /// The secret itself, for the one who may know it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The tokens that count, and whose they are. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Arc<Mutex<HashMap<Token, Caller>>>);

impl Tokens {
    /// A new token for a caller; it counts until what this gives is dropped.
    ///
    /// # Errors
    /// The kernel gives no random bytes.
    pub fn issue(&self, caller: Caller) -> io::Result<Issued> {
        Ok(self.renew(Token::random()?, caller))
    }

    /// Let a token that a component was given before count as a caller's, until what this gives is
    /// dropped.
    pub fn renew(&self, token: Token, caller: Caller) -> Issued {
        // Of its own, since a process that is asked to stop has words left to say.
        self.lock().insert(token.clone(), caller.instance());
        Issued { token, tokens: self.clone() }
    }

    /// Whose token it is, if it counts. The caller is asked to stop when it does so no more.
    pub fn caller(&self, token: &str) -> Option<Caller> {
        self.lock().get(&Token::known(token)?).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Token, Caller>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token that counts while this lives.
#[derive(Debug)]
pub struct Issued {
    token: Token,
    tokens: Tokens,
}

impl Issued {
    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }
}

impl Drop for Issued {
    fn drop(&mut self) {
        if let Some(caller) = self.tokens.lock().remove(&self.token) {
            caller.ask_to_stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::testing::nobody;

    #[test]
    fn a_token_counts_until_it_is_given_back() {
        let tokens = Tokens::default();
        let issued = tokens.issue(nobody("a")).unwrap();
        let text = issued.token().reveal().to_owned();
        assert_eq!(text.len(), LENGTH);
        let caller = tokens.caller(&text).unwrap();
        assert_eq!(caller.name().as_ref(), "a");
        for wrong in ["", "AAAAAAAAAAAAAAAA", "AAAA AAAA AAAA A", &"A".repeat(1 << 20)] {
            assert!(tokens.caller(wrong).is_none());
        }
        assert!(!caller.stop().is_cancelled());
        drop(issued);
        assert!(tokens.caller(&text).is_none());
        assert!(caller.stop().is_cancelled(), "those who were let in by it learn of its end");
        let renewed = tokens.renew(Token::known(&text).unwrap(), nobody("b"));
        assert_eq!(tokens.caller(&text).unwrap().name().as_ref(), "b");
        drop(renewed);
        assert!(tokens.caller(&text).is_none());
    }

    #[test]
    fn a_token_is_not_shown() {
        let tokens = Tokens::default();
        let issued = tokens.issue(nobody("a")).unwrap();
        let secret = issued.token().reveal();
        assert!(!format!("{issued:?}").contains(secret));
        assert!(!format!("{tokens:?}").contains(secret));
        assert_ne!(Token::random().unwrap(), Token::random().unwrap());
    }
}
