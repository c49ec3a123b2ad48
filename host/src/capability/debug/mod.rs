//! Passwords for people who look at this device from another machine, as in Greengrass's debug
//! console. They are kept in memory alone, as digests, and open what is measured
//! (`monitor/endpoint.rs`).

pub(crate) mod ipc;

use super::caller::{Caller, Operation};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::random;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The one user there is.
pub const USER: &str = "debug";

/// How long a password holds.
const HOLDS: Duration = Duration::from_secs(8 * 60 * 60);

/// Bytes of randomness in a password.
const RANDOM: usize = 18;

/// Passwords at one time. The oldest gives way.
const MOST: usize = 16;

/// A new password.
#[expect(missing_debug_implementations, reason = "nobody is to see it by accident")]
pub struct Password {
    /// The password.
    pub text: String,
    /// Until when it holds, in milliseconds since the Unix epoch.
    pub expires: i64,
}

/// A password that was given out.
#[derive(Debug)]
struct Known {
    digest: [u8; 32],
    expires: i64,
}

/// The passwords that hold. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DebugPasswords {
    clock: Clock,
    known: Arc<Mutex<Vec<Known>>>,
}

impl DebugPasswords {
    /// None yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, known: Arc::default() }
    }

    /// Make one.
    ///
    /// # Errors
    /// Unauthorized; the kernel gives no random bytes.
    pub fn create(&self, caller: &Caller) -> Result<Password> {
        caller.authorize(Operation::CreateDebugPassword, "*")?;
        let bytes = random::bytes::<RANDOM>()
            .map_err(|error| Error::internal(format!("no random bytes: {error}")))?;
        let text = URL_SAFE_NO_PAD.encode(bytes);
        let holds = i64::try_from(HOLDS.as_millis()).unwrap_or(i64::MAX);
        let expires = self.clock.unix_millis().saturating_add(holds);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == MOST {
            known.remove(0);
        }
        known.push(Known { digest: Sha256::digest(&text).into(), expires });
        Ok(Password { text, expires })
    }

    /// Whether these are a user and a password that hold now. How long it takes says nothing of
    /// the passwords there are.
    pub fn hold(&self, user: &str, password: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(password).into();
        let now = self.clock.unix_millis();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|one| now < one.expires);
        let differs = |one: &Known| {
            let bytes = one.digest.iter().zip(digest);
            bytes.fold(0, |all, (one, other)| all | (one ^ other))
        };
        let holds = known.iter().fold(false, |holds, one| holds | (differs(one) == 0));
        holds && user == USER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::testing::{granted, somebody};
    use crate::error::ErrorKind;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::UNIX_EPOCH;

    #[test]
    fn without_a_policy_no_password_is_made() {
        let passwords = DebugPasswords::new(Clock::system());
        let error = passwords.create(&somebody("a")).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(!passwords.hold(USER, ""));
    }

    #[test]
    fn a_password_holds_for_its_time_and_its_user() {
        let now = Arc::new(AtomicU64::new(1000));
        let seconds = Arc::clone(&now);
        let clock = Clock::from_fn(move || {
            UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::Relaxed))
        });
        let passwords = DebugPasswords::new(clock);
        let a = granted("a", Operation::CreateDebugPassword, "*");
        let (one, other) = (passwords.create(&a).unwrap(), passwords.create(&a).unwrap());
        assert_ne!(one.text, other.text);
        assert_eq!(one.expires, 1_000_000 + 8 * 3_600_000);
        assert!(passwords.hold(USER, &one.text) && passwords.hold(USER, &other.text));
        for (user, password) in [("root", one.text.as_str()), (USER, ""), (USER, &one.text[1..])] {
            assert!(!passwords.hold(user, password), "{user}");
        }
        assert!(!format!("{passwords:?}").contains(&one.text));
        now.fetch_add(8 * 3600, Ordering::Relaxed);
        assert!(!passwords.hold(USER, &one.text));
    }

    #[test]
    fn of_too_many_the_oldest_gives_way() {
        let passwords = DebugPasswords::new(Clock::system());
        let a = granted("a", Operation::CreateDebugPassword, "*");
        let all: Vec<Password> = (0..=MOST).map(|_| passwords.create(&a).unwrap()).collect();
        let holds = |one: &Password| passwords.hold(USER, &one.text);
        assert!(!holds(&all[0]) && all[1..].iter().all(holds));
    }
}
