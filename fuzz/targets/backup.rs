//! Backups: reading one ends, gives entries of known names only, each once, and says that all were there
//! only where they were.
#![no_main]

#[path = "../../cloud/src/cli/backup/entries.rs"]
mod entries;

use entries::{FILES, LARGEST_SMALL, Name};
use std::collections::BTreeSet;
use std::io::Read as _;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (mut found, mut objects) = (BTreeSet::new(), 0);
    let read = entries::each(input, |_, name, from| {
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
