//! Chooses an encoding from a sample.

use super::bit_packing::bit_width;
use super::delta::delta_bits;
use super::dictionary::{Key, build, mix};
use super::value::FlatValue;

const STRETCHES: usize = 16;
const STRETCH_VALUES: usize = 256;

/// How the values of a column chunk are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueEncoding {
    Plain,
    Delta,
    Dictionary,
}

/// A fixed-width value as a dictionary key: equal when all bits are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits(pub(super) u64);

impl Key for Bits {
    fn hash(self) -> u64 {
        mix(self.0)
    }

    fn same(self, other: Self) -> bool {
        self.0 == other.0
    }
}

/// The encodings worth trying, best first; the last one always works.
///
/// Looks at up to 4,096 values in 16 stretches. Differences have to save a quarter of the bits, because
/// plain values compress better.
pub(super) fn choose<T: FlatValue>(values: &[T]) -> Vec<ValueEncoding> {
    let stretches = || stretches(values.len()).map(|range| &values[range]);
    let sampled: Vec<Bits> = stretches()
        .flatten()
        .map(|value| Bits(value.bits()))
        .collect();
    let plain_bits = T::WIDTH as u64 * 8 * sampled.len() as u64;

    let mut candidates = vec![(plain_bits, ValueEncoding::Plain)];
    if T::INTEGER {
        let bits = stretches().map(delta_bits).sum::<u64>();
        if bits * 4 < plain_bits * 3 {
            candidates.push((bits, ValueEncoding::Delta));
        }
    }
    if let Some(bits) = dictionary_bits(&sampled) {
        candidates.push((bits, ValueEncoding::Dictionary));
    }
    candidates.sort_by_key(|(bits, _)| *bits);
    let mut encodings: Vec<_> = candidates
        .into_iter()
        .map(|(_, encoding)| encoding)
        .collect();
    let safe = encodings
        .iter()
        .position(|encoding| *encoding != ValueEncoding::Dictionary);
    encodings.truncate(safe.map_or(encodings.len(), |position| position + 1));
    encodings
}

/// Whether a dictionary pays for keys whose values it would spare.
pub(super) fn dictionary_pays<K: Key>(count: usize, key: impl Fn(usize) -> K) -> bool {
    let sampled: Vec<K> = stretches(count).flatten().map(key).collect();
    dictionary_bits(&sampled).is_some()
}

/// The bits that dictionary indices would take, if a dictionary pays: if at least half of the sampled
/// values occur again in the sample, so that at least half of all values were seen (Good and Turing).
fn dictionary_bits<K: Key>(sampled: &[K]) -> Option<u64> {
    let dictionary = build(sampled.iter().copied(), sampled.len())?;
    let mut counts = vec![0_u32; dictionary.entries.len()];
    for index in &dictionary.indices {
        counts[*index as usize] += 1;
    }
    let singles = counts.iter().filter(|count| **count == 1).count();
    if singles * 2 > sampled.len() {
        return None;
    }
    let changes = dictionary
        .indices
        .windows(2)
        .filter(|pair| pair[0] != pair[1])
        .count() as u64;
    let width = u64::from(bit_width(dictionary.entries.len() as u64));
    // Long runs are stored once: a change costs about three bytes there.
    Some((width * sampled.len() as u64).min(changes * 24))
}

fn stretches(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let step = (count / STRETCHES).max(STRETCH_VALUES);
    (0..count)
        .step_by(step)
        .take(STRETCHES)
        .map(move |start| start..count.min(start + STRETCH_VALUES))
}
