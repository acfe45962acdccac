//! The ways of bringing two numbers together, on lanes and on single numbers.

use std::marker::PhantomData;

use crate::formula::lanes::{LaneElement, Lanes, Program, dispatch};

/// An associative way of bringing two numbers together.
pub trait Combine {
    /// The number that changes no other.
    fn identity<E: LaneElement>() -> E;
    /// Two registers, lane by lane.
    fn lanes<L: Lanes>(a: L, b: L) -> L;
    /// Two numbers.
    fn scalars<E: LaneElement>(a: E, b: E) -> E;
}

/// The sum.
pub struct Sum;
/// The larger; NaN where either is.
pub struct Max;
/// The smaller; NaN where either is.
pub struct Min;

impl Combine for Sum {
    fn identity<E: LaneElement>() -> E {
        E::default()
    }

    #[inline(always)]
    fn lanes<L: Lanes>(a: L, b: L) -> L {
        a + b
    }

    #[inline(always)]
    fn scalars<E: LaneElement>(a: E, b: E) -> E {
        a + b
    }
}

macro_rules! extremum {
    ($name:ident, $identity:expr, $of:ident, |$a:ident, $b:ident| $scalars:expr) => {
        impl Combine for $name {
            fn identity<E: LaneElement>() -> E {
                E::from_f64($identity)
            }

            #[inline(always)]
            fn lanes<L: Lanes>($a: L, $b: L) -> L {
                // `a` of equals, and where it is NaN.
                L::select($b.eq($b), $b.$of($a), $b)
            }

            #[inline(always)]
            fn scalars<E: LaneElement>($a: E, $b: E) -> E {
                let is_nan = $b.partial_cmp(&$b).is_none();
                if $scalars || is_nan { $b } else { $a }
            }
        }
    };
}

extremum! { Max, f64::NEG_INFINITY, max, |a, b| a < b }
extremum! { Min, f64::INFINITY, min, |a, b| b < a }

/// All of `count` numbers combined, in an order that depends on `count` and the registers alone.
///
/// # Safety
/// `count` elements can be read at `values`.
pub unsafe fn reduce<E: LaneElement, C: Combine>(values: *const E, count: usize) -> E {
    dispatch(Whole::<E, C> { values, count, combine: PhantomData })
}

/// Combines each number with the one at its place in `sums`.
///
/// # Safety
/// As many elements as `sums` has can be read at `values`.
pub unsafe fn accumulate<E: LaneElement, C: Combine>(values: *const E, sums: &mut [E]) {
    dispatch(Each::<E, C> { values, sums, combine: PhantomData });
}

/// [`reduce`] on these lanes.
///
/// # Safety
/// As [`reduce`].
#[inline(always)]
pub unsafe fn reduce_on<L: Lanes, C: Combine>(values: *const L::Element, count: usize) -> L::Element {
    // As many chains as hide the latency of an addition.
    const CHAINS: usize = 8;
    let mut total = L::splat(C::identity());
    let mut at = 0;
    if count >= CHAINS * L::WIDTH {
        let mut chains = [total; CHAINS];
        while at + CHAINS * L::WIDTH <= count {
            for i in 0..CHAINS {
                // SAFETY: a register for each chain is left.
                chains[i] = C::lanes(chains[i], unsafe { L::load(values.add(at + i * L::WIDTH)) });
            }
            at += CHAINS * L::WIDTH;
        }
        let mut width = CHAINS;
        while width > 1 {
            width /= 2;
            for i in 0..width {
                chains[i] = C::lanes(chains[i], chains[i + width]);
            }
        }
        total = chains[0];
    }
    while at + L::WIDTH <= count {
        // SAFETY: a register is left.
        total = C::lanes(total, unsafe { L::load(values.add(at)) });
        at += L::WIDTH;
    }
    if at < count {
        // SAFETY: as many elements are left.
        total = C::lanes(total, unsafe { L::load_first(values.add(at), count - at, C::identity()) });
    }
    total.reduce(C::lanes)
}

/// [`accumulate`] on these lanes.
///
/// # Safety
/// As [`accumulate`].
#[inline(always)]
pub unsafe fn add_to<L: Lanes, C: Combine>(values: *const L::Element, sums: &mut [L::Element]) {
    let count = sums.len();
    let sums = sums.as_mut_ptr();
    let mut at = 0;
    while at + L::WIDTH <= count {
        // SAFETY: a register is left in both.
        unsafe { C::lanes(L::load(sums.add(at)), L::load(values.add(at))).store(sums.add(at)) };
        at += L::WIDTH;
    }
    for i in at..count {
        // SAFETY: within both.
        unsafe { *sums.add(i) = C::scalars(*sums.add(i), *values.add(i)) };
    }
}

struct Whole<E, C> {
    values: *const E,
    count: usize,
    combine: PhantomData<C>,
}

impl<E: LaneElement, C: Combine> Program<E> for Whole<E, C> {
    type Output = E;

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) -> E {
        // SAFETY: promised by whoever called `reduce`.
        unsafe { reduce_on::<L, C>(self.values, self.count) }
    }
}

struct Each<'a, E, C> {
    values: *const E,
    sums: &'a mut [E],
    combine: PhantomData<C>,
}

impl<E: LaneElement, C: Combine> Program<E> for Each<'_, E, C> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        // SAFETY: promised by whoever called `accumulate`.
        unsafe { add_to::<L, C>(self.values, self.sums) }
    }
}
