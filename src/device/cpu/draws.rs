//! Random draws: Philox words turned into numbers, the same for every element whatever the chunk, thread or device.

use super::operand::Compute;
use crate::device::backend::Seed;
use crate::formula::catalogue::create::box_muller;
use crate::formula::philox::{key, philox};
use crate::formula::{Draw, Span, Traffic};

/// Words of one block of the generator, and elements that share it.
const BLOCK: usize = 4;
/// 2^-32: the distance of two uniform numbers before rounding.
const STEP: f64 = 1.0 / (1u64 << 32) as f64;

/// Draws `to.len()` numbers for the elements from `start` on, for the draw number `index` of a formula.
///
/// Element `i` has word `i % 4` of block `i / 4`. A uniform number is the word's leading bits over 2^24 (f32) or the
/// whole word over 2^32 (f64); two neighbours share a pair of words for two normal numbers.
pub fn fill<E: Compute>(kind: Draw, seed: Seed, index: usize, start: usize, to: &mut [E]) {
    let mut place = start;
    let mut rest = to;
    while !rest.is_empty() {
        let skipped = place % BLOCK;
        let count = (BUFFER - skipped).min(rest.len());
        let (now, later) = rest.split_at_mut(count);
        let mut numbers = [E::default(); BUFFER];
        let blocks = (skipped + count).div_ceil(BLOCK);
        let words = &mut [0; BUFFER];
        if kind != Draw::Position {
            for (block, words) in words.as_chunks_mut::<BLOCK>().0.iter_mut().take(blocks).enumerate() {
                *words = block_of(seed, index, (place / BLOCK + block) as u64);
            }
        }
        match kind {
            Draw::Uniform => numbers.iter_mut().zip(words).for_each(|(number, word)| *number = uniform(*word)),
            Draw::Normal => normal(words, &mut numbers),
            Draw::Position => {
                let places = place - skipped..;
                numbers.iter_mut().zip(places).for_each(|(number, place)| *number = E::from_f64(place as f64));
            }
        }
        now.copy_from_slice(&numbers[skipped..skipped + count]);
        place += count;
        rest = later;
    }
}

/// Words made at a time.
const BUFFER: usize = 256;

fn block_of(seed: Seed, index: usize, block: u64) -> [u32; BLOCK] {
    philox([block as u32, (block >> 32) as u32, seed.stream, index as u32], key(seed.key))
}

/// A number in [0, 1) from the bits of a word that the type can hold.
fn uniform<E: Compute>(word: u32) -> E {
    let kept = if size_of::<E>() == 4 { word & !0xff } else { word };
    E::from_f64(f64::from(kept) * STEP)
}

/// Normal numbers from pairs of words: the first gives the radius and is never 0, the second the angle.
fn normal<E: Compute>(words: &[u32; BUFFER], numbers: &mut [E; BUFFER]) {
    const PAIRS: usize = BUFFER / 2;
    let mut sources = [[E::default(); PAIRS]; 2];
    for (i, pair) in words.as_chunks::<2>().0.iter().enumerate() {
        sources[0][i] = E::from_f64((f64::from(pair[0]) + 1.0) * STEP);
        sources[1][i] = uniform(pair[1]);
    }
    let mut results = [[E::default(); PAIRS]; 2];
    let [a, b] = &mut results;
    let span = Span {
        inputs: &[sources[0].as_ptr(), sources[1].as_ptr()],
        draws: &[],
        outputs: &[a.as_mut_ptr(), b.as_mut_ptr()],
        count: PAIRS,
        traffic: Traffic::Cached,
    };
    // SAFETY: every pointer leads to an array of `PAIRS` elements of this function's own.
    unsafe { E::run(&box_muller, &span) };
    for (i, pair) in numbers.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        *pair = [results[0][i], results[1][i]];
    }
}
