//! Gives equal values equal indices, in the order in which they first occur.

/// Most entries of a dictionary: indices of 16 bits.
const ENTRIES_MAX: usize = 1 << 16;
/// A search that takes longer means values made to collide; such a column is stored plain.
const PROBES_MAX: usize = 128;
const SLOTS_MIN: usize = 1 << 10;
const EMPTY: u32 = u32::MAX;

/// The distinct values of a column, and for each row which one it has.
pub(super) struct Dictionary<K> {
    pub(super) entries: Vec<K>,
    pub(super) indices: Vec<u32>,
}

/// What a dictionary can be made of.
pub(super) trait Key: Copy {
    /// The same for equal keys, on every machine.
    fn hash(self) -> u64;
    /// Whether both are the same, bit by bit.
    fn same(self, other: Self) -> bool;
}

impl Key for &[u8] {
    fn hash(self) -> u64 {
        let words = self.chunks_exact(8);
        let tail = words.remainder();
        let mut last = [0; 8];
        last[..tail.len()].copy_from_slice(tail);
        let hash = words.fold(self.len() as u64, |hash, word| {
            mix(hash ^ u64::from_le_bytes(word.try_into().unwrap_or_default()))
        });
        mix(hash ^ u64::from_le_bytes(last))
    }

    fn same(self, other: Self) -> bool {
        self == other
    }
}

/// Spreads the bits of a number over the upper half (Fibonacci hashing, Knuth vol. 3, 6.4).
pub(super) fn mix(bits: u64) -> u64 {
    let product = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

/// Builds the dictionary; absent when more than `entries_max` (or 65,536) entries were needed.
///
/// Memory: an index per key, and about 12 bytes per entry besides the entry.
pub(super) fn build<K: Key>(
    keys: impl ExactSizeIterator<Item = K>,
    entries_max: usize,
) -> Option<Dictionary<K>> {
    let entries_max = entries_max.min(ENTRIES_MAX);
    let mut indices = Vec::with_capacity(keys.len());
    let mut entries: Vec<K> = Vec::new();
    let mut slots = vec![EMPTY; SLOTS_MIN];
    let mut previous: Option<(K, u32)> = None;
    for key in keys {
        let index = match previous {
            Some((last, index)) if last.same(key) => index,
            _ => {
                let slot = find(&slots, &entries, key)?;
                if slots[slot] == EMPTY {
                    if entries.len() == entries_max {
                        return None;
                    }
                    slots[slot] = entries.len() as u32;
                    entries.push(key);
                    if entries.len() * 2 > slots.len() {
                        slots = rehash(&entries, slots.len() * 2)?;
                    }
                    entries.len() as u32 - 1
                } else {
                    slots[slot]
                }
            }
        };
        previous = Some((key, index));
        indices.push(index);
    }
    Some(Dictionary { entries, indices })
}

/// The slot that holds the key, or the empty one where it belongs.
fn find<K: Key>(slots: &[u32], entries: &[K], key: K) -> Option<usize> {
    let mask = slots.len() - 1;
    let first = key.hash() as usize & mask;
    (0..PROBES_MAX)
        .map(|probe| (first + probe) & mask)
        .find(|slot| {
            let index = slots[*slot];
            index == EMPTY || entries[index as usize].same(key)
        })
}

fn rehash<K: Key>(entries: &[K], slot_count: usize) -> Option<Vec<u32>> {
    let mut slots = vec![EMPTY; slot_count];
    for (index, entry) in entries.iter().enumerate() {
        // The entries differ from each other, so the search ends at an empty slot.
        let slot = find(&slots, &entries[..index], *entry)?;
        slots[slot] = index as u32;
    }
    Some(slots)
}
