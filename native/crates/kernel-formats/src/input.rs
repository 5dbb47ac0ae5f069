//! Where readers read from.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{FormatsError, Result};

/// A file to open, or the bytes of one.
#[derive(Debug, Clone)]
pub enum Input {
    /// A file on this machine.
    Path(PathBuf),
    /// A whole file in memory, shared, not copied.
    Bytes(Bytes),
}

impl Input {
    /// How error messages call this input.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Bytes(_) => MEMORY.to_owned(),
        }
    }

    /// How large it is, compressed as it may be, in bytes. Errors: [`FormatsError::Io`].
    pub(crate) fn byte_length(&self) -> Result<u64> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::Path(path) => {
                let metadata = path.metadata();
                Ok(metadata
                    .map_err(|error| FormatsError::io("open", path, error))?
                    .len())
            }
        }
    }

    /// Appends its bytes from `start` to `end`, or to its end where that comes first. Errors: [`FormatsError::Io`].
    pub(crate) fn append_range(&self, start: u64, end: u64, bytes: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Bytes(all) => {
                let within = |offset: u64| (offset as usize).min(all.len());
                bytes.extend_from_slice(&all[within(start)..within(end)]);
            }
            Self::Path(path) => {
                let failed = |error| FormatsError::io("read", path, error);
                let mut file = File::open(path).map_err(failed)?;
                file.seek(SeekFrom::Start(start)).map_err(failed)?;
                file.take(end - start).read_to_end(bytes).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Its bytes from `start` to `end`, which were there when it was looked at before.
    ///
    /// Errors: [`FormatsError::Io`], also where the file has become shorter since.
    pub(crate) fn range(&self, start: u64, end: u64) -> Result<Bytes> {
        if let Self::Bytes(all) = self {
            return Ok(all.slice(start as usize..end as usize));
        }
        let mut bytes = Vec::with_capacity((end - start) as usize + 1);
        self.append_range(start, end, &mut bytes)?;
        if (bytes.len() as u64) < end - start {
            let shorter = "it became shorter while it was read; let whoever writes it finish first";
            let error = io::Error::new(io::ErrorKind::UnexpectedEof, shorter);
            return Err(FormatsError::io("read", Path::new(&self.name()), error));
        }
        Ok(bytes.into())
    }
}

/// How error messages call bytes that never were a file.
pub(crate) const MEMORY: &str = "<memory>";

impl From<&Path> for Input {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl From<PathBuf> for Input {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&PathBuf> for Input {
    fn from(path: &PathBuf) -> Self {
        Self::Path(path.clone())
    }
}

impl From<Bytes> for Input {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<Arc<[u8]>> for Input {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::Bytes(Bytes::from_owner(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_became_shorter_is_told() {
        let name = format!("kernel-formats-{}-shorter", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, b"0123456789").unwrap();
        let input = Input::from(&path);
        assert_eq!(input.range(2, 10).unwrap(), "23456789");
        std::fs::write(&path, b"012345678").unwrap();
        let message = input.range(2, 10).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(message.contains("became shorter"), "{message}");
    }
}
