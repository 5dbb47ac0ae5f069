//! The corpus of a fuzz target, for tests of the kernels.

use std::fs;
use std::path::Path;

/// Decodes every file of some folders below `native`. Panics on a finding, or when a folder has no file.
pub fn replay(folders: &[&str], decode: fn(&[u8])) {
    for folder in folders {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(folder);
        let mut count = 0;
        for entry in fs::read_dir(&folder).expect("a corpus") {
            let path = entry.expect("an entry").path();
            println!("{}", path.display());
            decode(&fs::read(&path).expect("an input"));
            count += 1;
        }
        assert!(count > 0, "no inputs in {}", folder.display());
    }
}
