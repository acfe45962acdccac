//! The order in which operands of one shape are walked: axes of all operands merged where they lie alike.

use smallvec::{SmallVec, smallvec};

use crate::shape::{Layout, MAX_RANK};

/// The axes of several operands of one shape, merged as far as every operand allows: axes of size 1 are gone, and one
/// axis stands for a run of axes that every operand steps through evenly.
#[derive(Debug, Clone)]
pub struct Traversal {
    /// The sizes, outermost first; at least one axis.
    pub sizes: SmallVec<[usize; MAX_RANK]>,
    /// For each operand, its stride along each axis, in elements.
    pub strides: SmallVec<[[usize; MAX_RANK]; 4]>,
    /// The number of elements.
    pub count: usize,
}

impl Traversal {
    /// Merges the axes of these layouts, which have one shape.
    pub fn new<'a>(layouts: impl Iterator<Item = &'a Layout> + Clone) -> Self {
        let sizes = layouts.clone().next().map_or(&[][..], |layout| layout.shape().sizes());
        let count = sizes.iter().product();
        let operands = layouts.clone().count();
        let mut merged = Self { sizes: SmallVec::new(), strides: smallvec![[0; MAX_RANK]; operands], count };
        for (axis, &size) in sizes.iter().enumerate() {
            if size != 1 {
                merged.append(size, layouts.clone().map(|layout| layout.strides()[axis]));
            }
        }
        if merged.sizes.is_empty() {
            merged.append(1, layouts.map(|_| 1));
        }
        merged
    }

    /// The walk along these axes, outermost first: their sizes, and the strides of `N` operands.
    pub fn along<const N: usize>(axes: &[(usize, [usize; N])]) -> Self {
        let count = axes.iter().map(|axis| axis.0).product();
        let mut merged = Self { sizes: SmallVec::new(), strides: smallvec![[0; MAX_RANK]; N], count };
        for &(size, strides) in axes {
            merged.append(size, strides.into_iter());
        }
        if merged.sizes.is_empty() {
            merged.append(1, [1; N].into_iter());
        }
        merged
    }

    /// The same walk with its axes in this order, merged again.
    pub fn reordered(&self, order: &[usize]) -> Self {
        let mut merged =
            Self { sizes: SmallVec::new(), strides: smallvec![[0; MAX_RANK]; self.strides.len()], ..*self };
        for &axis in order {
            merged.append(self.sizes[axis], self.strides.iter().map(|strides| strides[axis]));
        }
        merged
    }

    /// The size of the last axis.
    pub fn inner(&self) -> usize {
        self.sizes.last().copied().unwrap_or(1)
    }

    /// The stride of an operand along the last axis.
    pub fn inner_stride(&self, operand: usize) -> usize {
        self.strides[operand][self.sizes.len() - 1]
    }

    /// Whether an operand's elements follow each other without gaps through the whole walk.
    pub fn is_dense(&self, operand: usize) -> bool {
        let mut step = 1;
        for (axis, &size) in self.sizes.iter().enumerate().rev() {
            if self.strides[operand][axis] != step && self.count != 1 {
                return false;
            }
            step *= size;
        }
        true
    }

    /// How far behind its first element an operand's last one is; 0 for no elements.
    pub fn reach(&self, operand: usize) -> usize {
        let steps = self.sizes.iter().zip(self.strides[operand]);
        steps.map(|(&size, stride)| size.saturating_sub(1) * stride).sum()
    }

    /// Whether an operand is one row, again and again.
    pub fn repeats_a_row(&self, operand: usize) -> bool {
        self.strides[operand][..self.sizes.len() - 1].iter().all(|&stride| stride == 0)
    }

    /// Where an operand's row starts: the walk's element `row * inner`.
    pub fn row_offset(&self, operand: usize, row: usize) -> usize {
        let mut rest = row;
        let mut offset = 0;
        for axis in (0..self.sizes.len() - 1).rev() {
            offset += rest % self.sizes[axis] * self.strides[operand][axis];
            rest /= self.sizes[axis];
        }
        offset
    }

    /// Sizes and strides of the axes along which an operand has elements of its own, innermost first.
    pub fn strided_axes(&self, operand: usize) -> impl Iterator<Item = (usize, usize)> {
        let axes = self.sizes.iter().copied().zip(self.strides[operand]).rev();
        axes.filter(|&(_, stride)| stride > 0)
    }

    /// Adds an axis inside the others, merging it with the one before where every operand allows.
    fn append(&mut self, size: usize, strides: impl Iterator<Item = usize> + Clone) {
        let rank = self.sizes.len();
        let merges =
            rank > 0 && strides.clone().zip(&self.strides).all(|(inner, operand)| operand[rank - 1] == inner * size);
        let axis = if merges { rank - 1 } else { rank };
        for (stride, operand) in strides.zip(&mut self.strides) {
            operand[axis] = stride;
        }
        if merges { self.sizes[axis] *= size } else { self.sizes.push(size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Shape;

    fn layout(sizes: &[usize]) -> Layout {
        Layout::contiguous(Shape::new(sizes).unwrap())
    }

    #[test]
    fn contiguous_operands_merge_into_one_axis() {
        let a = layout(&[2, 1, 3, 4]);
        let walk = Traversal::new([&a, &a].into_iter());
        assert_eq!(walk.sizes[..], [24]);
        assert!(walk.is_dense(0) && walk.is_dense(1));
    }

    #[test]
    fn a_broadcast_row_keeps_its_axis() {
        let full = layout(&[2, 3, 4]);
        let row = layout(&[4]).broadcast_to("map", full.shape()).unwrap();
        let walk = Traversal::new([&full, &row].into_iter());
        assert_eq!(walk.sizes[..], [6, 4]);
        assert_eq!((walk.row_offset(0, 5), walk.row_offset(1, 5)), (20, 0));
        assert!(walk.is_dense(0) && !walk.is_dense(1));
        assert!(walk.repeats_a_row(1) && !walk.repeats_a_row(0));
    }

    #[test]
    fn a_scalar_is_one_element() {
        let a = layout(&[]);
        let walk = Traversal::new([&a].into_iter());
        assert_eq!((walk.sizes.as_slice(), walk.count), (&[1][..], 1));
    }
}
