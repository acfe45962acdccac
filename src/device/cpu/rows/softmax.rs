//! Softmax of rows, its logarithm, and the gradients of both.

use super::tile::{Tile, is_short};
use crate::dtype::Element;
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
    let mut sum = L::constant(0.0);
    for index in 0..tile.registers() {
        let power = exp(tile.get(index) - max);
        tile.set(index, power);
        sum = sum + power;
    }
    (max, tile.whole_sum(sum))
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

/// Columns from which on a row is computed in its place in the output, rather than in a tile that is copied there.
const IN_PLACE: usize = 256;

/// Softmax of one row, in the order of [`exponentials`].
#[inline(always)]
fn long_softmax<L: Lanes>(x: &[L::Element], y: &mut [L::Element]) {
    let nothing = <L::Element as Element>::from_f64(f64::NEG_INFINITY);
    let (count, whole) = (x.len(), x.len() / L::WIDTH * L::WIDTH);
    let (from, to) = (x.as_ptr(), y[..count].as_mut_ptr());
    // SAFETY: here and below, a register lies within the row, or as many elements of it as are left.
    let mut max = unsafe { L::load_first(from.add(whole), count - whole, nothing) };
    for at in (0..whole).step_by(L::WIDTH) {
        // SAFETY: as above.
        max = max.max(unsafe { L::load(from.add(at)) });
    }
    let max = L::splat(max.reduce(L::max));
    let mut sum = L::constant(0.0);
    for at in (0..whole).step_by(L::WIDTH) {
        // SAFETY: as above.
        unsafe {
            let power = exp(L::load(from.add(at)) - max);
            power.store(to.add(at));
            sum = sum + power;
        }
    }
    // SAFETY: as above.
    let last = exp(unsafe { L::load_first(from.add(whole), count - whole, nothing) } - max);
    let factor = L::constant(1.0) / L::splat((sum + last).sum());
    for at in (0..whole).step_by(L::WIDTH) {
        // SAFETY: as above.
        unsafe { (L::load(to.add(at)) * factor).store(to.add(at)) };
    }
    // SAFETY: as above.
    unsafe { (last * factor).store_first(to.add(whole), count - whole) };
}

/// Multiplies every element by the factor of its row.
#[inline(always)]
pub fn scale<L: Lanes>(tile: &mut Tile<L>, factor: L) {
    for index in 0..tile.registers() {
        tile.set(index, tile.get(index) * factor);
    }
}

/// Replaces the elements x of each row by x - max - ln(sum of e^(x - max)).
#[inline(always)]
fn log_softmax<L: Lanes>(tile: &mut Tile<L>) {
    let max = tile.max();
    let mut sum = L::constant(0.0);
    for index in 0..tile.registers() {
        let shifted = tile.get(index) - max;
        tile.set(index, shifted);
        sum = sum + exp(shifted);
    }
    let log_sum = ln(tile.whole_sum(sum));
    for index in 0..tile.registers() {
        tile.set(index, tile.get(index) - log_sum);
    }
}

/// Replaces y = log_softmax(x) by the gradient in x: dy - e^y times the sum of dy.
#[inline(always)]
fn log_gradient<L: Lanes>(result: &mut Tile<L>, gradient: &Tile<L>) {
    let mut sum = L::constant(0.0);
    for index in 0..gradient.registers() {
        sum = sum + gradient.get(index);
    }
    let sum = gradient.whole_sum(sum);
    for index in 0..gradient.registers() {
        result.set(index, (-exp(result.get(index))).mul_add(sum, gradient.get(index)));
    }
}

/// Replaces y = softmax(x) by the gradient in x: y times dy less its mean under y.
#[inline(always)]
fn plain_gradient<L: Lanes>(result: &mut Tile<L>, gradient: &Tile<L>) {
    let mut mean = L::constant(0.0);
    for index in 0..gradient.registers() {
        mean = result.get(index).mul_add(gradient.get(index), mean);
    }
    let mean = gradient.whole_sum(mean);
    for index in 0..gradient.registers() {
        result.set(index, result.get(index) * (gradient.get(index) - mean));
    }
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
        // A few short rows, of which each has a lane, fill no more than that.
        if is_short(self.columns) && self.input.len() <= self.columns * L::WIDTH {
            self.run_on::<L>();
        } else {
            self.run_on::<L::Interleaved>();
        }
    }
}

impl<E: LaneElement> Forward<'_, E> {
    #[inline(always)]
    fn run_on<L: Lanes<Element = E>>(self) {
        if !self.log && self.columns >= IN_PLACE {
            for (x, y) in self.input.chunks_exact(self.columns).zip(self.output.chunks_exact_mut(self.columns)) {
                long_softmax::<L>(x, y);
            }
            return;
        }
        let mut tile = Tile::<L>::new(self.columns);
        let span = tile.span();
        for (input, output) in self.input.chunks(span).zip(self.output.chunks_mut(span)) {
            tile.read(input, E::from_f64(f64::NEG_INFINITY));
            if self.log {
                log_softmax(&mut tile);
            } else {
                let (_, sum) = exponentials(&mut tile);
                scale(&mut tile, L::constant(1.0) / sum);
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
        self.run_interleaved::<L::Interleaved>();
    }
}

impl<E: LaneElement> Backward<'_, E> {
    #[inline(always)]
    fn run_interleaved<L: Lanes<Element = E>>(self) {
        let (mut result, mut gradient) = (Tile::<L>::new(self.columns), Tile::<L>::new(self.columns));
        let span = result.span();
        let inputs = self.output.chunks(span).zip(self.gradient.chunks(span));
        for ((y, dy), dx) in inputs.zip(self.input_gradient.chunks_mut(span)) {
            result.read(y, E::default());
            gradient.read(dy, E::default());
            if self.log {
                log_gradient(&mut result, &gradient);
            } else {
                plain_gradient(&mut result, &gradient);
            }
            result.write(dx);
        }
    }
}
