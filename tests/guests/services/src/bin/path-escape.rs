//! Tries to get out of its folder in every way it can think of. Says what it got, which should be
//! nothing. Arguments: a file of the host outside, and a folder that it was granted to read.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let outside = arguments.next().expect("a file outside");
    let read_only = arguments.next().expect("a granted folder");
    let mut leaks = Vec::new();
    let mut tries = 0;
    let mut attempt = |what: String, got: bool| {
        tries += 1;
        if got {
            leaks.push(what);
        }
    };

    let up = "../".repeat(32);
    let relative = outside.trim_start_matches('/');
    for path in [
        outside.clone(),
        format!("{up}{relative}"),
        format!("/{up}{relative}"),
        format!("./.././../{up}{relative}"),
        format!("{read_only}/{up}{relative}"),
        format!("{read_only}/..{outside}"),
        format!("..//{outside}"),
        format!("..\\..\\{relative}"),
        "/etc/passwd".to_owned(),
        format!("{up}etc/passwd"),
        "/proc/self/environ".to_owned(),
        "/proc/1/root/etc/passwd".to_owned(),
        format!("{up}proc/self/root/etc/passwd"),
        "/dev/null".to_owned(),
        "/dev/fd/0".to_owned(),
        format!("{up}dev/zero"),
        "..".to_owned(),
        "/..".to_owned(),
        format!("{read_only}/.."),
    ] {
        // Its own root and the granted folder are all it may list.
        let read = fs::read(&path).is_ok_and(|bytes| !bytes.is_empty());
        attempt(format!("read {path}"), read);
        attempt(
            format!("list {path}"),
            names(&path).iter().any(|name| name == "etc" || name == "secret"),
        );
        attempt(
            format!("open {path}"),
            File::open(&path).is_ok_and(|file| file.metadata().is_ok_and(|m| m.is_file())),
        );
    }

    // Links of its own making, to the outside.
    fs::create_dir_all("/links").expect("its own folder is writable");
    for (number, target) in [
        outside.as_str(),
        "/etc/passwd",
        "../../../../../../../../etc/passwd",
        "/",
        "..",
        "/proc/self/root",
    ]
    .into_iter()
    .enumerate()
    {
        let link = format!("/links/{number}");
        let made = symlink(target, &link);
        attempt(format!("follow {link} to {target}"), made && fs::read(&link).is_ok());
        for below in ["etc/passwd", relative, "../etc/passwd"] {
            let path = format!("{link}/{below}");
            attempt(format!("read {path} over {target}"), made && fs::read(&path).is_ok());
            attempt(
                format!("write {path} over {target}"),
                made && fs::write(format!("{path}.new"), "x").is_ok(),
            );
        }
        attempt(format!("trailing slash of {link}"), made && fs::read(format!("{link}/")).is_ok());
    }
    for target in [outside.as_str(), "/etc/passwd", "../../../etc/passwd"] {
        let made = fs::hard_link(target, "/links/hard").is_ok();
        attempt(format!("hard link to {target}"), made);
    }
    // A link in the granted folder that the operator left there.
    attempt("follow the operator's link".into(), fs::read(format!("{read_only}/way-out")).is_ok());
    attempt(
        "rename out".into(),
        fs::write("/mine", "x").is_ok()
            && fs::rename("/mine", "/../mine").is_ok()
            && !Path::new("/mine").exists(),
    );

    // What may only be read.
    attempt(
        "write a granted file".into(),
        fs::write(format!("{read_only}/file"), "changed").is_ok(),
    );
    attempt(
        "append to a granted file".into(),
        OpenOptions::new().append(true).open(format!("{read_only}/file")).is_ok(),
    );
    attempt(
        "truncate a granted file".into(),
        OpenOptions::new().write(true).truncate(true).open(format!("{read_only}/file")).is_ok(),
    );
    attempt("make a file".into(), File::create(format!("{read_only}/new")).is_ok());
    attempt("make a folder".into(), fs::create_dir(format!("{read_only}/folder")).is_ok());
    attempt("remove a file".into(), fs::remove_file(format!("{read_only}/file")).is_ok());
    attempt(
        "rename a file".into(),
        fs::rename(format!("{read_only}/file"), format!("{read_only}/other")).is_ok(),
    );
    attempt("link into it".into(), symlink("file", &format!("{read_only}/link")));
    attempt("take a file out".into(), fs::rename(format!("{read_only}/file"), "/taken").is_ok());
    attempt(
        "hard link a file".into(),
        fs::hard_link(format!("{read_only}/file"), "/links/taken").is_ok(),
    );

    let granted =
        fs::read_to_string(format!("{read_only}/file")).expect("the granted file is readable");
    println!("granted file: {granted}");
    for leak in &leaks {
        println!("LEAK: {leak}");
    }
    println!("{tries} tries, {} leaks", leaks.len());
}

fn names(path: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn symlink(target: &str, link: &str) -> bool {
    use wasip2::filesystem::preopens::get_directories;
    // The standard library cannot make links here; the interface can. The longest folder that
    // holds the path is the one to use.
    let mut directories = get_directories();
    directories.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
    for (directory, name) in &directories {
        if let Some(rest) = link.strip_prefix(name.as_str()) {
            return directory.symlink_at(target, rest.trim_start_matches('/')).is_ok();
        }
    }
    false
}
