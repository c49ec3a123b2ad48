//! What `gg-host new` writes, embedded from where it is kept: the WIT package, the guest SDKs and
//! the templates.

use super::{Kind, Lang};

/// A file with its place in a project.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) bytes: &'static [u8],
}

/// Files below a folder, each at the same place or, with `as`, at another.
macro_rules! embed {
    ($folder:literal: $($path:literal $(as $place:literal)?),* $(,)?) => {
        &[$(File {
            path: embed!(@place $path $(as $place)?),
            bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $folder, "/", $path)),
        }),*]
    };
    (@place $path:literal) => { $path };
    (@place $path:literal as $place:literal) => { $place };
}

/// A template as text.
macro_rules! template {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $path))
    };
}

/// The WIT package `gg:host`.
pub(super) const WIT: &[File] = embed!("../wit":
    "configuration.wit",
    "deps/cli/run.wit",
    "deps/nn/wasi-nn.wit",
    "handler.wit",
    "inference.wit",
    "lifecycle.wit",
    "logging.wit",
    "mqtt.wit",
    "pubsub.wit",
    "secrets.wit",
    "shadow.wit",
    "types.wit",
    "worlds.wit",
);

const RUST_SDK: &[File] = embed!("../guest-sdk/rust":
    "Cargo.toml",
    "README.md",
    "handler/Cargo.toml",
    "handler/src/lib.rs",
    "src/config.rs",
    "src/error.rs",
    "src/inference/element.rs",
    "src/inference/mod.rs",
    "src/inference/scores.rs",
    "src/inference/tensor.rs",
    "src/inference/tests.rs",
    "src/lib.rs",
    "src/lifecycle.rs",
    "src/log.rs",
    "src/message.rs",
    "src/mqtt.rs",
    "src/pubsub.rs",
    "src/secrets.rs",
    "src/shadow.rs",
);

const JS_SDK: &[File] = embed!("../guest-sdk/js":
    "README.md",
    "bin/gg-build.js",
    "package.json",
    "src/config.js",
    "src/host.js",
    "src/index.d.ts",
    "src/index.js",
    "src/inference.d.ts",
    "src/inference.js",
    "src/log.js",
    "src/mqtt.d.ts",
    "src/mqtt.js",
    "src/secrets.d.ts",
    "src/secrets.js",
    "src/shadow.d.ts",
    "src/shadow.js",
    "src/utf8.js",
);

const PYTHON_SDK: &[File] = embed!("../guest-sdk/python":
    "README.md",
    "gg_host/__init__.py",
    "gg_host/_entry.py",
    "gg_host/_host.py",
    "gg_host/_lifecycle.py",
    "gg_host/_pubsub.py",
    "gg_host/build.py",
    "gg_host/config.py",
    "gg_host/inference.py",
    "gg_host/log.py",
    "gg_host/mqtt.py",
    "gg_host/py.typed",
    "gg_host/secrets.py",
    "gg_host/shadow.py",
    "pyproject.toml",
    "requirements.txt",
);

const C_SDK: &[File] = embed!("../guest-sdk/c":
    "README.md",
    "bin/gg-cc",
    "bindings/handler/gg.c",
    "bindings/handler/gg.h",
    "bindings/handler/gg_component_type.o",
    "bindings/service/gg.c",
    "bindings/service/gg.h",
    "bindings/service/gg_component_type.o",
    "include/gg_host.h",
    "src/gg_host.c",
    "src/gg_inference.c",
    "src/gg_internal.h",
    "src/gg_json.c",
);

/// What every project begins its README with.
pub(super) const README: &str = template!("README.md");

impl Lang {
    /// The SDK, for the project's folder `sdk`.
    pub(super) fn sdk(self) -> &'static [File] {
        match self {
            Self::C => C_SDK,
            Self::Js => JS_SDK,
            Self::Python => PYTHON_SDK,
            Self::Rust => RUST_SDK,
        }
    }

    /// Where in the SDK its build looks for the WIT package; the C bindings are made from it.
    pub(super) fn wit_folders(self) -> &'static [&'static str] {
        match self {
            Self::C => &[],
            Self::Js => &["wit"],
            Self::Python => &["gg_host/wit"],
            Self::Rust => &["wit", "handler/wit"],
        }
    }

    /// How to build, for the README.
    pub(super) fn how_to_build(self) -> &'static str {
        match self {
            Self::C => template!("c/build.md"),
            Self::Js => template!("js/build.md"),
            Self::Python => template!("python/build.md"),
            Self::Rust => template!("rust/build.md"),
        }
    }

    /// The project's own files.
    pub(super) fn templates(self, kind: Kind) -> &'static [File] {
        match (self, kind) {
            (Self::C, Kind::Handler) => embed!("templates":
                "c/Makefile" as "Makefile",
                "c/gitignore" as ".gitignore",
                "c/handler/main.c" as "main.c",
                "recipe-handler.yaml" as "recipe.yaml",
            ),
            (Self::C, Kind::Service) => embed!("templates":
                "c/Makefile" as "Makefile",
                "c/gitignore" as ".gitignore",
                "c/service/main.c" as "main.c",
                "recipe-service.yaml" as "recipe.yaml",
            ),
            (Self::Js, Kind::Handler) => embed!("templates":
                "js/gitignore" as ".gitignore",
                "js/handler/src/index.js" as "src/index.js",
                "js/package.json" as "package.json",
                "recipe-handler.yaml" as "recipe.yaml",
            ),
            (Self::Js, Kind::Service) => embed!("templates":
                "js/gitignore" as ".gitignore",
                "js/package.json" as "package.json",
                "js/service/src/index.js" as "src/index.js",
                "recipe-service.yaml" as "recipe.yaml",
            ),
            (Self::Python, Kind::Handler) => embed!("templates":
                "python/gitignore" as ".gitignore",
                "python/handler/app.py" as "app.py",
                "recipe-handler.yaml" as "recipe.yaml",
            ),
            (Self::Python, Kind::Service) => embed!("templates":
                "python/gitignore" as ".gitignore",
                "python/service/app.py" as "app.py",
                "recipe-service.yaml" as "recipe.yaml",
            ),
            (Self::Rust, Kind::Handler) => embed!("templates":
                "recipe-handler.yaml" as "recipe.yaml",
                "rust/gitignore" as ".gitignore",
                "rust/handler/Cargo.toml" as "Cargo.toml",
                "rust/handler/build.sh" as "build.sh",
                "rust/handler/src/lib.rs" as "src/lib.rs",
            ),
            (Self::Rust, Kind::Service) => embed!("templates":
                "recipe-service.yaml" as "recipe.yaml",
                "rust/gitignore" as ".gitignore",
                "rust/service/Cargo.toml" as "Cargo.toml",
                "rust/service/build.sh" as "build.sh",
                "rust/service/src/main.rs" as "src/main.rs",
            ),
        }
    }
}
