//! The environment of a component's processes, as Greengrass gives it. Of gg-host's own, only
//! `PATH` is handed on.

use super::{ProcessConfig, Proxy};
use crate::component::InstalledComponent;
use crate::runtime::token::Token;
use gg_model::recipe::Step;
use std::collections::BTreeMap;
use std::ffi::{CString, NulError};
use std::path::Path;

/// Folders that every `PATH` has.
const STANDARD: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// By this variable processes are found again that outlived the gg-host that started them:
/// `<mark of the root folder>:<component>`.
pub(super) const MARK: &str = "GG_HOST_COMPONENT";

/// What a step's environment is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) config: &'a ProcessConfig,
    /// The variable `PATH`.
    pub(super) path: &'a str,
    /// The mark of the root folder.
    pub(super) mark: &'a str,
    pub(super) component: &'a InstalledComponent,
    pub(super) name: &'a str,
    pub(super) step: &'a Step,
    pub(super) home: &'a Path,
}

/// Names and values.
#[derive(Clone, Default)]
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// That of one process: what Greengrass sets, over it what the recipe sets, over it what the
    /// operator sets.
    pub(super) fn new(from: Origin<'_>, token: &Token) -> Self {
        let Origin { config, component, .. } = from;
        let mut this = Self::default();
        let socket = match &config.socket {
            Some(socket) => text(socket),
            None => text(&config.root.join("ipc.socket")),
        };
        this.set("SVCUID", token.reveal());
        this.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", token.reveal());
        this.set("AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT", &socket);
        this.set("AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH", &socket);
        this.set("AWS_IOT_THING_NAME", config.thing.as_ref());
        this.set("GGC_VERSION", env!("CARGO_PKG_VERSION"));
        this.set("PATH", from.path);
        this.set("HOME", &text(from.home));
        if let Some(region) = &config.region {
            this.set("AWS_REGION", region);
            this.set("AWS_DEFAULT_REGION", region);
        }
        if let Some(file) = &config.root_ca {
            this.set("GG_ROOT_CA_PATH", &text(file));
        }
        if let Some(uri) = config.credentials.as_ref().filter(|_| component.may_have_credentials())
        {
            this.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri);
        }
        if let Some(proxy) = &config.proxy {
            this.set_proxy(proxy);
        }
        if from.name == "uninstall" {
            this.set("GREENGRASS_COMPONENT_VERSION", &component.version.to_string());
        }
        this.extend(config.environment.iter().map(|(name, value)| (name, value)));
        this.extend(&component.lifecycle.environment);
        this.extend(&from.step.environment);
        this.extend(&component.sandbox.environment);
        this.set(MARK, &format!("{}:{}", from.mark, component.name));
        this
    }

    /// As the kernel wants them.
    pub(super) fn entries(&self) -> Result<Vec<CString>, NulError> {
        self.0.iter().map(|(name, value)| CString::new(format!("{name}={value}"))).collect()
    }

    /// A variable's value.
    pub(super) fn value(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The variable that tells the process's token, as the kernel shows it.
    pub(super) fn token(&self) -> String {
        format!("SVCUID={}", self.value("SVCUID"))
    }

    fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    fn extend<'a>(&mut self, others: impl IntoIterator<Item = (&'a String, &'a String)>) {
        for (name, value) in others {
            self.set(name, value);
        }
    }

    /// Some programs look for one case only.
    fn set_proxy(&mut self, proxy: &Proxy) {
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            self.set(name, &proxy.url);
            self.set(&name.to_lowercase(), &proxy.url);
        }
        self.set("NO_PROXY", &proxy.except);
        self.set("no_proxy", &proxy.except);
    }
}

/// Whether a name can be that of a variable.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// gg-host's own `PATH`, with the standard folders after it.
pub(super) fn search_path(own: &str) -> String {
    let own = own.split(':').filter(|folder| folder.starts_with('/'));
    let mut folders: Vec<&str> = own.collect();
    for folder in STANDARD {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.join(":")
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
