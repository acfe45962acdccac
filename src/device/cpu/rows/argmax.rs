//! The place of the largest element of a row.

use crate::dtype::Element;
use crate::formula::lanes::{LaneElement, Lanes, Program, dispatch};

/// The place of the largest element of every row, the first of equals; NaN counts as largest.
pub fn argmax<E: LaneElement>(columns: usize, input: &[E], places: &mut [i64]) {
    dispatch(ArgMax { columns, input, places });
}

/// The same for integers.
pub fn argmax_of_integers<E: Element>(columns: usize, input: &[E], places: &mut [i64]) {
    for (row, place) in input.chunks_exact(columns).zip(places) {
        let later = |best: usize, place: usize| if row[place] > row[best] { place } else { best };
        *place = (1..columns).fold(0, later) as i64;
    }
}

struct ArgMax<'a, E> {
    columns: usize,
    input: &'a [E],
    places: &'a mut [i64],
}

impl<E: LaneElement> Program<E> for ArgMax<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        for (nth, place) in self.places.iter_mut().enumerate() {
            let row = &self.input[nth * self.columns..(nth + 1) * self.columns];
            *place = first_largest::<L>(row) as i64;
        }
    }
}

/// Finds the largest element, then looks for the first that is it.
#[inline(always)]
fn first_largest<L: Lanes>(row: &[L::Element]) -> usize {
    let nothing = <L::Element as Element>::from_f64(f64::NEG_INFINITY);
    let (count, whole, from) = (row.len(), row.len() / L::WIDTH * L::WIDTH, row.as_ptr());
    // SAFETY: here and below, a register lies within the row, or as many elements of it as are left.
    let last = unsafe { L::load_first(from.add(whole), count - whole, nothing) };
    let (mut largest, mut numbers) = (last, last.eq(last));
    let mut at = 0;
    while at < whole {
        // SAFETY: as above.
        let x = unsafe { L::load(from.add(at)) };
        largest = largest.max(x);
        numbers = L::mask_and(numbers, x.eq(x));
        at += L::WIDTH;
    }
    if L::any(L::mask_not(numbers)) {
        return first(row, |x| x.to_f64().is_nan());
    }
    let largest = largest.reduce(L::max);
    let (wanted, mut at) = (L::splat(largest), 0);
    while at < whole {
        // SAFETY: as above.
        if L::any(unsafe { L::load(from.add(at)) }.eq(wanted)) {
            break;
        }
        at += L::WIDTH;
    }
    at + first(&row[at..], |x| x == largest)
}

/// The first place where something holds; it does somewhere.
#[inline(always)]
fn first<E: Element>(row: &[E], holds: impl Fn(E) -> bool) -> usize {
    let mut place = 0;
    while place + 1 < row.len() && !holds(row[place]) {
        place += 1;
    }
    place
}
