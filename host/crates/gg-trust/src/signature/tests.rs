use super::*;

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!("../../tests/data/", $name))
    };
}

const FILE: &[u8] = b"hello\n";

fn key(pem: &str) -> PublicKey {
    PublicKey::from_pem(pem).unwrap()
}

fn ec() -> PublicKey {
    key(data!("ec.pub"))
}

fn read(text: &str) -> Signature {
    Signature::read(text.as_bytes()).unwrap()
}

fn check(signature: &Signature, key: &PublicKey, content: &Content<'_>) -> Result<(), Flaw> {
    signature.verify(key, content)
}

#[test]
fn files_that_cosign_signed_hold_in_every_form() {
    for (text, key) in [
        (data!("cosign3-ec.sigstore.json"), ec()),
        (data!("cosign3-ed.sigstore.json"), key(data!("ed.pub"))),
        (data!("cosign3-rsa.sigstore.json"), key(data!("rsa.pub"))),
        (data!("cosign2-ec.sigstore.json"), ec()),
        (data!("cosign2-ec.bundle"), ec()),
        (data!("cosign3-ec.bundle"), ec()),
        (data!("cosign2-ec.sig"), ec()),
    ] {
        let signature = read(text);
        assert_eq!(check(&signature, &key, &Content::of(FILE)), Ok(()), "{text}");
        assert_ne!(check(&signature, &key, &Content::of(b"hello")), Ok(()), "{text}");
        let other = PrivateKey::generate().unwrap();
        assert_eq!(check(&signature, other.public(), &Content::of(FILE)), Err(Flaw::NotSigned));
        let digest = Content::known_by(Digest::of(FILE));
        assert_eq!(check(&signature, &key, &digest), Err(Flaw::NoBytes));
    }
}

#[test]
fn images_that_cosign_signed_hold_by_their_digest() {
    let digest = |digits: &str| Content::known_by(Digest::from_digits(digits).unwrap());
    let three = digest("111be118837fb44f8a756ed3c59292e9aa06ffa70019e8a3830977a72d046e7c");
    let two = digest("56ecf3d897ee6325661ac506dbbba4b3624524122c13c101da64515ece245a2a");
    let statement = read(data!("cosign3-image.sigstore.json"));
    let payload = data!("cosign2-image.payload").as_bytes();
    let annotation = "MEYCIQCO9cYlcIMdimVY1yaRBd53j5BtAEBemt8qxROmRw79zgIhANrZdu0cn1CqOBqK3IwhZtDMBocfLyepNcJo1xNUlCcu";
    let simple = Signature::of_layer(payload, annotation).unwrap();
    assert_eq!(check(&statement, &ec(), &three), Ok(()));
    assert_eq!(check(&simple, &ec(), &two), Ok(()));
    let other = |content: &Content<'_>| Err(Flaw::OtherContent(*content.digest()));
    assert_eq!(check(&statement, &ec(), &two), other(&three));
    assert_eq!(check(&simple, &ec(), &three), other(&two));
    // The payload is what is signed, and so is each of its bytes.
    let bundle = read(&simple.to_bundle());
    assert_eq!(check(&bundle, &ec(), &Content::of(payload)), Ok(()));
    let changed = data!("cosign2-image.payload").replace("null", "{}");
    let changed = Signature::of_layer(changed.as_bytes(), annotation).unwrap();
    assert_eq!(check(&changed, &ec(), &two), Err(Flaw::NotSigned));
}

#[test]
fn every_bit_of_a_signature_counts() {
    let right = read(data!("cosign2-ec.sig"));
    for bit in 0..right.bytes.len() * 8 {
        let mut wrong = right.clone();
        wrong.bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(check(&wrong, &ec(), &Content::of(FILE)), Err(Flaw::NotSigned), "{bit}");
    }
    for bytes in [&right.bytes[1..], &[&right.bytes[..], &[0]].concat(), &[]] {
        let wrong = Signature { bytes: bytes.into(), ..right.clone() };
        assert_eq!(check(&wrong, &ec(), &Content::of(FILE)), Err(Flaw::NotSigned));
    }
}

/// The algorithm is the key's. What a bundle says of it is no more than a fault.
#[test]
fn a_bundle_does_not_choose_the_algorithm() {
    let text = data!("cosign3-ec.sigstore.json");
    let error = Signature::read(text.replace("SHA2_256", "SHA2_512").as_bytes()).unwrap_err();
    assert!(error.to_string().contains("`SHA2_256` is known"), "{error}");
    for other in [data!("ed.pub"), data!("rsa.pub")] {
        let flaw = check(&read(text), &key(other), &Content::of(FILE));
        assert_eq!(flaw, Err(Flaw::NotSigned));
    }
    // The digest beside the signature must be that of the content, though nothing is decided by it.
    let said = Digest::of(b"other");
    let text = text.replace(&Digest::of(FILE).to_base64(), &said.to_base64());
    assert_eq!(check(&read(&text), &ec(), &Content::of(FILE)), Err(Flaw::OtherContent(said)));
}

#[test]
fn entries_of_a_log_are_counted_and_not_believed() {
    let text = data!("cosign3-ec.sigstore.json")
        .replace("\"publicKey\"", "\"tlogEntries\":[{\"logIndex\":\"1\"},{}],\"publicKey\"");
    let signature = read(&text);
    assert_eq!(signature.log_entries(), 2);
    assert_eq!(check(&signature, &ec(), &Content::of(FILE)), Ok(()));
}

/// Of an attestation the same key may have made, such as one of what is vulnerable.
#[test]
fn a_statement_of_something_else_is_no_signature() {
    let key = PrivateKey::generate().unwrap();
    let content = Content::of(FILE);
    let statement = dsse::statement(content.digest(), &Annotations::default());
    let signed = |statement: &str| {
        let payload = statement.as_bytes().to_vec();
        let bytes = key.sign(&dsse::signed_bytes(&payload)).unwrap();
        let signature = Signature { bytes, ..read(data!("cosign2-ec.sig")) };
        Signature { form: Form::Statement { payload }, ..signature }
    };
    assert_eq!(check(&signed(&statement), key.public(), &content), Ok(()));
    for (from, to) in [
        ("https://sigstore.dev/cosign/sign/v1", "https://cosign.sigstore.dev/attestation/vuln/v1"),
        ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v9"),
        ("\"sha256\":\"", "\"sha256\":\"00"),
        ("\"subject\":[", "\"subject\":[],\"others\":["),
        ("\"predicate\":{}", "\"predicate\":{},\"predicate\":{}"),
        ("{\"sha256\"", "{\"sha256\":\"\",\"sha256\""),
    ] {
        let wrong = statement.replacen(from, to, 1);
        assert_ne!(wrong, statement);
        let flaw = check(&signed(&wrong), key.public(), &content);
        assert!(matches!(flaw, Err(Flaw::Unreadable(_))), "{wrong}: {flaw:?}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    for key in [PrivateKey::generate().unwrap(), PrivateKey::generate_ed25519().unwrap()] {
        let content = Content::of(FILE);
        let file = Signature::on_file(FILE, &key).unwrap();
        let digest = Signature::on_digest(content.digest(), &Annotations::default(), &key).unwrap();
        for signature in [file, digest] {
            let again = read(&signature.to_bundle());
            assert_eq!(again, signature);
            assert_eq!(again.hint(), Some(key.public().id()));
            assert_eq!(check(&again, key.public(), &content), Ok(()));
        }
    }
}

#[test]
fn what_is_no_signature_is_refused() {
    let right = data!("cosign3-ec.sigstore.json").trim();
    let image = data!("cosign3-image.sigstore.json").trim();
    let replaced = |from: &str, to: &str| {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(wrong, right);
        wrong
    };
    let both =
        right.replacen('{', &image[..image.len() - 1], 1).replacen("\"mediaType\"", "\"x\"", 1);
    let wrong = [
        String::new(),
        "{".into(),
        "{}".into(),
        right[..right.len() / 2].into(),
        replaced("v0.3", "v0.4"),
        replaced("\"mediaType\"", "\"media_type\""),
        replaced("\"messageSignature\"", "\"other\""),
        replaced("\"messageSignature\"", "\"messageSignature\":null,\"messageSignature\""),
        replaced("\"signature\":\"", "\"signature\":\"-"),
        replaced("\"signature\":\"", "\"signature\":\"\",\"x\":\""),
        replaced("\"signature\":\"", &format!("\"signature\":\"{}", "AAAA".repeat(1000))),
        replaced("}", &format!("}},\"x\":{}1{}", "[".repeat(200), "]".repeat(200))),
        replaced("{", &format!("{{\"x\":\"{}\",", "x".repeat(crate::json::MOST_BYTES))),
        image.replace("\"signatures\":[", "\"signatures\":[{\"sig\":\"AAAA\"},"),
        image.replace("vnd.in-toto", "vnd.other"),
        both,
        "base64Signature".into(),
        "A".repeat(4 * MOST_BYTES),
        "TUVV QQ==".into(),
        "TUVR".repeat(2) + "=",
    ];
    for text in wrong {
        let error = Signature::read(text.as_bytes());
        assert!(error.is_err(), "{}: {error:?}", text.chars().take(200).collect::<String>());
    }
    assert!(Signature::read(b"\xff\xfe").is_err());
    assert!(Signature::of_layer(b"{}", "").is_err());
    assert!(Signature::of_layer(&vec![b' '; crate::json::MOST_BYTES + 1], "AAAA").is_err());
}

/// `(r, n - s)` is a signature on the same bytes by the same key, as it is for cosign. It lets
/// nobody say anything new, and nothing is told apart or revoked by the bytes of a signature.
#[test]
fn the_other_signature_of_ecdsa_says_the_same() {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let right = read(data!("cosign2-ec.sig"));
    let mut content = crate::der::read(crate::der::SEQUENCE, &mut &right.bytes[..]).unwrap();
    let r = crate::der::read(crate::der::INTEGER, &mut content).unwrap();
    let s = crate::der::read(crate::der::INTEGER, &mut content).unwrap();
    let mut padded = [0; 32];
    let s = s.strip_prefix(&[0]).unwrap_or(s);
    padded[32 - s.len()..].copy_from_slice(s);
    let mut other = vec![0; 33];
    let mut borrow = 0;
    for index in (0..32).rev() {
        let difference = i16::from(ORDER[index]) - i16::from(padded[index]) - borrow;
        borrow = i16::from(difference < 0);
        other[index + 1] = difference.rem_euclid(256) as u8;
    }
    while other.len() > 1 && other[0] == 0 && other[1] < 0x80 {
        other.remove(0);
    }
    let integer = |bytes: &[u8]| crate::der::write(crate::der::INTEGER, bytes);
    let bytes = crate::der::write(crate::der::SEQUENCE, &[integer(r), integer(&other)].concat());
    let twin = Signature { bytes, ..right };
    assert_eq!(check(&twin, &ec(), &Content::of(FILE)), Ok(()));
}

/// RFC 8032, section 5.1.7: `S` must be below the order of the group.
#[test]
fn ed25519_has_no_other_signature() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut twin = read(data!("cosign3-ed.sigstore.json"));
    let mut carry = 0;
    for (byte, add) in twin.bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    let flaw = check(&twin, &key(data!("ed.pub")), &Content::of(FILE));
    assert_eq!(flaw, Err(Flaw::NotSigned));
}
