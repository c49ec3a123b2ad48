//! Debian packages of any suite, fetched with the machine's apt and unpacked into a folder. Nothing
//! is installed and the machine's apt is not changed: this has a state of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::cache::Scratch;
use super::run;

/// Where to look, in this order: the release in which the packages were first as needed, then later ones.
pub const SUITES: &[&str] = &["trixie-backports", "trixie", "forky", "sid"];

/// A package, and which versions of it will do.
pub struct Package<'a> {
    pub name: &'a str,
    pub accept: &'a dyn Fn(&str) -> bool,
}

/// Unpack the packages into `folder`, all from the same view of the archive; the newest versions
/// that are acceptable.
pub fn unpack(packages: &[Package<'_>], suites: &[&str], folder: &Path) -> Result<()> {
    for tool in ["apt-get", "apt-cache", "dpkg-deb"] {
        if run::which(tool).is_none() {
            bail!("not a Debian system: {tool} is missing");
        }
    }
    let apt = Apt::new()?;
    let mut lines = String::new();
    for suite in suites {
        let line = format!("deb [signed-by={}] {} {suite} main\n", apt.keyring, apt.archive);
        if let Err(error) = apt.update(&format!("{lines}{line}")) {
            eprintln!("setup: Debian's suite {suite} cannot be used: {error:#}");
            continue;
        }
        lines.push_str(&line);
        let found: Vec<String> =
            packages.iter().filter_map(|package| apt.newest(package)).collect();
        if found.len() == packages.len() {
            return apt.unpack(&found, folder);
        }
    }
    let names: Vec<_> = packages.iter().map(|package| package.name).collect();
    bail!("no usable version of {} in Debian's {}", names.join(" and "), suites.join(", "))
}

/// An apt with its own state.
struct Apt {
    home: Scratch,
    keyring: &'static str,
    archive: String,
}

impl Apt {
    fn new() -> Result<Self> {
        let home = Scratch::temporary()?;
        let keyrings = [
            "/usr/share/keyrings/debian-archive-keyring.gpg",
            "/usr/share/keyrings/debian-archive-keyring.pgp",
        ];
        let Some(keyring) = keyrings.into_iter().find(|path| Path::new(path).is_file()) else {
            bail!("debian-archive-keyring is not installed");
        };
        for folder in ["state", "lists/partial", "cache/archives/partial", "log", "none", "debs"] {
            fs::create_dir_all(home.path().join(folder))?;
        }
        fs::write(home.path().join("status"), "")?;
        fs::write(home.path().join("apt.conf"), configuration(home.path()))?;
        Ok(Self { home, keyring, archive: archive()? })
    }

    fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(tool);
        command.arg("-c").arg(self.home.path().join("apt.conf"));
        command
    }

    fn update(&self, sources: &str) -> Result<()> {
        fs::write(self.home.path().join("sources.list"), sources)?;
        run::quietly(self.command("apt-get").args(["-qq", "--error-on=any", "update"]))
    }

    /// `name=version` of the newest version that will do.
    fn newest(&self, package: &Package<'_>) -> Option<String> {
        // Lines such as `wasi-libc | 0.0~git20260129.ec0effd-3 | … suite/main amd64 Packages`, newest first.
        let listing =
            run::output(self.command("apt-cache").args(["madison", package.name])).ok()?;
        let version = listing.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim);
        version
            .into_iter()
            .find(|version| (package.accept)(version))
            .map(|version| format!("{}={version}", package.name))
    }

    fn unpack(&self, packages: &[String], folder: &Path) -> Result<()> {
        let debs = self.home.path().join("debs");
        eprintln!("setup: fetching {} from Debian", packages.join(" and "));
        run::quietly(
            self.command("apt-get").args(["-qq", "download"]).args(packages).current_dir(&debs),
        )?;
        for deb in fs::read_dir(&debs)? {
            run::quietly(Command::new("dpkg-deb").arg("-x").arg(deb?.path()).arg(folder))?;
        }
        Ok(())
    }
}

/// Only what has to differ: the machine's proxies, authentication and certificates stay in force.
fn configuration(home: &Path) -> String {
    let home = home.display();
    format!(
        r#"Dir::State "{home}/state";
Dir::State::status "{home}/status";
Dir::State::lists "{home}/lists";
Dir::Cache "{home}/cache";
Dir::Log "{home}/log";
Dir::Etc::sourcelist "{home}/sources.list";
Dir::Etc::sourceparts "{home}/none";
Dir::Etc::preferences "{home}/no-preferences";
Dir::Etc::preferencesparts "{home}/none";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
// root's apt downloads as another user, who cannot enter this folder.
APT::Sandbox::User "";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"#
    )
}

/// Where this machine gets its Debian packages from; derivatives and security archives do not count.
fn archive() -> Result<String> {
    let release =
        fs::read_to_string("/etc/os-release").context("failed to read /etc/os-release")?;
    let field = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    if field("ID").as_deref() != Some("debian") {
        bail!("not a Debian system");
    }
    let format = "$(RELEASE) $(COMPONENT) $(REPO_URI)";
    let listing = run::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        format,
        "Created-By: Packages",
    ]))?;
    let codename = field("VERSION_CODENAME");
    let archives = listing.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (suite, component, uri) = (words.next()?, words.next()?, words.next()?);
        let fits = codename.as_deref().is_none_or(|codename| codename == suite);
        (component == "main" && fits && !suite.contains("security")).then(|| uri.to_owned())
    });
    archives.into_iter().next().context("apt has no Debian archive configured")
}

/// Install a package of the machine's own release, which takes root.
pub fn install(packages: &[&str]) -> Result<()> {
    let hint = format!("install the packages {}", packages.join(" "));
    if run::which("apt-get").is_none() || run::output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("{hint}");
    }
    eprintln!("setup: installing {}", packages.join(" "));
    let install = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args([
            "-qq",
            "install",
            "-y",
            "--no-install-recommends",
        ]);
        run::quietly(command.args(packages))
    };
    // The lists may be old or absent.
    install()
        .or_else(|_| {
            run::quietly(Command::new("apt-get").args(["-qq", "update"]))?;
            install()
        })
        .context(hint)
}
