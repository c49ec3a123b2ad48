use super::*;
use std::collections::BTreeSet;

const ALL: [Lang; 4] = [Lang::C, Lang::Js, Lang::Python, Lang::Rust];

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Files of an SDK that no project needs, and why.
const LEFT_OUT: [&str; 10] = [
    // Of the repository.
    "c/.gitattributes",
    "c/.gitignore",
    "js/.gitignore",
    "python/.gitignore",
    // Packs the WIT package, which a project has.
    "js/bin/copy-wit.js",
    // A project has a lock file of its own.
    "js/package-lock.json",
    // Makes the C bindings, which a project has.
    "c/bindgen/Cargo.lock",
    "c/bindgen/Cargo.toml",
    "c/bindgen/src/main.rs",
    "rust/Cargo.lock",
];

#[test]
fn every_file_of_the_sdks_and_of_the_wit_package_is_embedded() {
    for (lang, folder) in
        [(Lang::C, "c"), (Lang::Js, "js"), (Lang::Python, "python"), (Lang::Rust, "rust")]
    {
        let embedded: BTreeSet<String> =
            lang.sdk().iter().map(|file| format!("{folder}/{}", file.path)).collect();
        let mut kept = tracked(&format!("guest-sdk/{folder}"));
        kept = kept.into_iter().map(|path| format!("{folder}/{path}")).collect();
        kept.retain(|path| !LEFT_OUT.contains(&path.as_str()));
        assert_eq!(
            embedded, kept,
            "host/src/cli/new/files.rs lists the files of guest-sdk/{folder}"
        );
    }
    let embedded: BTreeSet<String> = WIT.iter().map(|file| file.path.to_owned()).collect();
    assert_eq!(embedded, tracked("wit"), "host/src/cli/new/files.rs lists the files of wit");
}

/// The files below a folder of the repository that are no product of a build.
fn tracked(folder: &str) -> BTreeSet<String> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let made = ["node_modules", "target", "build", "__pycache__"].contains(&name)
                || name.ends_with(".pyc")
                || name.ends_with(".egg-info");
            if path.is_symlink() || made {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let root = Path::new(REPOSITORY).join(folder);
    let mut found = BTreeSet::new();
    walk(&root, &root, &mut found);
    found
}

#[test]
fn what_is_embedded_is_less_than_a_mebibyte() {
    let sdks = ALL.iter().flat_map(|lang| lang.sdk());
    let total: usize = sdks.chain(WIT).map(|file| file.bytes.len()).sum();
    assert!(total < 1 << 20, "{total} bytes");
}

#[test]
fn nothing_is_left_to_fill_in_and_the_readme_has_the_commands() {
    for lang in ALL {
        for kind in [Kind::Handler, Kind::Service] {
            let project = Project { name: "my-own-thing", lang, kind };
            let files = project.files();
            let own = files.iter().filter(|(path, _)| !path.starts_with("sdk"));
            let own: Vec<(&PathBuf, String)> = own
                .map(|(path, bytes)| (path, String::from_utf8(bytes.clone()).unwrap()))
                .collect();
            for (path, text) in &own {
                assert!(
                    !text.contains("{{") && !text.contains("}}"),
                    "{lang:?}: {}",
                    path.display()
                );
            }
            assert!(own.iter().any(|(path, _)| path == &Path::new(lang.source(kind))));
            let readme = &own.iter().find(|(path, _)| path == &Path::new("README.md")).unwrap().1;
            for command in lang.build().iter().chain(&[RUN]) {
                let command = project.fill(command);
                assert!(readme.contains(&format!("    {command}\n")), "{lang:?}: {command}");
            }
        }
    }
}

#[test]
fn recipes_are_recipes_and_grant_what_the_component_does() {
    for kind in [Kind::Handler, Kind::Service] {
        let project = Project { name: "my-own-thing", lang: Lang::Js, kind };
        let files = project.files();
        let (_, bytes) = files.iter().find(|(path, _)| path == Path::new("recipe.yaml")).unwrap();
        let recipe = gg_model::Recipe::parse(std::str::from_utf8(bytes).unwrap()).unwrap();
        assert_eq!(recipe.name.as_ref(), "com.example.MyOwnThing");
        assert!(recipe.warnings.is_empty(), "{:?}", recipe.warnings);
    }
}

#[test]
fn names_that_some_toolchain_would_refuse_are_refused() {
    for good in ["a", "my-filter", "filter2", "a-1"] {
        assert!(check_name(good, Lang::Rust).is_ok(), "{good}");
    }
    for bad in
        ["", "My", "a_b", "a/b", "../a", "1a", "-a", "a-", "a--b", "ä", "fn", &"a".repeat(65)]
    {
        assert!(check_name(bad, Lang::Rust).is_err(), "{bad}");
    }
    assert!(check_name("loop", Lang::Python).is_ok());
}

#[test]
fn a_better_name_is_offered() {
    for (name, better) in [
        ("MyFilter", "my-filter"),
        ("my_filter", "my-filter"),
        ("com.acme.HTTPGet", "com-acme-httpget"),
    ] {
        let error = check_name(name, Lang::Js).unwrap_err().to_string();
        assert!(error.contains(better), "{error}");
    }
    assert_eq!(suggestion("42"), None);
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let project = Project { name: "a", lang: Lang::Rust, kind: Kind::Handler };
    project.write(folder.path()).expect("an empty folder will do");
    let error = project.write(folder.path()).unwrap_err().to_string();
    assert!(error.contains("not empty"), "{error}");
}

#[test]
fn scripts_can_be_executed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let project = Project { name: "a", lang: Lang::Rust, kind: Kind::Handler };
    project.write(folder.path()).unwrap();
    let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode();
    assert_ne!(mode("build.sh") & 0o100, 0);
    assert_eq!(mode("Cargo.toml") & 0o111, 0);
}
