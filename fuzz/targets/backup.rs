//! Backups: reading one ends, gives entries of known names only, each once, and says that all were there
//! only where they were.
#![no_main]

#[path = "../../cloud/src/cli/backup/entries.rs"]
mod entries;

use entries::{FILES, LARGEST_SMALL, MANIFEST, Name};
use std::collections::BTreeSet;
use std::io::Read as _;
use tar::{Builder, Header};

/// What an archive is made of: as it is, or entries of names that are known or given.
type Input<'i> = (Option<&'i [u8]>, Vec<(u8, &'i str, &'i [u8])>);

fn archive(parts: &[(u8, &str, &[u8])]) -> Vec<u8> {
    let object = format!("objects/ab/{}", "ab".repeat(32));
    let known = [[MANIFEST].as_slice(), &FILES, &[&object]].concat();
    let mut builder = Builder::new(Vec::new());
    for (number, given, bytes) in parts {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        let name = known.get(usize::from(*number)).unwrap_or(given);
        // Names that cannot be in an archive are left out.
        let _ = builder.append_data(&mut header, name, *bytes);
    }
    builder.into_inner().unwrap()
}

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    let (raw, parts) = input;
    let made = archive(&parts);
    let (mut found, mut objects) = (BTreeSet::new(), 0);
    let read = entries::each(raw.unwrap_or(&made), |_, name, from| {
        let mut bytes = Vec::new();
        from.take(LARGEST_SMALL).read_to_end(&mut bytes)?;
        assert!(found.insert(name.clone()));
        match name {
            Name::File(file) => assert!(FILES.contains(file)),
            Name::Object(digest) => {
                objects += 1;
                assert!(digest.len() == 64 && !digest.contains(['/', '.']));
            }
        }
        Ok(())
    });
    if let Ok(manifest) = read {
        assert_eq!((manifest.objects, found.len()), (objects, FILES.len() + objects as usize));
        let _ = (manifest.program, manifest.files, manifest.format);
    }
});
