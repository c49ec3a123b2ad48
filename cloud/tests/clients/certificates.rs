//! Certificates, and whose they are.

use crate::server::Server;
use std::process::Command;

#[test]
fn certificates_are_made_signed_and_brought() {
    let server = Server::new();
    server.python("certificates.py").expect_ok();
}

#[test]
fn what_is_made_is_signed_by_the_authority() {
    let server = Server::new();
    let (pem, key) = (server.data().join("device.pem"), server.data().join("device.key"));
    let [pem_text, key_text] = [pem.to_str().unwrap(), key.to_str().unwrap()];
    let create = ["iot", "create-keys-and-certificate", "--set-as-active"];
    let [one, two, three] = create;
    let outfiles = ["--certificate-pem-outfile", pem_text, "--private-key-outfile", key_text];
    let [four, five, six, seven] = outfiles;
    server.aws([one, two, three, four, five, six, seven]).expect_ok();
    let verified = Command::new("openssl")
        .args(["verify", "-purpose", "sslclient", "-x509_strict", "-CAfile"])
        .arg(server.data().join("pki/ca.pem"))
        .arg(&pem)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success(), "{said}");
}
