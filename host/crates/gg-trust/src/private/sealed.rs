//! How cosign encrypts a private key: scrypt makes a key of the password, NaCl's secretbox
//! encrypts, and JSON holds what is needed beside the password (go-securesystemslib, `encrypted`).

use crate::error::KeyError;
use crate::json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use ring::rand::{SecureRandom as _, SystemRandom};
use scrypt::Params;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The costs that cosign knows, as powers of two: what it had, has, and what OWASP recommends.
/// Others are refused, since a file could ask for any amount of memory.
const COSTS: [u8; 3] = [15, 16, 17];

/// What cosign takes for new files.
const COST: u8 = 16;

const BLOCK: u32 = 8;
const PARALLEL: u32 = 1;
const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";

#[derive(Serialize, Deserialize)]
struct File {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Costs,
    salt: String,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Costs {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

impl Costs {
    fn of(power: u8) -> Self {
        Self { n: 1 << power, r: BLOCK, p: PARALLEL }
    }
}

/// Decrypt what [`seal`] or cosign has encrypted.
pub(super) fn open(bytes: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let file: File = json::read("the private key", bytes).map_err(|_| KeyError::Encryption)?;
    let cost = COSTS.into_iter().find(|power| file.kdf.params == Costs::of(*power));
    let (Some(cost), KDF, CIPHER) = (cost, &*file.kdf.name, &*file.cipher.name) else {
        return Err(KeyError::Encryption);
    };
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| KeyError::Encryption);
    let nonce: [u8; 24] =
        decode(&file.cipher.nonce)?.try_into().map_err(|_| KeyError::Encryption)?;
    let cipher = cipher(password, &decode(&file.kdf.salt)?, cost)?;
    let opened = cipher.decrypt(&nonce.into(), &*decode(&file.ciphertext)?);
    opened.map(Zeroizing::new).map_err(|_| KeyError::Password)
}

/// Encrypt as cosign does.
pub(super) fn seal(der: &[u8], password: &[u8]) -> Result<String, KeyError> {
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    let random = SystemRandom::new();
    random.fill(&mut salt).and_then(|()| random.fill(&mut nonce)).map_err(|_| KeyError::Random)?;
    let sealed = cipher(password, &salt, COST)?.encrypt(&nonce.into(), der);
    let sealed = sealed.map_err(|_| KeyError::Encryption)?;
    let file = File {
        kdf: Kdf { name: KDF.into(), params: Costs::of(COST), salt: STANDARD.encode(salt) },
        cipher: Cipher { name: CIPHER.into(), nonce: STANDARD.encode(nonce) },
        ciphertext: STANDARD.encode(sealed),
    };
    serde_json::to_string(&file).map_err(|_| KeyError::Encryption)
}

fn cipher(password: &[u8], salt: &[u8], cost: u8) -> Result<XSalsa20Poly1305, KeyError> {
    let mut key = Zeroizing::new([0; 32]);
    let params = Params::new(cost, BLOCK, PARALLEL, key.len()).map_err(|_| KeyError::Encryption)?;
    scrypt::scrypt(password, salt, &params, &mut *key).map_err(|_| KeyError::Encryption)?;
    Ok(XSalsa20Poly1305::new((&*key).into()))
}
