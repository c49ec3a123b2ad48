//! A device of a test: a root folder, the nucleus that runs in it, and the command line that asks it.

use crate::host::{Host, Outcome, command, file, finish, folder, recipe, sample, start};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A device: a root folder, and the nucleus that runs in it now and then.
pub(crate) struct Device {
    folder: TempDir,
}

impl Device {
    /// A device on which nothing was ever deployed.
    pub(crate) fn new() -> Self {
        Self::below(folder())
    }

    /// The same, in a folder that every user can reach, wherever these sources are.
    pub(crate) fn reachable() -> Self {
        let mode = fs::Permissions::from_mode(0o755);
        Self::below(tempfile::Builder::new().prefix("it-").permissions(mode).tempdir().unwrap())
    }

    fn below(folder: TempDir) -> Self {
        let device = Self { folder };
        for name in ["recipes", "artifacts"] {
            fs::create_dir(device.path(name)).unwrap();
        }
        device
    }

    /// A path in the device's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The root folder of the nucleus.
    pub(crate) fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// The configuration of the nucleus, in the words of YAML's braces.
    pub(crate) fn settings(&self, configuration: &str) {
        fs::create_dir(self.root()).unwrap();
        let text = format!(
            "services: {{aws.greengrass.Nucleus: {{configuration: {{{configuration}}}}}}}\n"
        );
        file(&self.root(), "config.yaml", text);
    }

    /// Put a recipe where `deploy` finds it.
    pub(crate) fn recipe(&self, name: &str, version: &str, rest: &str) {
        let text = format!(
            "RecipeFormatVersion: '2020-01-25'\nComponentName: {name}\n\
             ComponentVersion: {version}\n{rest}"
        );
        file(&self.path("recipes"), &format!("{name}-{version}.yaml"), text);
    }

    /// Put an artifact of a component where `deploy` finds it.
    pub(crate) fn artifact(&self, name: &str, version: &str, from: &Path) {
        let folder = self.path("artifacts").join(name).join(version);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(from, folder.join(from.file_name().unwrap())).unwrap();
    }

    /// Put a sample's recipe and artifact there.
    pub(crate) fn sample(&self, sample_name: &str, component: &str) {
        let text = fs::read_to_string(recipe(sample_name)).unwrap();
        file(&self.path("recipes"), &format!("{sample_name}.yaml"), text);
        self.artifact(component, "1.0.0", &sample(sample_name));
    }

    /// Start the nucleus, and wait until its components are up or over.
    pub(crate) fn start(&self) -> Host {
        self.start_with([])
    }

    /// The same, with variables in its environment.
    pub(crate) fn start_with<'a>(
        &self,
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Host {
        self.start_as(|command| {
            command.envs(environment);
        })
    }

    /// The same, with anything else about how it is started.
    pub(crate) fn start_as(&self, prepare: impl FnOnce(&mut Command)) -> Host {
        let mut command = command("start");
        command.env_remove("NOTIFY_SOCKET");
        prepare(&mut command);
        command.args(["--output", "json", "--root"]).arg(self.root());
        let mut host = start(command).gentle();
        host.wait_until_said("aws.greengrass.Nucleus", "all components are up");
        host
    }

    /// Ask the nucleus something on the command line.
    pub(crate) fn ask<A: AsRef<std::ffi::OsStr>>(
        &self,
        subcommand: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Outcome {
        let mut command = command(subcommand);
        command.args(arguments).args(["--output", "json", "--root"]).arg(self.root());
        finish(command)
    }

    /// Deploy, with the folders of recipes and artifacts, and wait for the end.
    pub(crate) fn deploy<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        self.queue(arguments.into_iter().chain(["--wait"]))
    }

    /// Ask for a deployment, with the folders of recipes and artifacts.
    pub(crate) fn queue<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        let mut all = Vec::new();
        for (option, name) in [("--recipe-dir", "recipes"), ("--artifact-dir", "artifacts")] {
            all.extend([option.to_owned(), self.path(name).to_str().unwrap().to_owned()]);
        }
        all.extend(arguments.into_iter().map(str::to_owned));
        self.ask("deploy", all)
    }

    /// How many processes its components have, told by the folder that they work in.
    pub(crate) fn processes(&self) -> usize {
        self.processes_of_components().len()
    }

    /// Where the kernel tells of them.
    fn processes_of_components(&self) -> Vec<PathBuf> {
        let work = self.root().canonicalize().unwrap().join("work");
        let below = |process: &PathBuf| {
            fs::read_link(process.join("cwd")).is_ok_and(|folder| folder.starts_with(&work))
        };
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.map(|entry| entry.path()).filter(below).collect()
    }

    /// The environments of its components' processes.
    pub(crate) fn environments(&self) -> Vec<Vec<u8>> {
        let all = self.processes_of_components();
        all.iter().filter_map(|process| fs::read(process.join("environ")).ok()).collect()
    }

    /// How each component but the nucleus itself stands: `NAME VERSION STATE`.
    pub(crate) fn components(&self) -> Vec<String> {
        let outcome = self.ask("component", ["list"]);
        let all = outcome.expect_code(0).events[0].json.clone();
        let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
        let line = |one: &Value| {
            format!(
                "{} {} {}",
                text(one, "componentName"),
                text(one, "version"),
                text(one, "state")
            )
        };
        let others = |one: &&Value| one["componentName"] != "aws.greengrass.Nucleus";
        all.as_array().unwrap().iter().filter(others).map(line).collect()
    }
}

/// Processes whose command line holds these words.
pub(crate) fn processes(words: &str) -> usize {
    processes_with(words).len()
}

/// The same, without those that such a process has forked: a shell's child has its command line until it
/// is another program.
pub(crate) fn shells(words: &str) -> usize {
    let all = processes_with(words);
    let parent = |process: &String| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // `pid (name) state parent …`
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        fields.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    all.iter().filter(|process| !all.contains(&parent(process))).count()
}

fn processes_with(words: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let has = |entry: &fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ").contains(words)
    };
    entries.filter(has).map(|entry| entry.file_name().into_string().unwrap()).collect()
}
