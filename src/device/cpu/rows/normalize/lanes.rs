//! Rows to mean 0 and variance 1, or to mean square 1, and the gradients of that.

use super::walk::{Step, Terms, load, store, sums, walk};
use crate::dtype::Element;
use crate::formula::lanes::{LaneElement, Lanes, Program, dispatch};

/// Rows to normalise: as [`Normalize`](crate::device::Normalize).
pub struct Forward<'a, E> {
    pub centered: bool,
    pub epsilon: f64,
    pub input: &'a [E],
    pub gain: &'a [E],
    pub shift: &'a [E],
    pub output: &'a mut [E],
    pub statistics: Option<&'a mut [E]>,
}

/// Rows that were normalised: as [`NormalizeBackward`](crate::device::NormalizeBackward). To `sums`, if there are any, the
/// gradients of gain and shift are added.
pub struct Backward<'a, E> {
    pub centered: bool,
    pub input: &'a [E],
    pub gain: &'a [E],
    pub statistics: &'a [E],
    pub gradient: &'a [E],
    pub input_gradient: Option<&'a mut [E]>,
    pub sums: Option<[&'a mut [E]; 2]>,
}

impl<E: LaneElement> Forward<'_, E> {
    /// Normalises all rows.
    pub fn compute(self) {
        dispatch(self);
    }
}

impl<E: LaneElement> Backward<'_, E> {
    /// The gradients in all rows.
    pub fn compute(self) {
        dispatch(self);
    }
}

/// Adds rows to `sums`, each after the one before: the first elements of every `stride`.
pub fn add_rows<E: LaneElement>(rows: &[E], stride: usize, sums: &mut [E]) {
    dispatch(AddRows { rows, stride, sums });
}

impl<E: LaneElement> Program<E> for Forward<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        let Self { centered, epsilon, input, gain, shift, output, mut statistics } = self;
        let (columns, count, epsilon) = (gain.len(), E::from_f64(gain.len() as f64), E::from_f64(epsilon));
        for (row, (x, y)) in input.chunks_exact(columns).zip(output.chunks_exact_mut(columns)).enumerate() {
            let [sum] = if centered { sums::<L, 1>(columns, Plain(x)) } else { [E::default()] };
            let mean = sum / count;
            let [squares] = sums::<L, 1>(columns, Squares { x, mean });
            let scale = (L::constant(1.0) / L::splat(squares / count + epsilon).sqrt()).to_array()[0];
            walk::<L>(columns, Normalized { x, gain, shift, y, mean, scale });
            if let Some(statistics) = &mut statistics {
                statistics[2 * row..2 * row + 2].copy_from_slice(&[mean, scale]);
            }
        }
    }
}

impl<E: LaneElement> Program<E> for Backward<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        let Self { centered, input, gain, statistics, gradient, mut input_gradient, mut sums } = self;
        let (columns, count) = (gain.len(), E::from_f64(gain.len() as f64));
        let rows = input.chunks_exact(columns).zip(gradient.chunks_exact(columns));
        for (row, ((x, dy), statistics)) in rows.zip(statistics.chunks_exact(2)).enumerate() {
            let row_of = Row { x, dy, gain, mean: statistics[0], scale: statistics[1] };
            if let Some(dx) = &mut input_gradient {
                let [sum, product] = self::sums::<L, 2>(columns, Slopes(row_of));
                let mean = if centered { sum / count } else { E::default() };
                let dx = &mut dx[row * columns..(row + 1) * columns];
                walk::<L>(columns, InputGradient { row: row_of, dx, mean, product: product / count });
            }
            if let Some([gain, shift]) = &mut sums {
                walk::<L>(
                    columns,
                    ColumnSums { row: row_of, gain: &mut gain[..columns], shift: &mut shift[..columns] },
                );
            }
        }
    }
}

/// The elements.
struct Plain<'a, E>(&'a [E]);

impl<L: Lanes> Terms<L, 1> for Plain<'_, L::Element> {
    #[inline(always)]
    fn at<const WHOLE: bool>(&self, at: usize) -> [L; 1] {
        [load::<L, WHOLE>(self.0, at, Element::from_f64(0.0))]
    }
}

/// The squares of the differences from the mean.
struct Squares<'a, E> {
    x: &'a [E],
    mean: E,
}

impl<L: Lanes> Terms<L, 1> for Squares<'_, L::Element> {
    #[inline(always)]
    fn at<const WHOLE: bool>(&self, at: usize) -> [L; 1] {
        let difference = load::<L, WHOLE>(self.x, at, self.mean) - L::splat(self.mean);
        [difference * difference]
    }
}

/// Writes what a row is normalised to.
struct Normalized<'a, E> {
    x: &'a [E],
    gain: &'a [E],
    shift: &'a [E],
    y: &'a mut [E],
    mean: E,
    scale: E,
}

impl<L: Lanes> Step<L> for Normalized<'_, L::Element> {
    #[inline(always)]
    fn at<const WHOLE: bool>(&mut self, at: usize) {
        let none = self.mean;
        let (x, gain) = (load::<L, WHOLE>(self.x, at, none), load::<L, WHOLE>(self.gain, at, none));
        let shift = load::<L, WHOLE>(self.shift, at, none);
        let normalized = (x - L::splat(self.mean)) * L::splat(self.scale);
        store::<L, WHOLE>(self.y, at, normalized.mul_add(gain, shift));
    }
}

/// A row that was normalised, and the gradient of what it became.
#[derive(Clone, Copy)]
struct Row<'a, E> {
    x: &'a [E],
    dy: &'a [E],
    gain: &'a [E],
    mean: E,
    scale: E,
}

impl<E: LaneElement> Row<'_, E> {
    /// The elements as they were before gain and shift.
    #[inline(always)]
    fn normalized<L: Lanes<Element = E>, const WHOLE: bool>(&self, at: usize) -> L {
        (load::<L, WHOLE>(self.x, at, self.mean) - L::splat(self.mean)) * L::splat(self.scale)
    }

    /// The gradient of the output.
    #[inline(always)]
    fn gradient<L: Lanes<Element = E>, const WHOLE: bool>(&self, at: usize) -> L {
        load::<L, WHOLE>(self.dy, at, E::default())
    }

    /// The gradient of what is normalised.
    #[inline(always)]
    fn slope<L: Lanes<Element = E>, const WHOLE: bool>(&self, at: usize) -> L {
        self.gradient::<L, WHOLE>(at) * load::<L, WHOLE>(self.gain, at, E::default())
    }
}

/// The gradient of what is normalised, and its product with that.
struct Slopes<'a, E>(Row<'a, E>);

impl<L: Lanes> Terms<L, 2> for Slopes<'_, L::Element> {
    #[inline(always)]
    fn at<const WHOLE: bool>(&self, at: usize) -> [L; 2] {
        let slope = self.0.slope::<L, WHOLE>(at);
        [slope, slope * self.0.normalized::<L, WHOLE>(at)]
    }
}

/// Writes the gradient of the input: `mean` is that of the slopes, `product` that of their products with what is normalised.
struct InputGradient<'a, E> {
    row: Row<'a, E>,
    dx: &'a mut [E],
    mean: E,
    product: E,
}

impl<L: Lanes> Step<L> for InputGradient<'_, L::Element> {
    #[inline(always)]
    fn at<const WHOLE: bool>(&mut self, at: usize) {
        let slope = self.row.slope::<L, WHOLE>(at) - L::splat(self.mean);
        let normalized = self.row.normalized::<L, WHOLE>(at);
        let gradient = (-normalized).mul_add(L::splat(self.product), slope) * L::splat(self.row.scale);
        store::<L, WHOLE>(self.dx, at, gradient);
    }
}

/// Adds what a row gives to the gradients of gain and shift.
struct ColumnSums<'a, E> {
    row: Row<'a, E>,
    gain: &'a mut [E],
    shift: &'a mut [E],
}

impl<L: Lanes> Step<L> for ColumnSums<'_, L::Element> {
    #[inline(always)]
    fn at<const WHOLE: bool>(&mut self, at: usize) {
        let none = L::Element::default();
        let (gradient, normalized) = (self.row.gradient::<L, WHOLE>(at), self.row.normalized::<L, WHOLE>(at));
        // Everything is read before anything is written: where rows are as long as pages, a processor takes one for the other.
        let (gain, shift) = (load::<L, WHOLE>(self.gain, at, none), load::<L, WHOLE>(self.shift, at, none));
        store::<L, WHOLE>(self.gain, at, gradient.mul_add(normalized, gain));
        store::<L, WHOLE>(self.shift, at, shift + gradient);
    }
}

struct AddRows<'a, E> {
    rows: &'a [E],
    stride: usize,
    sums: &'a mut [E],
}

impl<E: LaneElement> Program<E> for AddRows<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        for row in self.rows.chunks(self.stride) {
            let row = &row[..self.sums.len()];
            walk::<L>(row.len(), AddRow { row, sums: self.sums });
        }
    }
}

struct AddRow<'a, E> {
    row: &'a [E],
    sums: &'a mut [E],
}

impl<L: Lanes> Step<L> for AddRow<'_, L::Element> {
    #[inline(always)]
    fn at<const WHOLE: bool>(&mut self, at: usize) {
        let none = L::Element::default();
        let sum = load::<L, WHOLE>(self.sums, at, none) + load::<L, WHOLE>(self.row, at, none);
        store::<L, WHOLE>(self.sums, at, sum);
    }
}
