//! Keys and certificates in a token (a TPM, a smart card, a security module), spoken to by its
//! maker's library of PKCS#11. A key never leaves it: it signs ([`key`]).
//!
//! A library is loaded when the first object is asked for, once for the process, and stays. What it
//! does blocks, for as long as a small token takes: a second for a signature is not rare.

mod answer;
mod key;

pub(super) use key::TokenKey;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use gg_model::nucleus::{Pin, Pkcs11Settings, Pkcs11Uri, Pkcs11UriError};
use rustls::pki_types::CertificateDer;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use thiserror::Error as ThisError;

/// Largest file of a PIN, in bytes.
const LONGEST_PIN: u64 = 1024;

/// The libraries that are loaded. A library is one thing for a whole process, however many use it;
/// who speaks to one holds this, for not all bear two threads.
static LOADED: Mutex<Vec<(PathBuf, Pkcs11)>> = Mutex::new(Vec::new());

/// The last PIN that a token did not take: it locks after few wrong ones, and whoever asks for a key,
/// asks again and again.
static WRONG: Mutex<Vec<Offered>> = Mutex::new(Vec::new());

/// A PIN for a token.
#[derive(Eq, PartialEq)]
struct Offered {
    /// Its label and its serial number.
    token: [String; 2],
    pin: Pin,
}

/// An object in a token.
#[derive(Clone, Debug)]
pub(super) struct TokenObject {
    library: PathBuf,
    slot: Option<u64>,
    uri: Pkcs11Uri,
    pin: Option<Pin>,
}

/// Why an object in a token cannot be used; what helps is in the sentence.
#[derive(Debug, ThisError)]
pub(super) enum TokenError {
    #[error(transparent)]
    Uri(#[from] Pkcs11UriError),
    #[error(
        "no library of PKCS#11 is known; set library in the configuration of \
         aws.greengrass.crypto.Pkcs11Provider, or module-path in the URI"
    )]
    NoLibrary,
    #[error(
        "the library {library} of PKCS#11 cannot be loaded: {reason}; see whether it is there, and \
         made for this machine",
        library = library.display()
    )]
    Library { library: PathBuf, reason: String },
    #[error(
        "the library {library} knows no token for {uri}{slot}, but {found}; see whether the token is \
         plugged in, and whether this user may use it", library = library.display()
    )]
    NoToken { library: PathBuf, uri: String, slot: String, found: String },
    #[error(
        "the library {library} knows several tokens for {uri}: {found}; name one by token or slot-id",
        library = library.display()
    )]
    SeveralTokens { library: PathBuf, uri: String, found: String },
    #[error("the file {path} of the PIN cannot be read: {reason}")]
    PinFile { path: String, reason: String },
    #[error(
        "the token {token} asks for a PIN; set userPin in the configuration of \
         aws.greengrass.crypto.Pkcs11Provider, or pin-source in the URI"
    )]
    NoPin { token: String },
    #[error("the token {token} does not take the PIN: {reason}")]
    Pin { token: String, reason: &'static str },
    #[error(
        "the token {token} holds no {class} for {uri}; list what it holds with pkcs11-tool \
         --module {library} --login --list-objects", library = library.display()
    )]
    NoObject { token: String, class: &'static str, uri: String, library: PathBuf },
    #[error("the token {token} holds more than one {class} for {uri}; name it by object and id")]
    SeveralObjects { token: String, class: &'static str, uri: String },
    #[error("the key {uri} in the token {token} cannot be used: {reason}")]
    Key { token: String, uri: String, reason: String },
    #[error("the token {token} fails: {reason}")]
    Token { token: String, reason: String },
}

/// A token that is spoken to, and what of it was asked for.
struct Found<'a> {
    session: Session,
    object: ObjectHandle,
    context: &'a Pkcs11,
    slot: Slot,
    label: String,
}

impl TokenObject {
    /// What a URI names, by way of this library unless the URI names another. Nothing is loaded.
    ///
    /// # Errors
    /// It is no URI, or there is no library.
    pub(super) fn new(uri: &str, settings: Option<&Pkcs11Settings>) -> Result<Self, TokenError> {
        let uri: Pkcs11Uri = uri.parse()?;
        let library =
            uri.library.as_deref().or_else(|| settings.map(|settings| &*settings.library));
        let library = PathBuf::from(library.ok_or(TokenError::NoLibrary)?);
        // A URI that says which token it means need not be in the slot that another is in.
        let named = uri.token.is_some() || uri.serial.is_some();
        let slot = settings.and_then(|settings| settings.slot).filter(|_| !named);
        let pin = uri.pin.clone();
        let pin = pin.or_else(|| settings.and_then(|settings| settings.pin.clone()));
        Ok(Self { library, slot: uri.slot.or(slot), uri, pin })
    }

    /// The certificate that it is.
    ///
    /// # Errors
    /// It is not there, or is none.
    pub(super) fn certificate(&self) -> Result<CertificateDer<'static>, TokenError> {
        self.with(ObjectClass::CERTIFICATE, |found| {
            let attributes = found.session.get_attributes(found.object, &[AttributeType::Value]);
            match attributes.map_err(|error| found.failed(&error))?.pop() {
                Some(Attribute::Value(value)) => Ok(value.into()),
                _ => Err(found.failed(&Error::InvalidValue)),
            }
        })
    }

    /// Do something with the object of this class.
    fn with<T>(
        &self,
        class: ObjectClass,
        act: impl FnOnce(&Found<'_>) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let context = self.load(&mut loaded)?;
        let (slot, token) = self.slot(&context)?;
        let label = token.label().to_owned();
        let failed =
            |error: Error| TokenError::Token { token: label.clone(), reason: error.to_string() };
        let session = context.open_ro_session(slot).map_err(failed)?;
        // Certificates are open to all as a rule.
        if class != ObjectClass::CERTIFICATE || self.pin.is_some() || self.uri.pin_file.is_some() {
            self.log_in(&session, &token)?;
        }
        let mut template = vec![Attribute::Class(class)];
        let text = self.uri.object.as_ref();
        template.extend(text.map(|text| Attribute::Label(text.clone().into_bytes())));
        template.extend(self.uri.id.clone().map(Attribute::Id));
        let objects = session.find_objects(&template).map_err(failed)?;
        let class = if class == ObjectClass::CERTIFICATE { "certificate" } else { "private key" };
        let uri = self.uri.to_string();
        let object = match objects[..] {
            [object] => object,
            [] => {
                let library = self.library.clone();
                return Err(TokenError::NoObject { token: label, class, uri, library });
            }
            _ => return Err(TokenError::SeveralObjects { token: label, class, uri }),
        };
        act(&Found { session, object, context: &context, slot, label })
    }

    /// The library, loaded.
    fn load(&self, loaded: &mut Vec<(PathBuf, Pkcs11)>) -> Result<Pkcs11, TokenError> {
        if let Some((_, context)) = loaded.iter().find(|(path, _)| *path == self.library) {
            return Ok(context.clone());
        }
        let failed = |error: Error| {
            let reason = match &error {
                Error::LibraryLoading(error) => error.to_string(),
                other => other.to_string(),
            };
            TokenError::Library { library: self.library.clone(), reason }
        };
        let context = Pkcs11::new(&self.library).map_err(failed)?;
        match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(error)),
        }
        loaded.push((self.library.clone(), context.clone()));
        Ok(context)
    }

    /// The slot that the token is in.
    fn slot(&self, context: &Pkcs11) -> Result<(Slot, TokenInfo), TokenError> {
        let failed = |error: Error| TokenError::Library {
            library: self.library.clone(),
            reason: error.to_string(),
        };
        let (mut fit, mut others) = (Vec::new(), Vec::new());
        for slot in context.get_slots_with_token().map_err(failed)? {
            // One that is pulled out meanwhile is not there.
            let Ok(token) = context.get_token_info(slot) else { continue };
            let fits = self.fits(slot, &token);
            if fits { fit.push((slot, token)) } else { others.push((slot, token)) }
        }
        let (library, uri) = (self.library.clone(), self.uri.to_string());
        match (fit.pop(), fit.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => {
                let slot = self.slot.map(|slot| format!(" in slot {slot}")).unwrap_or_default();
                Err(TokenError::NoToken { library, uri, slot, found: list(&others) })
            }
            (Some(last), false) => {
                fit.push(last);
                Err(TokenError::SeveralTokens { library, uri, found: list(&fit) })
            }
        }
    }

    fn fits(&self, slot: Slot, token: &TokenInfo) -> bool {
        let as_wanted = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        token.token_initialized()
            && self.slot.is_none_or(|wanted| wanted == slot.id())
            && as_wanted(&self.uri.token, token.label())
            && as_wanted(&self.uri.manufacturer, token.manufacturer_id())
            && as_wanted(&self.uri.model, token.model())
            && as_wanted(&self.uri.serial, token.serial_number())
    }

    fn log_in(&self, session: &Session, token: &TokenInfo) -> Result<(), TokenError> {
        let label = || token.label().to_owned();
        let pin = match (&self.pin, &self.uri.pin_file) {
            (Some(pin), _) => Some(pin.clone()),
            (None, Some(path)) => Some(pin_of(path).map_err(|error| TokenError::PinFile {
                path: path.clone(),
                reason: error.to_string(),
            })?),
            // It has keys of its own, or wants no PIN.
            (None, None) if token.protected_authentication_path() => None,
            (None, None) if !token.login_required() => return Ok(()),
            (None, None) => return Err(TokenError::NoPin { token: label() }),
        };
        let refused = |reason| Err(TokenError::Pin { token: label(), reason });
        let named = || [token.label(), token.serial_number()].map(str::to_owned);
        let offered = pin.map(|pin| Offered { token: named(), pin });
        let mut wrong = WRONG.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(offered) = &offered {
            if wrong.contains(offered) {
                return refused("it was wrong before, and is not tried again");
            }
            if token.user_pin_final_try() {
                return refused(
                    "there were so many wrong ones that another locks the token; log in with the right \
                     one by its maker's program first",
                );
            }
        }
        let pin = offered.as_ref().map(|offered| AuthPin::from(offered.pin.reveal()));
        match session.login(UserType::User, pin.as_ref()) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(RvError::PinLocked, _)) => {
                refused("it is locked after too many wrong ones; its maker says how to unlock it")
            }
            Err(Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
                _,
            )) => {
                wrong.retain(|other| Some(&other.token) != offered.as_ref().map(|new| &new.token));
                wrong.extend(offered);
                refused(
                    "it is wrong, and is not tried again, for each wrong one brings the token nearer \
                         to being locked",
                )
            }
            Err(error) => Err(TokenError::Token { token: label(), reason: error.to_string() }),
        }
    }
}

impl Found<'_> {
    fn failed(&self, error: &Error) -> TokenError {
        TokenError::Token { token: self.label.clone(), reason: error.to_string() }
    }
}

/// Tokens, as an operator tells them apart.
fn list(tokens: &[(Slot, TokenInfo)]) -> String {
    let mut text = String::new();
    for (slot, token) in tokens {
        let between = if text.is_empty() { "" } else { ", " };
        let _infallible = write!(text, "{between}`{}` in slot {}", token.label(), slot.id());
    }
    if text.is_empty() { "none".to_owned() } else { text }
}

/// The PIN in a file, without the end of its line.
fn pin_of(path: &str) -> io::Result<Pin> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST_PIN).read_to_string(&mut text)?;
    Ok(Pin::new(text.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_explained_and_no_pin_is_shown() {
        let settings = |library: &str| Pkcs11Settings {
            library: library.to_owned(),
            slot: Some(3),
            pin: Some(Pin::new("4321")),
        };
        let error = TokenObject::new("pkcs11:object=a?pin-value=1234", None).unwrap_err();
        assert!(error.to_string().contains("Pkcs11Provider"), "{error}");
        let object = TokenObject::new("pkcs11:object=a", Some(&settings("/nowhere/a.so"))).unwrap();
        assert_eq!(object.slot, Some(3));
        assert!(!format!("{object:?}").contains("4321"));
        let error = object.certificate().unwrap_err().to_string();
        assert!(error.contains("/nowhere/a.so") && error.contains("cannot be loaded"), "{error}");
        // The C library is none of PKCS#11.
        let object = TokenObject::new("pkcs11:token=t", Some(&settings("libc.so.6"))).unwrap();
        assert_eq!(object.slot, None);
        let error = object.certificate().unwrap_err().to_string();
        assert!(error.contains("C_GetFunctionList"), "{error}");
    }
}
