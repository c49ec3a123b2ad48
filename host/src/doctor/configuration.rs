//! The nucleus's file, and what deployments have said of the nucleus.

use super::{Case, Sheet, Told, Verdict};
use crate::cloud::{LinkSettings, claim};
use crate::deployment::own::{OwnConfiguration, Trees};
use crate::ipc::client;
use crate::network::ProxySettings;
use crate::nucleus::device::Device;
use crate::nucleus::proxies;
use crate::nucleus::root::Root;
use crate::runtime::process::Proxy;
use crate::tasks::Tasks;
use gg_ipc::operation::call;
use gg_ipc::shapes::GetConfigurationRequest;
use gg_model::{ComponentName, NucleusFile, NucleusSettings, ThingName};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Read all that the nucleus is configured by.
pub(super) async fn look(
    told: Arc<Told>,
    sheet: &Sheet,
    tasks: &Tasks,
    patience: Duration,
) -> Case {
    let given = Arc::clone(&told);
    let (book, check) = (sheet.book.clone(), sheet.check);
    let read = tasks.spawn_blocking_host(move || file(&given, &book.sheet(check)));
    let mut file = read.await.unwrap_or_default();
    claim::adopt(&mut file);
    let root = match claim::root(&file) {
        Some(root) if !told.root_counts => PathBuf::from(root),
        _ => told.root.clone(),
    };
    claimed(&mut file, &root, sheet);
    let held = root.clone();
    let running = tasks.spawn_blocking_host(move || Root::holder(&held)).await.ok().flatten();
    let settings = settings(&file, &root, running.is_some(), sheet, tasks).await;
    let proxies = proxies(settings.proxy.as_ref().map(Proxy::of).as_ref());
    let proxies = proxies.unwrap_or_else(|error| {
        let remedy = "write http://HOST:PORT or https://HOST:PORT there";
        sheet.bad(Verdict::Failure, "networkProxy", format!("{error:#}"), remedy);
        ProxySettings::default()
    });
    let named = told.thing.clone().or_else(|| file.thing.clone());
    let thing = named.clone().or_else(|| "gg-host".parse::<ThingName>().ok());
    let link =
        thing.and_then(|thing| LinkSettings::of(thing, &settings, &file.identity, proxies.clone()));
    let link = link.map(|link| LinkSettings {
        // The doctor does not have the time that the link has.
        socket_timeout: link.socket_timeout.min(patience / 6),
        operation_timeout: link.operation_timeout.min(patience / 4),
        ..link
    });
    match (&link, named) {
        (None, _) => sheet.ok("iotDataEndpoint", "no broker is configured: the device works alone"),
        (Some(_), Some(name)) => sheet.ok("system.thingName", name),
        (Some(_), None) => sheet.bad(
            Verdict::Warning,
            "system.thingName",
            "the device has no name, and is gg-host to the broker, as others may be",
            "set system.thingName to the name of the device's certificate",
        ),
    }
    Case { root, settings, proxies, link, running, tasks: tasks.clone() }
}

/// Whether the device has still to be given its certificate.
fn claimed(file: &mut NucleusFile, root: &Path, sheet: &Sheet) {
    let subject = "aws.greengrass.FleetProvisioningByClaim";
    match claim::due(file, root) {
        Ok(None) => {}
        Ok(Some(_)) => {
            let message = "the device has no certificate of its own yet";
            let remedy =
                "have gg-host start get it one by the claim, and see its log if it does not";
            sheet.bad(Verdict::Warning, subject, message, remedy);
        }
        Err(error) => {
            let remedy = "move the file away, and have gg-host start get a certificate anew";
            sheet.bad(Verdict::Failure, subject, error, remedy);
        }
    }
}

fn file(told: &Told, sheet: &Sheet) -> NucleusFile {
    let path = told.config.clone().unwrap_or_else(|| told.root.join("config.yaml"));
    let subject = path.display();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if told.config.is_none() && error.kind() == ErrorKind::NotFound => {
            sheet.ok(subject, "there is none: the nucleus starts with its defaults");
            return NucleusFile::default();
        }
        Err(error) => {
            let remedy = "give it to the user that runs gg-host, as text in UTF-8, or name another \
                          with --config";
            sheet.bad(Verdict::Failure, subject, format!("cannot be read: {error}"), remedy);
            return NucleusFile::default();
        }
    };
    match NucleusFile::parse(&text) {
        Ok(file) => {
            for warning in &file.warnings {
                let remedy = "correct its name, or take it out";
                sheet.bad(Verdict::Warning, &subject, warning, remedy);
            }
            if file.warnings.is_empty() {
                sheet.ok(subject, "is read, and all of it means something");
            }
            file
        }
        Err(error) => {
            let remedy = "correct it there; gg-host start does not start with it, and what follows is \
                          looked at without it";
            sheet.bad(Verdict::Failure, subject, error, remedy);
            NucleusFile::default()
        }
    }
}

/// What is in force: what deployments have said, over the file.
async fn settings(
    file: &NucleusFile,
    root: &Path,
    runs: bool,
    sheet: &Sheet,
    tasks: &Tasks,
) -> NucleusSettings {
    let own = OwnConfiguration::new(file.configurations.clone(), serde_json::Map::new());
    let told = if runs {
        ask(root.to_owned(), tasks).await
    } else if root.join("state").join("store.db").is_file() {
        let (root, own) = (root.to_owned(), own.clone());
        let opened =
            tasks.spawn_blocking_host(move || Device::open(Root::lock(&root)?, own, Vec::new()));
        let settings = async { opened.await??.settings().await };
        settings.await.map_err(|error| format!("{error:#}"))
    } else {
        own.trees(&Trees::default())
            .and_then(|trees| own.settings(&trees))
            .map_err(|error| error.to_string())
    };
    told.unwrap_or_else(|error| {
        let message = format!("what deployments have said of the nucleus cannot be read: {error}");
        let remedy = "mend what else is found, and look again; the file alone was looked at";
        sheet.bad(Verdict::Warning, "aws.greengrass.Nucleus", message, remedy);
        let own = file.configurations.get(&ComponentName::nucleus());
        own.and_then(|own| NucleusSettings::read(own).ok()).unwrap_or_default()
    })
}

/// The nucleus that runs knows.
async fn ask(root: PathBuf, tasks: &Tasks) -> Result<NucleusSettings, String> {
    let asked = tasks.spawn_blocking_host(move || {
        let component_name = Some(ComponentName::nucleus().to_string());
        let request = GetConfigurationRequest { component_name, key_path: Vec::new() };
        let answer = client::ask::<call::GetConfiguration>(&root, &request);
        let value = answer.map_err(|error| error.to_string())?.value;
        let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
        NucleusSettings::read(&value).map_err(|error| error.to_string())
    });
    asked.await.unwrap_or_else(|error| Err(error.to_string()))
}
