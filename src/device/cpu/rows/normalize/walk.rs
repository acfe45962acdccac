//! Along a row, register by register.

use crate::formula::lanes::Lanes;

/// Registers whose terms go into sums of their own, so that none waits for the addition before it.
const SIDE_BY_SIDE: usize = 4;

/// What is done at each register of a row. The last one may have only some of the row's elements: it is not `WHOLE` then.
pub trait Step<L: Lanes> {
    /// Does it at the register that begins with element `at`. Mark it `#[inline(always)]`.
    fn at<const WHOLE: bool>(&mut self, at: usize);
}

/// `N` numbers for each register of a row, to be summed.
pub trait Terms<L: Lanes, const N: usize> {
    /// The numbers of the register that begins with element `at`; 0 in lanes beyond the row. Mark it `#[inline(always)]`.
    fn at<const WHOLE: bool>(&self, at: usize) -> [L; N];
}

/// Goes along a row of `count` elements.
#[inline(always)]
pub fn walk<L: Lanes>(count: usize, mut step: impl Step<L>) {
    let mut at = 0;
    while at + L::WIDTH <= count {
        step.at::<true>(at);
        at += L::WIDTH;
    }
    if at < count {
        step.at::<false>(at);
    }
}

/// The sums of the terms of a row of `count` elements, in an order that depends on `count` alone.
#[inline(always)]
pub fn sums<L: Lanes, const N: usize>(count: usize, terms: impl Terms<L, N>) -> [L::Element; N] {
    let mut sums = [[L::constant(0.0); N]; SIDE_BY_SIDE];
    let mut at = 0;
    while at + SIDE_BY_SIDE * L::WIDTH <= count {
        for (place, sums) in sums.iter_mut().enumerate() {
            add(sums, terms.at::<true>(at + place * L::WIDTH));
        }
        at += SIDE_BY_SIDE * L::WIDTH;
    }
    while at + L::WIDTH <= count {
        add(&mut sums[0], terms.at::<true>(at));
        at += L::WIDTH;
    }
    if at < count {
        add(&mut sums[1], terms.at::<false>(at));
    }
    let mut totals = [L::Element::default(); N];
    for (term, total) in totals.iter_mut().enumerate() {
        *total = ((sums[0][term] + sums[1][term]) + (sums[2][term] + sums[3][term])).sum();
    }
    totals
}

/// The elements of `row` from `at` on, with `rest` in lanes beyond it.
#[inline(always)]
pub fn load<L: Lanes, const WHOLE: bool>(row: &[L::Element], at: usize, rest: L::Element) -> L {
    debug_assert!(at < row.len() && (!WHOLE || at + L::WIDTH <= row.len()));
    let from = row.as_ptr().wrapping_add(at);
    // SAFETY: a register lies within the row, or as many elements of it as are left: rows that are walked along together
    // have one length.
    unsafe { if WHOLE { L::load(from) } else { L::load_first(from, row.len() - at, rest) } }
}

/// Replaces the elements of `row` from `at` on.
#[inline(always)]
pub fn store<L: Lanes, const WHOLE: bool>(row: &mut [L::Element], at: usize, lanes: L) {
    debug_assert!(at < row.len() && (!WHOLE || at + L::WIDTH <= row.len()));
    let (to, left) = (row.as_mut_ptr().wrapping_add(at), row.len() - at);
    // SAFETY: as above.
    unsafe { if WHOLE { lanes.store(to) } else { lanes.store_first(to, left) } }
}

#[inline(always)]
fn add<L: Lanes, const N: usize>(sums: &mut [L; N], terms: [L; N]) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum = *sum + term;
    }
}
