//! Inputs that every side makes for itself, to the same bits: a function of a key and a place, in whole numbers and one
//! multiplication. `benches/compare/pytorch/inputs.py` is the same in Python.

/// sqrt(3) / 2^16: what makes the deviation 1.
const SCALE: f32 = 2.642_899_7e-5;

/// Numbers of mean 0 and deviation 1, nearly normal, within -3.5 and 3.5: sums of four that are uniform, made odd so that none is 0,
/// where libraries choose other gradients of a rectifier.
pub fn values(count: usize, key: u64) -> Vec<f32> {
    (0..count as u64).map(|place| value(key, place)).collect()
}

/// The same, each times a factor.
pub fn scaled(count: usize, key: u64, factor: f32) -> Vec<f32> {
    (0..count as u64).map(|place| value(key, place) * factor).collect()
}

/// Labels below `classes`.
pub fn labels(rows: usize, classes: usize) -> Vec<i64> {
    (0..rows).map(|row| (row * 7919 % classes) as i64).collect()
}

fn value(key: u64, place: u64) -> f32 {
    let word = mixed((key << 32).wrapping_add(place + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let sum: i64 = (0..4).map(|quarter| (word >> (16 * quarter) & 0xFFFF) as i64).sum();
    ((sum - 2 * 0xFFFF) | 1) as f32 * SCALE
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
fn mixed(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}
