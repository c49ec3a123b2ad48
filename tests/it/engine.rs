//! The container engine of the tests.

use crate::host::folder;
use std::fs;
use std::process::Command;

/// An image of one program, a shell.
pub(crate) const IMAGE: &str = "gg-host-it/busybox:1";

/// An engine, and how programs find it.
pub(crate) struct Engine {
    /// The value of `DOCKER_HOST`.
    pub(crate) host: String,
}

impl Engine {
    /// The engine, with [`IMAGE`]. `None` where there is none: these tests are skipped then.
    pub(crate) fn find(tests: &str) -> Option<Self> {
        let Ok(socket) = std::env::var("GG_TEST_DOCKER") else {
            println!("SKIPPED, NOTHING TESTED: {tests}, since GG_TEST_DOCKER is not set");
            return None;
        };
        let engine = Self { host: format!("unix://{socket}") };
        let folder = folder();
        let bin = folder.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::copy("/bin/busybox", bin.join("sh")).unwrap();
        engine.import(IMAGE, |tar| {
            tar.arg("-C").arg(folder.path()).arg("bin");
        });
        Some(engine)
    }

    /// Make an image of what is put into an archive.
    pub(crate) fn import(&self, image: &str, fill: impl FnOnce(&mut Command)) {
        let folder = folder();
        let archive = folder.path().join("image.tar");
        let mut tar = Command::new("tar");
        tar.arg("-cf").arg(&archive);
        fill(&mut tar);
        assert!(tar.status().unwrap().success());
        self.ask(&["import", archive.to_str().unwrap(), image]);
    }

    /// Ask it something with its own program.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let mut docker = Command::new("docker");
        let output = docker.env("DOCKER_HOST", &self.host).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// How many containers there are, running or not, whose names hold this.
    pub(crate) fn containers(&self, name: &str) -> usize {
        let filter = format!("name={name}");
        self.ask(&["ps", "--all", "--quiet", "--filter", &filter]).lines().count()
    }
}
