//! The file with which a device is enrolled: its configuration, as Greengrass has it, and what stands
//! for it (Greengrass developer guide, "Install AWS IoT Greengrass Core software with manual resource
//! provisioning").

use crate::pki::Issued;
use crate::registry::endpoint::Endpoint;
use crate::registry::enrolment::ROLE_ALIAS;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use tar::{Builder, Header};

/// What is in it.
pub(super) struct Kit<'a> {
    pub(super) thing: &'a str,
    pub(super) root: &'a str,
    pub(super) endpoint: &'a Endpoint,
    pub(super) region: &'a str,
    pub(super) issued: &'a Issued,
    pub(super) authority: &'a str,
}

impl Kit<'_> {
    /// Write it to a new file, for its owner alone.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        self.archive(&mut file)?;
        file.sync_all()
    }

    fn archive(&self, to: &mut impl Write) -> io::Result<()> {
        let mut archive = Builder::new(GzEncoder::new(to, Compression::default()));
        for (name, mode, text) in [
            ("config.yaml", 0o644, self.configuration().as_str()),
            ("device.pem.crt", 0o644, &self.issued.certificate),
            ("private.pem.key", 0o600, &self.issued.private_key),
            ("AmazonRootCA1.pem", 0o644, self.authority),
        ] {
            let mut header = Header::new_gnu();
            header.set_mode(mode);
            header.set_size(text.len() as u64);
            archive.append_data(&mut header, name, text.as_bytes())?;
        }
        archive.into_inner()?.finish()?;
        Ok(())
    }

    /// `config.yaml`. JSON is YAML, in which every text stands in quotes.
    fn configuration(&self) -> String {
        let Endpoint { name, port, mqtt } = self.endpoint;
        let file = |name: &str| format!("{}/{name}", self.root);
        // Who is asked for credentials is a URL's host; the others are names.
        let credentials = match port {
            443 => name.clone(),
            port => format!("{name}:{port}"),
        };
        let configuration: Value = json!({
            "system": {
                "certificateFilePath": file("device.pem.crt"),
                "privateKeyPath": file("private.pem.key"),
                "rootCaPath": file("AmazonRootCA1.pem"),
                "rootpath": self.root,
                "thingName": self.thing,
            },
            "services": { "aws.greengrass.Nucleus": {
                "componentType": "NUCLEUS",
                "configuration": {
                    "awsRegion": self.region,
                    "iotRoleAlias": ROLE_ALIAS,
                    "iotDataEndpoint": name,
                    "iotCredEndpoint": credentials,
                    "greengrassDataPlaneEndpoint": "iotdata",
                    "greengrassDataPlanePort": port,
                    "mqtt": { "port": mqtt },
                },
            } },
        });
        format!("---\n{configuration:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gg_model::{NucleusFile, NucleusSettings};

    #[test]
    fn a_nucleus_reads_what_is_written() {
        let issued = Issued {
            certificate: "certificate".to_owned(),
            public_key: String::new(),
            private_key: "key".to_owned().into(),
        };
        let kit = Kit {
            thing: "press",
            root: "/gg",
            endpoint: &Endpoint { name: "gg.lan".to_owned(), port: 9443, mqtt: 8883 },
            region: "eu-central-1",
            issued: &issued,
            authority: "authority",
        };
        let file = NucleusFile::parse(&kit.configuration()).unwrap();
        assert_eq!(file.thing.unwrap().as_str(), "press");
        assert_eq!(file.identity.private_key.as_deref(), Some("/gg/private.pem.key"));
        assert_eq!(file.identity.root_ca.as_deref(), Some("/gg/AmazonRootCA1.pem"));
        let settings = NucleusSettings::read_all(&file.configurations).unwrap();
        assert!(settings.credentials_endpoint.is_some_and(|url| url.contains("gg.lan:9443")));
    }
}
