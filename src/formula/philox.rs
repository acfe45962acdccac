//! Philox 4x32-10: random numbers as a pure function of a counter and a key.
//!
//! A counter-based generator has no state to carry: any draw can be made alone, in any order and in any thread, with the
//! same result. Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
//! <https://doi.org/10.1145/2063384.2063405>; checked against the known answers that their Random123 library publishes.

const ROUNDS: u32 = 10;
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// The key schedule adds the golden ratio and the square root of three less one, as fractions of 2^32.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Four random words for `counter` under `key`; a bijection of the counter for every key.
///
/// ```
/// use rectify::formula::philox::philox;
/// assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
/// ```
#[inline]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut counter, mut key) = (counter, key);
    for _ in 0..ROUNDS {
        counter = round(counter, key);
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// The key of a seed.
#[inline]
pub const fn key(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

/// The words of one seed and one stream, in order: for code that draws a number of times not known beforehand.
///
/// Three words name the stream; the remaining counter word numbers its blocks, so a stream holds 2^34 words.
#[derive(Debug, Clone)]
pub struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream `name` of `seed`, at its first word.
    pub fn new(seed: u64, name: [u32; 3]) -> Self {
        Self { key: key(seed), counter: [0, name[0], name[1], name[2]], block: [0; 4], used: 4 }
    }

    /// The next four words, skipping what is left of a block begun.
    #[inline]
    pub fn next_block(&mut self) -> [u32; 4] {
        let block = philox(self.counter, self.key);
        self.counter[0] = self.counter[0].wrapping_add(1);
        self.used = 4;
        block
    }

    /// The next word.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = self.next_block();
            self.used = 0;
        }
        let word = self.block[self.used];
        self.used += 1;
        word
    }

    /// A number in [0, 1): a multiple of 2^-24, each equally likely.
    #[inline]
    pub fn uniform(&mut self) -> f32 {
        const STEP: f32 = 1.0 / (1 << 24) as f32;
        (self.next_u32() >> 8) as f32 * STEP
    }

    /// A whole number below `bound`, each equally likely; 0 for a bound of 0.
    ///
    /// Lemire, "Fast random integer generation in an interval", 2019: the high half of a product is the number, and the
    /// few low halves that would favour some numbers are drawn again.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        loop {
            let word = u64::from(self.next_u32()) << 32 | u64::from(self.next_u32());
            let product = u128::from(word) * u128::from(bound);
            let (high, low) = ((product >> 64) as u64, product as u64);
            if low >= bound || low >= bound.wrapping_neg() % bound.max(1) {
                return high;
            }
        }
    }
}

#[inline]
fn round([c0, c1, c2, c3]: [u32; 4], [k0, k1]: [u32; 2]) -> [u32; 4] {
    let (high0, low0) = multiply(MULTIPLIERS[0], c0);
    let (high1, low1) = multiply(MULTIPLIERS[1], c2);
    [high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0]
}

/// The high and low words of a product.
#[inline]
fn multiply(a: u32, b: u32) -> (u32, u32) {
    let product = u64::from(a) * u64::from(b);
    ((product >> 32) as u32, product as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `philox4x32 10` lines of `tests/kat_vectors` of Random123: counter, key, answer.
    const KNOWN_ANSWERS: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
        ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
        (
            [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
            [0xa4093822, 0x299f31d0],
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
        ),
    ];

    #[test]
    fn gives_the_published_answers() {
        for (counter, key, answer) in KNOWN_ANSWERS {
            assert_eq!(philox(counter, key), answer);
        }
    }

    #[test]
    fn a_stream_is_the_blocks_in_order() {
        let mut stream = Stream::new(7 << 32 | 5, [1, 2, 3]);
        let words: Vec<u32> = (0..8).map(|_| stream.next_u32()).collect();
        assert_eq!(words[..4], philox([0, 1, 2, 3], [5, 7]));
        assert_eq!(words[4..], philox([1, 1, 2, 3], [5, 7]));
    }

    #[test]
    fn numbers_below_a_bound_are_equally_likely() {
        let mut stream = Stream::new(1, [0; 3]);
        let mut counts = [0i32; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        // Five standard deviations of a binomial of 60,000 trials at 1/6.
        assert!(counts.iter().all(|count| (count - 10_000).abs() < 457), "{counts:?}");
        // A bound above 2^63 rejects nearly half of the words; without that its lower half would come up twice as often.
        let bound = (1 << 63) + 1;
        let low = (0..20_000).filter(|_| stream.below(bound) < bound / 2).count();
        assert!(low.abs_diff(10_000) < 354, "{low}");
        assert_eq!((stream.below(0), stream.below(1)), (0, 0));
    }
}
