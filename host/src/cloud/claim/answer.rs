//! The cloud's answers (AWS IoT developer guide, "Device provisioning MQTT API"). They come from
//! outside: whatever is not as it should be is an error, and no error shows a key.

use crate::logs::presentable;
use gg_model::ThingName;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use std::fmt;

/// Longest token, in characters; AWS's has some hundred.
const LONGEST_TOKEN: usize = 8192;

/// A certificate, not yet a thing's.
pub(super) struct Created {
    /// In PEM.
    pub(super) certificate: String,
    /// In PEM, where the cloud made it.
    pub(super) key: Option<String>,
    /// Shows that the certificate is this device's.
    pub(super) token: String,
}

/// A thing.
#[derive(Debug)]
pub(super) struct Registered {
    /// Its name.
    pub(super) thing: ThingName,
}

/// Why the cloud refuses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    status: Option<u64>,
    code: String,
    message: String,
}

impl Created {
    pub(super) fn read(answer: &[u8], wants_key: bool) -> Result<Self, String> {
        let answer = object(answer)?;
        let certificate = text(&answer, "certificatePem")?;
        CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|_| "certificatePem is no certificate in PEM")?;
        let key = match wants_key {
            false => None,
            true => {
                let key = text(&answer, "privateKey")?;
                PrivateKeyDer::from_pem_slice(key.as_bytes())
                    .map_err(|_| "privateKey is no key in PEM")?;
                Some(key)
            }
        };
        let token = text(&answer, "certificateOwnershipToken")?;
        if token.len() > LONGEST_TOKEN {
            return Err("certificateOwnershipToken is too long".to_owned());
        }
        Ok(Self { certificate, key, token })
    }
}

impl Registered {
    pub(super) fn read(answer: &[u8]) -> Result<Self, String> {
        let name = text(&object(answer)?, "thingName")?;
        let thing = name.parse().map_err(|error| format!("thingName: {error}"))?;
        Ok(Self { thing })
    }
}

impl Rejection {
    /// Whatever can be made of it.
    pub(super) fn read(answer: &[u8]) -> Self {
        let answer = object(answer).unwrap_or_default();
        let text = |name| text(&answer, name).unwrap_or_default();
        Self {
            status: answer.get("statusCode").and_then(Value::as_u64),
            code: text("errorCode"),
            message: text("errorMessage"),
        }
    }

    /// Whether the cloud does not know, or no longer, that the certificate is this device's.
    pub(super) fn is_of_token(&self) -> bool {
        self.code.contains("OwnershipToken") || self.code.contains("CertificateId")
    }
}

/// The cloud's words.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |text: &str| match text {
            "" => "without a word".to_owned(),
            text => presentable(text, 500).to_string(),
        };
        if let Some(status) = self.status {
            write!(f, "{status} ")?;
        }
        write!(f, "{}: {}", or_none(&self.code), or_none(&self.message))
    }
}

fn object(answer: &[u8]) -> Result<Value, String> {
    // What serde says of a text may show some of it.
    let value: Value = serde_json::from_slice(answer).map_err(|_| "it is not JSON")?;
    if value.is_object() { Ok(value) } else { Err("it is no object".to_owned()) }
}

fn text(answer: &Value, name: &str) -> Result<String, String> {
    let text = answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(Into::into).ok_or_else(|| format!("it has no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn created() -> Value {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        json!({
            "certificateId": "1", "certificatePem": certificate.pem(),
            "privateKey": key.serialize_pem(), "certificateOwnershipToken": "token",
        })
    }

    #[test]
    fn a_certificate_comes_with_its_key_or_without() {
        let mut answer = created();
        assert!(Created::read(answer.to_string().as_bytes(), true).unwrap().key.is_some());
        answer.as_object_mut().unwrap().remove("privateKey");
        let read = Created::read(answer.to_string().as_bytes(), false).unwrap();
        assert_eq!((read.key, read.token.as_str()), (None, "token"));
        let Err(error) = Created::read(answer.to_string().as_bytes(), true) else { panic!() };
        assert!(error.contains("privateKey"), "{error}");
    }

    #[test]
    fn an_answer_that_is_wrong_is_refused_and_not_shown() {
        for name in ["certificatePem", "privateKey", "certificateOwnershipToken"] {
            for value in [json!("secret".repeat(2000)), json!(1), json!(null), json!("")] {
                let mut answer = created();
                answer[name] = value;
                let Err(error) = Created::read(answer.to_string().as_bytes(), true) else {
                    panic!("{name}")
                };
                assert!(!error.contains("secret"), "{error}");
            }
        }
        for bytes in ["", "[]", "secret", "{", "\u{0}", "{\"thingName\": \"../etc\"}"] {
            assert!(Created::read(bytes.as_bytes(), true).is_err(), "{bytes}");
            assert!(Registered::read(bytes.as_bytes()).is_err(), "{bytes}");
            Rejection::read(bytes.as_bytes());
        }
        assert!(Created::read(&[0xFF; 9], false).is_err());
    }

    #[test]
    fn a_refusal_is_told_in_the_clouds_words() {
        let told = |answer: Value| Rejection::read(answer.to_string().as_bytes()).to_string();
        let answer = json!({"statusCode": 403, "errorCode": "AccessDenied",
            "errorMessage": "hook \u{1b}[31msays no"});
        let text = told(answer);
        assert!(text.starts_with("403 AccessDenied: hook "), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(told(json!({})), "without a word: without a word");
    }
}
