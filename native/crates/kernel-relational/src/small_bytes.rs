//! Bytes of a key or a value that is kept for a group: most are as short as a number.

use std::hash::{Hash, Hasher};

/// How many bytes stand in place.
const SHORT_MAX: usize = 22;

/// Bytes that never change; up to 22 of them without an allocation of their own. 24 bytes large.
#[derive(Debug, Clone)]
pub(crate) enum SmallBytes {
    Short { length: u8, bytes: [u8; SHORT_MAX] },
    Long(Box<[u8]>),
}

impl SmallBytes {
    pub(crate) fn new(from: &[u8]) -> Self {
        if from.len() > SHORT_MAX {
            return Self::Long(from.into());
        }
        let mut bytes = [0; SHORT_MAX];
        bytes[..from.len()].copy_from_slice(from);
        let length = from.len() as u8;
        Self::Short { length, bytes }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }

    /// Bytes outside of this.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Short { .. } => 0,
            Self::Long(bytes) => bytes.len(),
        }
    }
}

impl PartialEq for SmallBytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for SmallBytes {}

impl Hash for SmallBytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::SmallBytes;

    #[test]
    fn bytes_come_back_whatever_their_number() {
        for length in [0, 1, 22, 23, 300] {
            let bytes: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            assert_eq!(SmallBytes::new(&bytes).as_slice(), bytes);
        }
        assert_eq!(size_of::<Option<SmallBytes>>(), 24);
    }
}
