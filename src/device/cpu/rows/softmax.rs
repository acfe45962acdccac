//! Softmax of rows, its logarithm, and the gradients of both.

use super::tile::Tile;
use crate::formula::lanes::{LaneElement, Lanes, Program, dispatch};
use crate::formula::{Scalar, Simd};

/// Softmax of every row of `input`, or its logarithm.
pub fn forward<E: LaneElement>(log: bool, columns: usize, input: &[E], output: &mut [E]) {
    dispatch(Forward { log, columns, input, output });
}

/// The gradient of `input` from what `forward` gave and the gradient of that.
pub fn backward<E: LaneElement>(log: bool, columns: usize, output: &[E], gradient: &[E], input_gradient: &mut [E]) {
    dispatch(Backward { log, columns, output, gradient, input_gradient });
}

/// Replaces the elements x of each row by e^(x - max), which cannot overflow; gives the maxima and the sums.
#[inline(always)]
pub fn exponentials<L: Lanes>(tile: &mut Tile<L>) -> (L, L) {
    let max = tile.max();
    let sum = tile.change_and_sum(|x| {
        let power = exp(x - max);
        (power, power)
    });
    (max, sum)
}

/// e^x.
#[inline(always)]
fn exp<L: Lanes>(x: L) -> L {
    Simd(x).exp().0
}

/// The natural logarithm.
#[inline(always)]
pub fn ln<L: Lanes>(x: L) -> L {
    Simd(x).ln().0
}

struct Forward<'a, E> {
    log: bool,
    columns: usize,
    input: &'a [E],
    output: &'a mut [E],
}

impl<E: LaneElement> Program<E> for Forward<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        let mut tile = Tile::<L>::new(self.columns);
        let span = tile.span();
        for (input, output) in self.input.chunks(span).zip(self.output.chunks_mut(span)) {
            tile.read(input, E::from_f64(f64::NEG_INFINITY));
            if self.log {
                let max = tile.max();
                let sum = tile.change_and_sum(|x| (x - max, exp(x - max)));
                let log_sum = ln(sum);
                tile.change(|x| x - log_sum);
            } else {
                let (_, sum) = exponentials(&mut tile);
                let share = L::constant(1.0) / sum;
                tile.change(|power| power * share);
            }
            tile.write(output);
        }
    }
}

struct Backward<'a, E> {
    log: bool,
    columns: usize,
    output: &'a [E],
    gradient: &'a [E],
    input_gradient: &'a mut [E],
}

impl<E: LaneElement> Program<E> for Backward<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        let (mut result, mut gradient) = (Tile::<L>::new(self.columns), Tile::<L>::new(self.columns));
        let span = result.span();
        let inputs = self.output.chunks(span).zip(self.gradient.chunks(span));
        for ((y, dy), dx) in inputs.zip(self.input_gradient.chunks_mut(span)) {
            result.read(y, E::default());
            gradient.read(dy, E::default());
            if self.log {
                let sum = gradient.sum_with(&result, |dy, _| dy);
                result.change_with(&gradient, |y, dy| dy - exp(y) * sum);
            } else {
                let mean = result.sum_with(&gradient, |y, dy| y * dy);
                result.change_with(&gradient, |y, dy| y * (dy - mean));
            }
            result.write(dx);
        }
    }
}
