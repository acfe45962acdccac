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
    ($name:ident, $identity:expr, |$a:ident, $b:ident| $lanes:expr, $scalars:expr) => {
        impl Combine for $name {
            fn identity<E: LaneElement>() -> E {
                E::from_f64($identity)
            }

            #[inline(always)]
            fn lanes<L: Lanes>($a: L, $b: L) -> L {
                let is_nan = L::mask_not($b.eq($b));
                L::select(L::mask_or($lanes, is_nan), $b, $a)
            }

            #[inline(always)]
            fn scalars<E: LaneElement>($a: E, $b: E) -> E {
                let is_nan = $b.partial_cmp(&$b).is_none();
                if $scalars || is_nan { $b } else { $a }
            }
        }
    };
}

extremum! { Max, f64::NEG_INFINITY, |a, b| a.lt(b), a < b }
extremum! { Min, f64::INFINITY, |a, b| b.lt(a), b < a }

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
    let mut chains = [L::splat(C::identity()); CHAINS];
    let mut at = 0;
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
    let mut total = chains[0];
    while at + L::WIDTH <= count {
        // SAFETY: a register is left.
        total = C::lanes(total, unsafe { L::load(values.add(at)) });
        at += L::WIDTH;
    }
    if at < count {
        // SAFETY: as many elements are left.
        total = C::lanes(total, unsafe { L::load_first(values.add(at), count - at, C::identity()) });
    }
    total.reduce(C::scalars)
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
