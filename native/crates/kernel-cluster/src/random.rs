/// xoshiro256++ (Blackman and Vigna 2021), seeded by SplitMix64 as its authors advise. Small, fast and the same on every
/// platform, so that a seed names one result for ever.
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    /// The generator of one `stream` (for example one initialization) under a seed. Streams do not depend on each
    /// other, so they may run on any thread in any order.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut mix =
            seed ^ split_mix(&mut stream.wrapping_add(1).wrapping_mul(0xD1B5_4A32_D192_ED03));
        Self {
            state: std::array::from_fn(|_| split_mix(&mut mix)),
        }
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Uniform in [0, 1), a multiple of 2⁻⁵³.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in 0..`bound` by multiplication; the bias is below `bound` / 2⁶⁴.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_outputs_are_those_of_the_published_algorithm() {
        let mut random = Random {
            state: [1, 2, 3, 4],
        };
        let outputs: [u64; 4] = std::array::from_fn(|_| random.next());
        assert_eq!(
            outputs,
            [
                41_943_041,
                58_720_359,
                3_588_806_011_781_223,
                3_591_011_842_654_386
            ]
        );
    }

    #[test]
    fn streams_differ_and_stay_in_range() {
        let mut first = Random::new(7, 0);
        let mut second = Random::new(7, 1);
        assert_ne!(first.next(), second.next());
        assert!((0..10_000).all(|_| first.below(3) < 3 && (0.0..1.0).contains(&second.unit())));
    }
}
