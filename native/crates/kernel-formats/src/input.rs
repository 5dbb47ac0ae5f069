//! Where readers read from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

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
