//! Files that are hashed while they are written, and on the disk when they are finished.

use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use twox_hash::XxHash64;

use crate::error::{FormatsError, Result};

const HASH_SEED: u64 = 0;
const READ_BYTES: usize = 1 << 20;

/// What a finished file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSummary {
    /// Rows in the file, a CSV header not counted.
    pub rows: u64,
    /// The file's size, in bytes.
    pub bytes: u64,
    /// `xxh64:` and 16 hexadecimal digits: XXH64 with seed 0 over all bytes of the file.
    pub checksum: String,
}

/// Size and checksum of a file whose rows were not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChecksum {
    /// The file's size, in bytes.
    pub bytes: u64,
    /// As in [`FileSummary::checksum`].
    pub checksum: String,
}

/// Reads a file once and returns its size and checksum.
///
/// Memory: 1 MiB. Errors: [`FormatsError::Io`].
pub fn checksum_file(path: impl AsRef<Path>) -> Result<FileChecksum> {
    let path = path.as_ref();
    let mut file = File::open(path).map_err(|error| FormatsError::io("open", path, error))?;
    let mut digest = Digest::default();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(digest.finish()),
            Ok(count) => digest.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FormatsError::io("read", path, error)),
        }
    }
}

struct Digest {
    hash: XxHash64,
    bytes: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self {
            hash: XxHash64::with_seed(HASH_SEED),
            bytes: 0,
        }
    }
}

impl Digest {
    fn update(&mut self, bytes: &[u8]) {
        self.hash.write(bytes);
        self.bytes += bytes.len() as u64;
    }

    fn finish(&self) -> FileChecksum {
        FileChecksum {
            bytes: self.bytes,
            checksum: format!("xxh64:{:016x}", self.hash.finish()),
        }
    }
}

/// A file under construction. Whoever drops it unfinished leaves a partial file behind.
pub(crate) struct DurableFile {
    file: File,
    path: PathBuf,
    digest: Digest,
}

impl DurableFile {
    /// Creates the file, or empties it if it exists.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|error| FormatsError::io("create", path, error))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            digest: Digest::default(),
        })
    }

    /// Waits until all bytes are on the disk.
    pub(crate) fn finish(self) -> Result<FileChecksum> {
        self.file
            .sync_all()
            .map_err(|error| FormatsError::io("sync", &self.path, error))?;
        Ok(self.digest.finish())
    }
}

impl Write for DurableFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.digest.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
