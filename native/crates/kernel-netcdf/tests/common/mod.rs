//! Where the files of the tests are.

use std::path::{Path, PathBuf};

pub fn granules() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../apps/cases/data/glm");
    let mut paths: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "nc"));
    paths.sort();
    assert_eq!(
        paths.len(),
        7,
        "{} holds the seven granules",
        folder.display()
    );
    paths
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name),
    )
    .unwrap()
}
