//! `gg-host new`: a project that builds and runs, with everything it needs inside.

mod files;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, bail, ensure};
use clap::{ValueEnum, ValueHint};
use files::{File, README, WIT};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Longest name of a project.
const LONGEST_NAME: usize = 64;

/// Names of Rust's own, and of what the project links.
const TAKEN_IN_RUST: &[&str] = &[
    "alloc",
    "as",
    "async",
    "await",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "fn",
    "for",
    "gen",
    "gg-handler",
    "gg-sdk",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "match",
    "mod",
    "move",
    "mut",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "serde-json",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "type",
    "unsafe",
    "use",
    "where",
    "while",
    "wit-bindgen",
];

/// Make a component that builds and runs: source, recipe, README and the SDK of its language.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gg-host new --lang rust my-filter
  gg-host new --lang python --kind service my-service --path components/my-service")]
pub(super) struct Args {
    /// Its name: lower-case letters, digits and `-`. The recipe names the component after it.
    name: String,

    /// The language it is written in.
    #[arg(long, short = 'l', value_enum)]
    lang: Lang,

    /// Whether the host calls it with each message, or it runs by itself.
    #[arg(long, short = 'k', value_enum, default_value_t)]
    kind: Kind,

    /// The folder to make [default: NAME].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    path: Option<PathBuf>,
}

/// The languages there are SDKs for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Lang {
    /// C, with clang.
    C,
    /// JavaScript or TypeScript.
    #[value(alias = "javascript", alias = "typescript", alias = "ts")]
    Js,
    /// Python.
    #[value(alias = "py")]
    Python,
    /// Rust.
    #[value(alias = "rs")]
    Rust,
}

impl Lang {
    fn name(self) -> &'static str {
        match self {
            Self::C => "C",
            Self::Js => "JavaScript",
            Self::Python => "Python",
            Self::Rust => "Rust",
        }
    }

    /// The commands that build a project, one a line.
    fn build(self) -> &'static [&'static str] {
        match self {
            Self::C => &["make"],
            Self::Js => &["npm install && npm run build"],
            Self::Python => &[
                "python3 -m venv .venv && .venv/bin/pip install ./sdk",
                ".venv/bin/gg-build-py app.py -o {{name}}.wasm",
            ],
            Self::Rust => &["./build.sh"],
        }
    }

    fn source(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::C, _) => "main.c",
            (Self::Js, _) => "src/index.js",
            (Self::Python, _) => "app.py",
            (Self::Rust, Kind::Handler) => "src/lib.rs",
            (Self::Rust, Kind::Service) => "src/main.rs",
        }
    }
}

/// How a component works.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Kind {
    /// The host calls it once for each message.
    #[default]
    Handler,
    /// It runs until it is asked to stop.
    Service,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Service => "service",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Handler => "The host calls it once for each message on `{{name}}/in`.",
            Self::Service => {
                "It subscribes to `{{name}}/in` and waits for messages until it is asked to stop."
            }
        }
    }

    fn ends(self) -> &'static str {
        match self {
            Self::Handler => "The run ends when that is done; without `--publish`, with Ctrl-C.",
            Self::Service => "Ctrl-C asks it to stop.",
        }
    }
}

/// Make the project and say how to go on.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let Args { name, lang, kind, path } = args;
    check_name(name, *lang)?;
    let folder = path.clone().unwrap_or_else(|| PathBuf::from(name));
    let project = Project { name, lang: *lang, kind: *kind };
    project.write(&folder)?;
    io::stdout().write_all(project.next_steps(&folder).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// A name that every toolchain takes: of crates, packages, files and topics.
fn check_name(name: &str, lang: Lang) -> Result<()> {
    ensure!(!name.is_empty(), "the name is empty");
    ensure!(
        name.len() <= LONGEST_NAME,
        "the name has {} characters; at most {LONGEST_NAME} are allowed",
        name.len()
    );
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(wrong) = name.chars().find(|c| !allowed(*c)) {
        let hint = match suggestion(name) {
            Some(better) => format!("; how about {better}?"),
            None => String::new(),
        };
        bail!("the name {name:?} contains {wrong:?}; use lower-case letters, digits and `-`{hint}");
    }
    ensure!(
        name.starts_with(|c: char| c.is_ascii_lowercase()),
        "the name {name:?} must begin with a letter"
    );
    ensure!(
        !name.ends_with('-') && !name.contains("--"),
        "the name {name:?} has a `-` that parts nothing"
    );
    ensure!(
        lang != Lang::Rust || !TAKEN_IN_RUST.contains(&name),
        "the name {name:?} means something else in Rust; choose another"
    );
    Ok(())
}

/// The name in the words that are allowed, if that leaves anything.
fn suggestion(name: &str) -> Option<String> {
    let mut better = String::new();
    let mut before = '-';
    for c in name.chars() {
        match c {
            'A'..='Z' => {
                if before.is_ascii_lowercase() {
                    better.push('-');
                }
                better.push(c.to_ascii_lowercase());
            }
            'a'..='z' | '0'..='9' => better.push(c),
            _ if better.ends_with('-') => {}
            _ => better.push('-'),
        }
        before = c;
    }
    let better = better.trim_matches('-');
    let usable =
        better.len() <= LONGEST_NAME && better.starts_with(|c: char| c.is_ascii_lowercase());
    usable.then(|| better.to_owned())
}

/// What is made.
struct Project<'a> {
    name: &'a str,
    lang: Lang,
    kind: Kind,
}

impl Project<'_> {
    /// Write everything into a folder that is not there, or is empty. Leaves nothing behind when
    /// it fails.
    fn write(&self, folder: &Path) -> Result<()> {
        let shown = folder.display();
        let existed = match fs::read_dir(folder) {
            Ok(mut entries) => {
                ensure!(
                    entries.next().is_none(),
                    "{shown} is there already and not empty; choose another name, or a folder with --path"
                );
                true
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).with_context(|| format!("cannot make {shown}")),
        };
        let written = self.files().into_iter().try_for_each(|(path, bytes)| {
            let path = folder.join(path);
            write_file(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))
        });
        if written.is_err() && !existed {
            let _what_can_be_done = fs::remove_dir_all(folder);
        }
        written
    }

    /// Every file of the project.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = vec![(PathBuf::from("README.md"), self.fill(README).into_bytes())];
        for File { path, bytes } in self.lang.templates(self.kind) {
            // Templates are text.
            let text = String::from_utf8_lossy(bytes);
            files.push((PathBuf::from(path), self.fill(&text).into_bytes()));
        }
        let sdk = Path::new("sdk");
        files.extend(self.lang.sdk().iter().map(|file| (sdk.join(file.path), file.bytes.to_vec())));
        for folder in self.lang.wit_folders() {
            let folder = sdk.join(folder);
            files.extend(WIT.iter().map(|file| (folder.join(file.path), file.bytes.to_vec())));
        }
        files
    }

    /// A template with its placeholders filled in; those that hold others come first.
    fn fill(&self, template: &str) -> String {
        let Self { name, lang, kind } = self;
        let build = lang.how_to_build().trim_end();
        [
            ("{{build}}", build),
            ("{{ends}}", kind.ends()),
            ("{{run}}", RUN),
            ("{{what}}", kind.what()),
            ("{{component}}", &component(name)),
            ("{{crate}}", &name.replace('-', "_")),
            ("{{kind}}", kind.name()),
            ("{{language}}", lang.name()),
            ("{{name}}", name),
            ("{{source}}", lang.source(*kind)),
            ("{{version}}", env!("CARGO_PKG_VERSION")),
        ]
        .into_iter()
        .fold(template.to_owned(), |text, (placeholder, value)| text.replace(placeholder, value))
    }

    fn next_steps(&self, folder: &Path) -> String {
        let folder = folder.to_string_lossy();
        let mut text = format!(
            "made {folder}: {component}, a {kind} in {language}\n\n  cd {}\n",
            shell_words::quote(&folder),
            component = component(self.name),
            kind = self.kind.name(),
            language = self.lang.name(),
        );
        for command in self.lang.build().iter().chain(&[RUN]) {
            text.push_str(&format!("  {}\n", self.fill(command)));
        }
        text.push_str("\nREADME.md there says more.\n");
        text
    }
}

/// How to see a new component work.
const RUN: &str = "gg-host run recipe.yaml --publish '{{name}}/in=world' --subscribe '{{name}}/#'";

/// `my-filter` becomes `com.example.MyFilter`.
fn component(name: &str) -> String {
    let mut component = "com.example.".to_owned();
    for word in name.split('-') {
        let (first, rest) = word.split_at(word.len().min(1));
        component.push_str(&first.to_ascii_uppercase());
        component.push_str(rest);
    }
    component
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mode = if bytes.starts_with(b"#!") { 0o777 } else { 0o666 };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(bytes)
}
