//! The checksum of HDF5 metadata: Bob Jenkins' lookup3 (`hashlittle`, 2006, initial value 0).

/// Bytes of one round.
const BLOCK: usize = 12;

/// Whether a stored checksum is the computed one. Fuzzing takes any, to get behind the checksums.
pub(super) fn is_intact(stored: u32, computed: u32) -> bool {
    cfg!(fuzzing) || stored == computed
}

/// The checksum of `bytes`.
pub(super) fn lookup3(bytes: &[u8]) -> u32 {
    let mut state = State::new(bytes.len());
    let body = body_length(bytes.len());
    state.mix_all(&bytes[..body]);
    state.finish(&bytes[body..])
}

/// The checksum of `bytes` with four zeros at `hole`, where the checksum itself is stored.
///
/// `hole` must be less than 32, and `bytes` longer than that.
pub(super) fn lookup3_with_hole(bytes: &[u8], hole: usize) -> u32 {
    const HEAD: usize = 3 * BLOCK;
    let body = body_length(bytes.len());
    if body < HEAD {
        let mut copy = bytes.to_vec();
        copy[hole..hole + 4].fill(0);
        return lookup3(&copy);
    }
    let mut head = [0; HEAD];
    head.copy_from_slice(&bytes[..HEAD]);
    head[hole..hole + 4].fill(0);
    let mut state = State::new(bytes.len());
    state.mix_all(&head);
    state.mix_all(&bytes[HEAD..body]);
    state.finish(&bytes[body..])
}

/// The whole blocks before the last, which is never empty and is mixed differently.
fn body_length(length: usize) -> usize {
    length.saturating_sub(1) / BLOCK * BLOCK
}

struct State {
    a: u32,
    b: u32,
    c: u32,
}

impl State {
    fn new(length: usize) -> Self {
        let start = 0xdead_beef_u32.wrapping_add(length as u32);
        Self {
            a: start,
            b: start,
            c: start,
        }
    }

    fn add(&mut self, block: &[u8; BLOCK]) {
        let word = |index: usize| {
            u32::from_le_bytes([
                block[index],
                block[index + 1],
                block[index + 2],
                block[index + 3],
            ])
        };
        self.a = self.a.wrapping_add(word(0));
        self.b = self.b.wrapping_add(word(4));
        self.c = self.c.wrapping_add(word(8));
    }

    fn mix_all(&mut self, bytes: &[u8]) {
        for block in bytes.as_chunks::<BLOCK>().0 {
            self.add(block);
            let Self { a, b, c } = self;
            *a = a.wrapping_sub(*c) ^ c.rotate_left(4);
            *c = c.wrapping_add(*b);
            *b = b.wrapping_sub(*a) ^ a.rotate_left(6);
            *a = a.wrapping_add(*c);
            *c = c.wrapping_sub(*b) ^ b.rotate_left(8);
            *b = b.wrapping_add(*a);
            *a = a.wrapping_sub(*c) ^ c.rotate_left(16);
            *c = c.wrapping_add(*b);
            *b = b.wrapping_sub(*a) ^ a.rotate_left(19);
            *a = a.wrapping_add(*c);
            *c = c.wrapping_sub(*b) ^ b.rotate_left(4);
            *b = b.wrapping_add(*a);
        }
    }

    fn finish(mut self, tail: &[u8]) -> u32 {
        if tail.is_empty() {
            return self.c;
        }
        let mut block = [0; BLOCK];
        block[..tail.len()].copy_from_slice(tail);
        self.add(&block);
        let Self {
            mut a,
            mut b,
            mut c,
        } = self;
        c = (c ^ b).wrapping_sub(b.rotate_left(14));
        a = (a ^ c).wrapping_sub(c.rotate_left(11));
        b = (b ^ a).wrapping_sub(a.rotate_left(25));
        c = (c ^ b).wrapping_sub(b.rotate_left(16));
        a = (a ^ c).wrapping_sub(c.rotate_left(4));
        b = (b ^ a).wrapping_sub(a.rotate_left(14));
        (c ^ b).wrapping_sub(b.rotate_left(24))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums() {
        // The self-test values in lookup3.c.
        assert_eq!(lookup3(b""), 0xdead_beef);
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
    }

    #[test]
    fn a_hole_counts_as_zeros() {
        for length in [26, 35, 36, 37, 48, 49, 1_000] {
            let bytes: Vec<u8> = (0..length).map(|byte| byte as u8 ^ 0x5a).collect();
            let mut zeroed = bytes.clone();
            zeroed[20..24].fill(0);
            assert_eq!(
                lookup3_with_hole(&bytes, 20),
                lookup3(&zeroed),
                "{length} bytes"
            );
        }
    }
}
