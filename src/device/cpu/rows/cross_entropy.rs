//! Softmax cross-entropy of rows, and in the same pass its gradient.

use super::softmax::{self, exponentials, ln};
use super::tile::Tile;
use crate::formula::lanes::{LaneElement, Lanes, MAX_WIDTH, Program, dispatch};

/// The rows of one call: labels are below `columns`.
pub struct CrossEntropy<'a, E> {
    /// Classes.
    pub columns: usize,
    /// Shape [rows, columns].
    pub logits: &'a [E],
    /// Shape `[rows]`.
    pub labels: &'a [usize],
    /// Shape `[rows]`.
    pub losses: &'a mut [E],
    /// Shape [rows, columns]: gets (softmax - one-hot) times `scale`.
    pub gradient: Option<&'a mut [E]>,
    /// See `gradient`.
    pub scale: E,
}

impl<E: LaneElement> CrossEntropy<'_, E> {
    /// Computes losses and gradient.
    pub fn compute(self) {
        dispatch(self);
    }
}

impl<E: LaneElement> Program<E> for CrossEntropy<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        self.run_interleaved::<L::Interleaved>();
    }
}

impl<E: LaneElement> CrossEntropy<'_, E> {
    #[inline(always)]
    fn run_interleaved<L: Lanes<Element = E>>(mut self) {
        let mut tile = Tile::<L>::new(self.columns);
        let (span, columns, scale) = (tile.span(), self.columns, self.scale);
        let rows = self.labels.chunks(span / columns).zip(self.losses.chunks_mut(span / columns));
        for (index, (logits, (labels, losses))) in self.logits.chunks(span).zip(rows).enumerate() {
            tile.read(logits, E::from_f64(f64::NEG_INFINITY));
            let (max, sum) = exponentials(&mut tile);
            // The difference of two logits first: it is exact where the loss is small, and never lost beside their size.
            let loss = ln(sum) + (max - at_labels(logits, columns, labels));
            losses.copy_from_slice(&loss.to_array()[..losses.len()]);
            if let Some(gradient) = self.gradient.as_deref_mut() {
                let gradient = &mut gradient[index * span..][..logits.len()];
                softmax::scale(&mut tile, L::splat(scale) / sum);
                tile.write(gradient);
                for (row, &label) in gradient.chunks_exact_mut(columns).zip(labels) {
                    row[label] = row[label] - scale;
                }
            }
        }
    }
}

/// The logit of each row at its label, in the lane of the row.
#[inline(always)]
fn at_labels<L: Lanes>(logits: &[L::Element], columns: usize, labels: &[usize]) -> L {
    let mut lanes = [L::Element::default(); MAX_WIDTH];
    for (lane, (row, &label)) in lanes.iter_mut().zip(logits.chunks_exact(columns).zip(labels)) {
        *lane = row[label];
    }
    L::from_array(lanes)
}
