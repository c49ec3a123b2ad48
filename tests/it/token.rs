//! Keys in a token: SoftHSM plays the security module, and the key never leaves it.

use crate::broker::{Authority, Broker, Valid};
use crate::device::Device;
use crate::host::{command, file, folder, start};
use crate::link::MUTUAL;
use crate::provision::Scene;
use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

const PIN: &str = "86420";

/// A token of SoftHSM's.
pub(crate) struct Token {
    folder: TempDir,
}

impl Token {
    pub(crate) fn new() -> Self {
        let token = Self { folder: folder() };
        let path = token.folder.path().display();
        let tokens = token.folder.path().join("tokens");
        fs::create_dir(&tokens).unwrap();
        let text = format!("directories.tokendir = {path}/tokens\nlog.level = ERROR\n");
        file(token.folder.path(), "softhsm2.conf", text);
        let label = ["--label", "device", "--pin", PIN, "--so-pin", "13579"];
        token.run("softhsm2-util", &[&["--init-token", "--free"], &label[..]].concat());
        token
    }

    /// Where SoftHSM finds its tokens.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(program);
        command.args(arguments).env("SOFTHSM2_CONF", self.configuration());
        let output = command.output();
        let output =
            output.unwrap_or_else(|error| panic!("no {program} ({error}); run cargo xtask test"));
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    }

    fn tool(&self, arguments: &[&str]) {
        let library = library();
        let all = ["--module", &library, "--token-label", "device", "--login", "--pin", PIN];
        self.run("pkcs11-tool", &[&all, arguments].concat());
    }

    /// Make a key; gives its public half.
    fn key(&self, kind: &str, label: &str, id: &str) -> PublicKey {
        if kind == "EC:secp384r1" {
            return self.imported(label, id);
        }
        self.tool(&["--keypairgen", "--key-type", kind, "--label", label, "--id", id]);
        let path = self.folder.path().join(format!("{label}.der"));
        let path = path.to_str().unwrap();
        self.tool(&["--read-object", "--type", "pubkey", "--label", label, "--output-file", path]);
        let der = fs::read(path).unwrap();
        // What is before the key itself says of what kind it is.
        let (algorithm, begin) = match kind {
            "rsa:2048" => (&rcgen::PKCS_RSA_SHA256, 24),
            _ => (&rcgen::PKCS_ECDSA_P256_SHA256, der.len() - 65),
        };
        PublicKey { algorithm, key: der[begin..].to_vec() }
    }

    /// Put in a key of P-384: not every pkcs11-tool gives the public half of one.
    fn imported(&self, label: &str, id: &str) -> PublicKey {
        let algorithm = &rcgen::PKCS_ECDSA_P384_SHA384;
        let key = KeyPair::generate_for(algorithm).unwrap();
        let path = file(self.folder.path(), "import.pem", key.serialize_pem());
        let path = path.to_str().unwrap();
        let to = ["--token", "device", "--pin", PIN, "--label", label, "--id", id];
        self.run("softhsm2-util", &[&["--import", path], &to[..]].concat());
        PublicKey { algorithm, key: key.der_bytes().to_vec() }
    }

    /// Put in the key of a file, which may sign and, with `derive`, agree with others.
    pub(crate) fn take(&self, path: &Path, label: &str, derive: bool) {
        let key = PrivateKeyDer::from_pem_file(path).unwrap();
        let path = file(self.folder.path(), "import.der", key.secret_der());
        let path = path.to_str().unwrap();
        let named = ["--write-object", path, "--type", "privkey", "--label", label, "--id", "01"];
        let usage: &[&str] =
            if derive { &["--usage-sign", "--usage-derive"] } else { &["--usage-sign"] };
        self.tool(&[&named, usage].concat());
    }

    /// Put a certificate beside a key.
    fn certificate(&self, pem: &str, label: &str, id: &str) {
        let path = self.folder.path().join(format!("{label}.crt"));
        fs::write(&path, CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let path = path.to_str().unwrap();
        self.tool(&["--write-object", path, "--type", "cert", "--label", label, "--id", id]);
    }
}

/// SoftHSM's library, where Debian puts it.
fn library() -> String {
    let places = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"];
    let place = places.into_iter().find(|place| Path::new(place).exists());
    let Some(place) = place else { panic!("no SoftHSM; run cargo xtask test") };
    place.to_owned()
}

struct PublicKey {
    algorithm: &'static SignatureAlgorithm,
    key: Vec<u8>,
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.key
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl PublicKey {
    /// A certificate for it.
    fn signed(&self, by: &Authority, name: &str) -> String {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.signed_by(self, by.issuer()).unwrap().pem()
    }
}

/// The service by which a token is spoken to, with its own PIN.
pub(crate) fn provided() -> Value {
    provider(PIN)
}

fn provider(pin: &str) -> Value {
    json!({"configuration": {"name": "softhsm", "library": library(), "userPin": pin}})
}

const KINDS: [(&str, &str); 3] =
    [("rsa:2048", "rsa"), ("EC:prime256v1", "p256"), ("EC:secp384r1", "p384")];

/// A device whose key and certificate are in a token.
fn device(key: &str, certificate: &str, roots: &Path, port: u16, provider: Value) -> Device {
    let device = Device::new();
    fs::create_dir(device.root()).unwrap();
    let configuration = json!({
        "system": {"thingName": "device", "privateKeyPath": key, "certificateFilePath": certificate,
            "rootCaPath": roots},
        "services": {
            "aws.greengrass.Nucleus": {"configuration": {"iotDataEndpoint": "localhost",
                "mqtt": {"port": port, "maximumReconnectDelaySeconds": 1}}},
            "aws.greengrass.crypto.Pkcs11Provider": provider,
        },
    });
    file(&device.root(), "config.yaml", configuration.to_string());
    device
}

#[test]
fn a_device_connects_with_a_key_that_is_in_a_token() {
    let (place, own, token) = (folder(), folder(), Token::new());
    let (brokers, devices) = (Authority::new("brokers"), Authority::new("devices"));
    brokers.sign(place.path(), "broker", "localhost", Valid::Now);
    devices.write(place.path(), "devices");
    let roots = brokers.write(own.path(), "roots");
    let mut broker = Broker::prepared(place, MUTUAL);
    for (number, (kind, label)) in KINDS.into_iter().enumerate() {
        let id = format!("0{number}");
        let key = token.key(kind, label, &id);
        token.certificate(&key.signed(&devices, label), label, &id);
        let uri = |class: &str| format!("pkcs11:token=device;object={label};type={class}");
        let provider = provider(PIN);
        let device = device(&uri("private"), &uri("cert"), &roots, broker.port, provider);
        let configuration = token.configuration();
        let configuration = [("SOFTHSM2_CONF", configuration.to_str().unwrap())];
        let host = device.start_with(configuration);
        broker.says(&["as device ", &format!("u'{label}'")]);
        drop(host);
        let mut doctor = command("doctor");
        doctor.env_remove("NOTIFY_SOCKET").env("SOFTHSM2_CONF", token.configuration());
        let found = doctor.arg("--root").arg(device.root()).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        for words in ["in the token, which lets it be used", "TLSv1_3", "device is let in"] {
            assert!(found.contains(words), "{kind}: {found}");
        }
    }
}

/// TLS 1.2 signs in other ways than 1.3.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_a_token_serves_tls_1_2_and_1_3() {
    let (own, token) = (folder(), Token::new());
    let (servers, devices) = (Authority::new("servers"), Authority::new("devices"));
    let [certificate, key] = servers.sign(own.path(), "server", "localhost", Valid::Now);
    let server_chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    let server_key = PrivateKeyDer::from_pem_file(key).unwrap();
    let roots = servers.write(own.path(), "roots");
    let mut trusted = rustls::RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_slice(devices.certificate.as_bytes()).unwrap()).unwrap();
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    for (number, (kind, label)) in KINDS.into_iter().enumerate() {
        let key = token.key(kind, label, &format!("0{number}"));
        let pem = file(own.path(), &format!("{label}.pem"), key.signed(&devices, label));
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                Arc::new(trusted.clone()),
                Arc::clone(&crypto),
            );
            let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&crypto))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_client_cert_verifier(verifier.build().unwrap())
                .with_single_cert(server_chain.clone(), server_key.clone_key())
                .unwrap();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let uri = format!("pkcs11:object={label};type=private");
            let device = device(&uri, pem.to_str().unwrap(), &roots, port, provider(PIN));
            let mut command = command("start");
            command.env_remove("NOTIFY_SOCKET").env("SOFTHSM2_CONF", token.configuration());
            command.args(["--output", "json", "--root"]).arg(device.root());
            let host = start(command);
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
            let stream = acceptor.accept(stream).await.unwrap();
            let (_, connection) = stream.get_ref();
            assert_eq!(connection.protocol_version(), Some(version.version));
            assert_eq!(connection.peer_certificates().unwrap().len(), 1);
            drop(host);
        }
    }
}

#[test]
fn what_is_wrong_with_a_token_is_explained_without_its_pin() {
    let token = Token::new();
    token.key("EC:prime256v1", "key", "01");
    token.key("EC:prime256v1", "twin", "02");
    token.key("EC:prime256v1", "twin", "03");
    token.key("EC:secp521r1", "large", "04");
    let own = folder();
    let authority = Authority::new("any");
    let [certificate, _] = authority.sign(own.path(), "any", "any", Valid::Now);
    let roots = authority.write(own.path(), "roots");
    let without_pin = json!({"configuration": {"library": library()}});
    for (uri, provider, words) in [
        (
            "pkcs11:object=none",
            provider(PIN),
            ["holds no private key for pkcs11:object=none", "--list-objects"],
        ),
        (
            "pkcs11:object=twin",
            provider(PIN),
            ["more than one private key", "name it by object and id"],
        ),
        ("pkcs11:object=large", provider(PIN), ["neither P-256 nor P-384", "the token device"]),
        (
            "pkcs11:token=other",
            provider(PIN),
            ["knows no token for pkcs11:token=other", "`device` in slot"],
        ),
        ("pkcs11:object=key", provider("97531"), ["does not take the PIN", "the token device"]),
        ("pkcs11:object=key?pin-value=97531", provider(PIN), ["does not take the PIN", "wrong"]),
        ("pkcs11:object=key", without_pin.clone(), ["asks for a PIN", "set userPin"]),
        ("pkcs11:object=key?pin-source=/nowhere/pin", without_pin.clone(), ["/nowhere/pin", "PIN"]),
        (
            "pkcs11:object=key?module-path=/nowhere/a.so",
            without_pin,
            ["/nowhere/a.so", "cannot be loaded"],
        ),
    ] {
        let device = device(uri, certificate.to_str().unwrap(), &roots, 1, provider);
        let [fault] = faults(&device, &token);
        for words in words {
            assert!(fault.contains(words), "{uri}: {fault}");
        }
    }
}

/// The first that a nucleus says of its key, each other than the one before.
fn faults<const N: usize>(device: &Device, token: &Token) -> [String; N] {
    let mut command = command("start");
    command.env_remove("NOTIFY_SOCKET").env("SOFTHSM2_CONF", token.configuration());
    command.arg("--root").arg(device.root());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = lines.map_while(Result::ok).inspect(|line| {
        assert!(!line.contains(PIN) && !line.contains("97531"), "{line}");
    });
    let mut faults = said.filter(|line| line.contains("system.privateKeyPath"));
    let faults = std::array::from_fn(|_| faults.next().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    faults
}

/// A token locks after some.
#[test]
fn a_wrong_pin_is_tried_once() {
    let token = Token::new();
    token.key("EC:prime256v1", "key", "01");
    let own = folder();
    let authority = Authority::new("any");
    let [certificate, _] = authority.sign(own.path(), "any", "any", Valid::Now);
    let roots = authority.write(own.path(), "roots");
    let certificate = certificate.to_str().unwrap();
    let device = device("pkcs11:object=key", certificate, &roots, 1, provider("97531"));
    let [first, second] = faults(&device, &token);
    assert!(first.contains("it is wrong"), "{first}");
    assert!(second.contains("it was wrong before, and is not tried again"), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_given_a_certificate_for_a_key_that_stays_in_its_token() {
    const SIGN: &str = "$aws/certificates/create-from-csr/json";
    const REGISTER: &str = "$aws/provisioning-templates/fleet/provision/json";
    let (mut scene, token) = (Scene::new().await, Token::new());
    let [claim, own] =
        [("claim", "01"), ("own", "02")].map(|(label, id)| token.key("EC:prime256v1", label, id));
    file(scene.claim.path(), "claim.pem", claim.signed(&scene.devices, "claim"));
    let request = file(scene.claim.path(), "request.csr", "the request");
    scene.configure(
        scene.broker.port,
        &[
            ("aws.greengrass.crypto.Pkcs11Provider", provider(PIN)),
            ("claimCertificatePrivateKeyPath", json!("pkcs11:object=claim;type=private")),
            ("csrPath", json!(request)),
            ("csrPrivateKeyPath", json!("pkcs11:object=own;type=private")),
        ],
    );
    let mut command = command("start");
    command.env_remove("NOTIFY_SOCKET").env("SOFTHSM2_CONF", token.configuration());
    command.args(["--output", "json", "--root"]).arg(scene.device.root());
    let mut host = start(command).gentle();
    assert_eq!(scene.asked(SIGN).await, json!({"certificateSigningRequest": "the request"}));
    let certificate = own.signed(&scene.devices, "thing-hsm");
    let created = json!({"certificatePem": certificate, "certificateOwnershipToken": "token"});
    scene.answer(SIGN, "accepted", created).await;
    scene.asked(REGISTER).await;
    scene.answer(REGISTER, "accepted", json!({"thingName": "thing-hsm"})).await;
    scene.is_up(&mut host, "thing-hsm");
    assert!(!scene.device.root().join("privKey.key").exists());
}
