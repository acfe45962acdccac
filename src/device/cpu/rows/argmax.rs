//! The place of the largest element of a row.

use crate::dtype::Element;

/// Elements that are compared with the largest so far before any is looked at more closely.
const BLOCK: usize = 64;

/// The place of the largest element, the first of equals; NaN counts as largest. 0 for no elements.
pub fn argmax<E: Element>(row: &[E]) -> usize {
    let mut best = 0;
    for (index, block) in row.chunks(BLOCK).enumerate() {
        let largest = row[best];
        // Without an early exit, so that the compiler vectorises it; few blocks hold a new largest element.
        if block.iter().fold(false, |any, &x| any | exceeds(x, largest)) {
            let start = index * BLOCK;
            best = (start..start + block.len()).fold(best, |best, i| if exceeds(row[i], row[best]) { i } else { best });
        }
    }
    best
}

/// Whether `a` is larger than `b`, where NaN is larger than any number.
#[allow(clippy::eq_op, reason = "only NaN differs from itself")]
fn exceeds<E: Element>(a: E, b: E) -> bool {
    (a > b) | ((a != a) & (b == b))
}
