//! What a container is made with: a component's recipe and grants in the engine's words.

use super::image::Image;
use crate::component::{InstalledComponent, Resources};
use crate::hexadecimal::hexadecimal;
use crate::network::proxy::is_this_machine;
use crate::runtime::token::Token;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, MountType};
use gg_model::recipe::Step;
use gg_model::{ComponentName, PosixUser, ThingName};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};

/// The name of the token in a component's environment.
pub(super) const TOKEN: &str = "SVCUID";

/// The same for programs that fetch credentials over HTTP.
const TOKEN_FOR_HTTP: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

/// What a token is while settings are compared.
const NO_TOKEN: &str = "-";

/// The names of the labels: whose the container is, which component, and as what it was made.
pub(super) const ROOT: &str = "gg-host.root";
pub(super) const COMPONENT: &str = "gg-host.component";
pub(super) const VERSION: &str = "gg-host.version";
pub(super) const SETTINGS: &str = "gg-host.settings";

/// Microseconds in which a share of the processors is counted, and the least of them.
const PERIOD: i64 = 100_000;
const LEAST_QUOTA: i64 = 1_000;

/// Everything a container is made from.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) component: &'a InstalledComponent,
    /// The step that is run.
    pub(super) step: &'a Step,
    pub(super) image: &'a Image,
    /// What is given to the image's program; its own arguments when empty.
    pub(super) arguments: &'a [String],
    /// Whose it is.
    pub(super) owner: &'a str,
    pub(super) thing: &'a ThingName,
    /// The socket of the native door, in a folder with nothing else.
    pub(super) door: Option<&'a Path>,
    /// Variables of every component.
    pub(super) environment: &'a [(String, String)],
    /// Where it asks for credentials of AWS, if it may.
    pub(super) credentials: Option<&'a str>,
}

/// The name of a component's container.
pub(super) fn name(owner: &str, component: &ComponentName) -> String {
    format!("gg-host-{owner}-{component}")
}

/// The user a container runs as, where the deployment names one by number: names are the image's
/// own, and mean somebody else there.
pub(super) fn user(component: &InstalledComponent, step: &Step) -> Option<String> {
    if step.requires_privilege {
        return Some("0:0".to_owned());
    }
    let PosixUser { user, group } = component.run_as.as_ref()?;
    let user = number(user)?;
    Some(match group {
        Some(group) => format!("{user}:{}", number(group)?),
        None => user.to_string(),
    })
}

impl Plan<'_> {
    /// What the engine is asked for.
    ///
    /// # Errors
    /// A granted folder is not there, or a path is not UTF-8.
    pub(super) fn body(&self, token: &Token) -> io::Result<ContainerCreateBody> {
        Ok(ContainerCreateBody { labels: Some(self.labels()?), ..self.bare(token.reveal())? })
    }

    /// The labels: by them a container is known that is as one made now would be, but for its
    /// token.
    ///
    /// # Errors
    /// As of [`Plan::body`].
    pub(super) fn labels(&self) -> io::Result<HashMap<String, String>> {
        let settings = serde_json::to_vec(&self.bare(NO_TOKEN)?)?;
        let labels = [
            (ROOT, self.owner.to_owned()),
            (COMPONENT, self.component.name.to_string()),
            (VERSION, self.component.version.to_string()),
            (SETTINGS, hexadecimal(&Sha256::digest(settings)[..16])),
        ];
        Ok(labels.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn bare(&self, token: &str) -> io::Result<ContainerCreateBody> {
        let work = absolute(&self.component.work)?;
        Ok(ContainerCreateBody {
            image: Some(self.image.id.clone()),
            cmd: (!self.arguments.is_empty()).then(|| self.arguments.to_vec()),
            env: Some(self.variables(token)),
            user: user(self.component, self.step),
            working_dir: (!self.image.has_folder).then_some(work),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            host_config: Some(HostConfig {
                mounts: Some(self.mounts()?),
                // What it prints is fetched as it comes, and kept nowhere else.
                log_config: Some(HostConfigLogConfig {
                    typ: Some("none".to_owned()),
                    config: None,
                }),
                // Passes signals on and reaps, so that any program can be the container's first.
                init: Some(true),
                network_mode: Some(self.network().to_owned()),
                security_opt: Some(vec!["no-new-privileges".to_owned()]),
                cap_drop: (!self.step.requires_privilege).then(|| vec!["ALL".to_owned()]),
                ..resources(&self.component.resources)
            }),
            ..ContainerCreateBody::default()
        })
    }

    /// A network only where one is granted. Who may reach this machine has its network: elsewhere its
    /// addresses are the container's own.
    fn network(&self) -> &'static str {
        let granted = &self.component.sandbox.network;
        match granted.iter().any(|granted| is_this_machine(&granted.host)) {
            true => "host",
            false if granted.is_empty() => "none",
            false => "bridge",
        }
    }

    /// The numbers of the user and the group it will run as, as far as they are known.
    pub(super) fn user(&self) -> Option<(u32, Option<u32>)> {
        let user = user(self.component, self.step).unwrap_or_else(|| self.image.user.clone());
        match user.split_once(':') {
            Some((user, group)) => Some((number(user)?, Some(number(group)?))),
            None if user.is_empty() => Some((0, None)),
            None => Some((number(&user)?, None)),
        }
    }

    /// What a component of Greengrass finds in its environment, then what it is granted, then what
    /// its recipe sets.
    fn variables(&self, token: &str) -> Vec<String> {
        let component = self.component;
        let mut all = BTreeMap::new();
        let mut set = |name: &str, value: &str| all.insert(name.to_owned(), value.to_owned());
        set(TOKEN, token);
        set(TOKEN_FOR_HTTP, token);
        set("AWS_IOT_THING_NAME", self.thing.as_ref());
        set("GGC_VERSION", env!("CARGO_PKG_VERSION"));
        if let Some(socket) = self.door {
            let socket = socket.to_string_lossy();
            set("AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH", &socket);
            set("AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT", &socket);
        }
        if let Some(uri) = self.credentials.filter(|_| component.may_have_credentials()) {
            set("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri);
        }
        let granted = component.sandbox.environment.iter();
        let recipe = component.lifecycle.environment.iter().chain(&self.step.environment);
        let general = self.environment.iter().map(|(name, value)| (name, value));
        for (name, value) in general.chain(granted).chain(recipe) {
            set(name, value);
        }
        all.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// Its own folders, under the paths that they have outside: variables of the recipe lead there.
    fn mounts(&self) -> io::Result<Vec<Mount>> {
        let component = self.component;
        let mut mounts = vec![bind(&component.work, &component.work, false)?];
        let mut artifacts = vec![&component.artifacts, &component.unarchived];
        artifacts.dedup();
        for folder in artifacts.into_iter().filter(|folder| folder.is_dir()) {
            mounts.push(bind(folder, folder, true)?);
        }
        if let Some(folder) = self.door.and_then(Path::parent) {
            mounts.push(bind(folder, folder, true)?);
        }
        for directory in &component.sandbox.directories {
            let (host, guest) = (Path::new(&directory.host), Path::new("/").join(&directory.guest));
            // Some engines would make it.
            fs::metadata(host).map_err(|error| {
                let text = format!("cannot open the directory {}: {error}", host.display());
                io::Error::new(error.kind(), text)
            })?;
            mounts.push(bind(host, &guest, directory.read_only)?);
        }
        Ok(mounts)
    }
}

fn resources(resources: &Resources) -> HostConfig {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    // A quota, and not a number of processors: that may be no more than the machine has.
    let quota = resources.cpus.map(|cpus| ((cpus * PERIOD as f64) as i64).max(LEAST_QUOTA));
    HostConfig {
        memory: resources.memory.map(whole),
        // Memory and swap together: no swap.
        memory_swap: resources.memory.map(whole),
        cpu_period: quota.map(|_| PERIOD),
        cpu_quota: quota,
        pids_limit: resources.pids.map(whole),
        ..HostConfig::default()
    }
}

fn bind(outside: &Path, inside: &Path, read_only: bool) -> io::Result<Mount> {
    Ok(Mount {
        typ: Some(MountType::BIND),
        source: Some(absolute(outside)?),
        target: Some(absolute(inside)?),
        read_only: Some(read_only),
        ..Mount::default()
    })
}

fn absolute(path: &Path) -> io::Result<String> {
    let absolute: PathBuf = path::absolute(path)?;
    absolute.into_os_string().into_string().map_err(|path| {
        io::Error::other(format!("the path {} is not UTF-8", Path::new(&path).display()))
    })
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::bench;
    use super::*;

    fn component() -> InstalledComponent {
        let component = bench::component(Path::new("/nonexistent"), "");
        InstalledComponent { work: "/nonexistent/own".into(), ..component }
    }

    fn body(component: &InstalledComponent, step: &Step) -> (ContainerCreateBody, HostConfig) {
        let image = Image { id: "sha256:00".to_owned(), ..Image::default() };
        let plan = Plan {
            component,
            step,
            image: &image,
            arguments: &[],
            owner: "01234567",
            thing: &"thing".parse().unwrap(),
            door: Some(Path::new("/root/docker/ipc.socket")),
            environment: &[],
            credentials: None,
        };
        let token = Token::random().unwrap();
        let body = plan.body(&token).unwrap();
        assert!(body.env.as_ref().unwrap().contains(&format!("SVCUID={}", token.reveal())));
        assert_eq!(body.labels.as_ref(), Some(&plan.labels().unwrap()));
        let host = body.host_config.clone().unwrap();
        (body, host)
    }

    #[test]
    fn nothing_is_granted_that_was_not_asked_for() {
        let (body, host) = body(&component(), &Step::default());
        assert_eq!(body.user, None);
        assert_eq!(body.cmd, None);
        assert_eq!(body.working_dir.unwrap(), "/nonexistent/own");
        assert_eq!(host.network_mode.unwrap(), "none");
        assert_eq!(host.cap_drop.unwrap(), ["ALL"]);
        assert_eq!(host.security_opt.unwrap(), ["no-new-privileges"]);
        assert_eq!((host.privileged, host.cap_add, host.devices), (None, None, None));
        assert_eq!((host.memory, host.cpu_quota, host.pids_limit), (None, None, None));
        let mounts = host.mounts.unwrap().into_iter();
        let mounts: Vec<_> = mounts.map(|mount| (mount.target.unwrap(), mount.read_only)).collect();
        assert_eq!(
            mounts,
            [("/nonexistent/own".to_owned(), Some(false)), ("/root/docker".to_owned(), Some(true))]
        );
    }

    #[test]
    fn who_may_reach_this_machine_has_its_network() {
        for here in ["localhost:80", "127.0.0.1", "[::1]:80"] {
            let mut component = component();
            component.sandbox.network.push("example.com:443".parse().unwrap());
            component.sandbox.network.push(here.parse().unwrap());
            let (_, host) = body(&component, &Step::default());
            assert_eq!(host.network_mode.unwrap(), "host");
        }
    }

    #[test]
    fn grants_and_limits_become_settings() {
        let mut component = component();
        component.sandbox.network.push("example.com:443".parse().unwrap());
        component.resources = Resources { memory: Some(1 << 20), cpus: Some(1.5), pids: Some(7) };
        component.run_as = Some(PosixUser { user: "7".to_owned(), group: Some("8".to_owned()) });
        let (made, host) = body(&component, &Step::default());
        assert_eq!(host.network_mode.unwrap(), "bridge");
        assert_eq!((host.memory, host.memory_swap), (Some(1 << 20), Some(1 << 20)));
        assert_eq!((host.cpu_quota, host.cpu_period), (Some(150_000), Some(100_000)));
        assert_eq!(host.pids_limit, Some(7));
        assert_eq!(made.user.unwrap(), "7:8");

        let root = Step { requires_privilege: true, ..Step::default() };
        let (made, host) = body(&component, &root);
        assert_eq!((made.user.unwrap(), host.cap_drop), ("0:0".to_owned(), None));
        component.run_as = Some(PosixUser { user: "ggc_user".to_owned(), group: None });
        assert_eq!(user(&component, &Step::default()), None);
    }

    #[test]
    fn settings_have_a_fingerprint_that_knows_no_token() {
        let settings = |component: &InstalledComponent| {
            body(component, &Step::default()).0.labels.unwrap()[SETTINGS].clone()
        };
        let before = settings(&component());
        assert_eq!(settings(&component()), before, "with another token");
        let mut changed = component();
        changed.sandbox.environment.insert("A".to_owned(), "b".to_owned());
        assert_ne!(settings(&changed), before);
        let mut changed = component();
        changed.sandbox.network.push("example.com:443".parse().unwrap());
        assert_ne!(settings(&changed), before);
    }
}
