//! Keys and certificates that are in a token (a TPM, a smart card, a security module) and are named
//! by `pkcs11:` URIs (RFC 7512), and the library by which the token is spoken to.

use super::secret;
use crate::shape::{Object, Path, ShapeError, Warnings, whole};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// The configuration of `aws.greengrass.crypto.Pkcs11Provider` (Greengrass developer guide, "PKCS#11
/// provider").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkcs11Settings {
    /// `library`: its path.
    pub library: String,
    /// `slot`: the number of the slot that the token is in.
    pub slot: Option<u64>,
    /// `userPin`.
    pub pin: Option<Pin>,
}

/// What opens a token. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl Pin {
    /// As it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The PIN itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

impl Pkcs11Settings {
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        // What the Java nucleus calls its provider.
        let _name = object.take("name");
        let library = object.required_parsed("library")?;
        let slot = |path: &Path<'_>, value: &Value| whole(path, value, "a slot", 0..=u64::MAX);
        let settings = Self {
            library,
            slot: object.read("slot", slot)?,
            pin: object.read("userPin", secret)?.map(Pin::new),
        };
        object.warn_unknown(warnings);
        Ok(settings)
    }
}

/// What is in a token, and which (RFC 7512). What is `None` may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// `token`: the token's label.
    pub token: Option<String>,
    /// `manufacturer` of the token.
    pub manufacturer: Option<String>,
    /// `model` of the token.
    pub model: Option<String>,
    /// `serial` of the token.
    pub serial: Option<String>,
    /// `slot-id`: the number of the slot that it is in.
    pub slot: Option<u64>,
    /// `object`: the object's label.
    pub object: Option<String>,
    /// `id` of the object.
    pub id: Option<Vec<u8>>,
    /// `type` of the object: `private`, `cert`.
    pub class: Option<String>,
    /// `pin-value`.
    pub pin: Option<Pin>,
    /// `pin-source`: the path of a file that holds the PIN.
    pub pin_file: Option<String>,
    /// `module-path`: the library's path.
    pub library: Option<String>,
}

/// A text is no URI of PKCS#11. What is wrong with it does not show it: it may hold a PIN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URI of PKCS#11, such as pkcs11:token=device;object=key;type=private: {0}")]
pub struct Pkcs11UriError(&'static str);

/// Longest URI, in bytes.
const LONGEST: usize = 4096;

impl Pkcs11Uri {
    /// Whether a text is meant to be one, rather than the path of a file.
    pub fn is_meant_by(text: &str) -> bool {
        text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("pkcs11:"))
    }

    fn set(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Pkcs11UriError> {
        if name == "id" {
            return once(&mut self.id, bytes);
        }
        let text = String::from_utf8(bytes).map_err(|_| Pkcs11UriError("not UTF-8"))?;
        match name {
            "token" => once(&mut self.token, text),
            "manufacturer" => once(&mut self.manufacturer, text),
            "model" => once(&mut self.model, text),
            "serial" => once(&mut self.serial, text),
            "object" => once(&mut self.object, text),
            "type" => once(&mut self.class, text),
            "slot-id" => {
                let slot = text.parse().map_err(|_| Pkcs11UriError("slot-id is not a number"))?;
                once(&mut self.slot, slot)
            }
            // To leave out what narrows the choice would choose another object.
            _ => Err(Pkcs11UriError(
                "it may have token, manufacturer, model, serial, slot-id, object, id and type, and \
                 after a ? pin-value, pin-source and module-path",
            )),
        }
    }

    fn ask(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Pkcs11UriError> {
        let text = String::from_utf8(bytes).map_err(|_| Pkcs11UriError("not UTF-8"))?;
        match name {
            "pin-value" => once(&mut self.pin, Pin(text)),
            "pin-source" => {
                let file = text.strip_prefix("file://").or_else(|| text.strip_prefix("file:"));
                let file = file.unwrap_or(&text).to_owned();
                if !file.starts_with('/') {
                    return Err(Pkcs11UriError("pin-source is not the path of a file"));
                }
                once(&mut self.pin_file, file)
            }
            "module-path" => once(&mut self.library, text),
            // The rest is for programs of other kinds.
            _ => Ok(()),
        }
    }
}

impl FromStr for Pkcs11Uri {
    type Err = Pkcs11UriError;

    fn from_str(text: &str) -> Result<Self, Pkcs11UriError> {
        if text.len() > LONGEST {
            return Err(Pkcs11UriError("it is longer than 4096 bytes"));
        }
        if !Self::is_meant_by(text) {
            return Err(Pkcs11UriError("it does not begin with pkcs11:"));
        }
        let text = &text[7..];
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let mut uri = Self::default();
        for part in path.split(';').filter(|one| !one.is_empty()) {
            let (name, value) = attribute(part)?;
            uri.set(name, value)?;
        }
        for part in query.split('&').filter(|one| !one.is_empty()) {
            let (name, value) = attribute(part)?;
            uri.ask(name, value)?;
        }
        Ok(uri)
    }
}

/// The token and the object, without the PIN.
impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:")?;
        let mut parts = Vec::new();
        let mut part = |name: &str, value: Option<&[u8]>| {
            parts.extend(value.map(|value| format!("{name}={}", encoded(value))));
        };
        let texts = [
            ("token", &self.token),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("serial", &self.serial),
            ("object", &self.object),
            ("type", &self.class),
        ];
        for (name, text) in texts {
            part(name, text.as_deref().map(str::as_bytes));
        }
        part("id", self.id.as_deref());
        part("slot-id", self.slot.map(|slot| slot.to_string()).as_deref().map(str::as_bytes));
        f.write_str(&parts.join(";"))
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Pkcs11UriError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Pkcs11UriError("it names something twice")),
    }
}

/// A name, and its value without `%41`s.
fn attribute(text: &str) -> Result<(&str, Vec<u8>), Pkcs11UriError> {
    let (name, value) = text.split_once('=').ok_or(Pkcs11UriError("a part of it has no ="))?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'%' => {
                let broken = Pkcs11UriError("a % without two digits after it");
                let digits = after.split_at_checked(2).ok_or_else(|| broken.clone())?;
                rest = digits.1;
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(digits.0[0]).zip(digit(digits.0[1]));
                let (high, low) = value.ok_or(broken)?;
                (high << 4 | low) as u8
            }
            byte => byte,
        });
    }
    Ok((name, bytes))
}

/// As it stands in a URI.
fn encoded(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]@!$'()*+,=".contains(&byte);
    let one = |byte: &u8| match *byte {
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Result<Pkcs11Uri, Pkcs11UriError> {
        text.parse()
    }

    #[test]
    fn a_uri_names_an_object_in_a_token() {
        let found =
            uri("pkcs11:token=My%20token;object=key%C3%A9;id=%00%ff;type=private;slot-id=7");
        let expected = Pkcs11Uri {
            token: Some("My token".into()),
            object: Some("keyé".into()),
            id: Some(vec![0, 255]),
            class: Some("private".into()),
            slot: Some(7),
            ..Pkcs11Uri::default()
        };
        assert_eq!(found, Ok(expected.clone()));
        assert_eq!(uri(&expected.to_string()), Ok(expected));
        assert_eq!(uri("PKCS11:"), Ok(Pkcs11Uri::default()));
    }

    #[test]
    fn a_uri_says_where_pin_and_library_are_and_never_shows_the_pin() {
        let found =
            uri("pkcs11:object=key?pin-value=12%3334&module-path=/lib/a.so&x-mine=1").unwrap();
        assert_eq!(found.pin.as_ref().map(Pin::reveal), Some("12334"));
        assert_eq!(found.library.as_deref(), Some("/lib/a.so"));
        assert!(!format!("{found}{found:?}").contains("12334"));
        for source in ["/run/pin", "file:/run/pin", "file:///run/pin"] {
            let found = uri(&format!("pkcs11:?pin-source={source}")).unwrap();
            assert_eq!(found.pin_file.as_deref(), Some("/run/pin"));
        }
    }

    #[test]
    fn what_is_no_uri_is_refused_without_being_shown() {
        let long = format!("pkcs11:object={}", "a".repeat(LONGEST));
        for text in [
            "",
            "pkcs11",
            "/etc/secret",
            "pkcs11:secret",
            "pkcs11:object=secret;object=b",
            "pkcs11:object=%ff",
            "pkcs11:object=secret%4",
            "pkcs11:object=secret%zz",
            "pkcs11:secret=1",
            "pkcs11:library-version=1",
            "pkcs11:slot-id=secret",
            "pkcs11:?pin-value=secret&pin-value=1",
            "pkcs11:?pin-source=%7Csecret",
            "pkcs11é",
            &long,
        ] {
            let error = uri(text).expect_err(text).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
