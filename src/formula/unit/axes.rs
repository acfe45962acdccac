//! The axes of a walk in the order in which a reduction goes through them.

use smallvec::SmallVec;

use crate::shape::MAX_RANK;
use crate::traversal::Traversal;

/// Kept axes (groups), then the reduced ones (members), then the kept ones within these (columns).
#[derive(Debug)]
pub(super) struct Axes<'a> {
    walk: &'a Traversal,
    output: usize,
    order: SmallVec<[usize; MAX_RANK]>,
    /// How many of the axes are columns.
    inner: usize,
    pub groups: usize,
    pub members: usize,
    pub columns: usize,
}

impl<'a> Axes<'a> {
    /// The axes of a walk whose last operand, the output, has stride 0 along the reduced ones.
    pub fn new(walk: &'a Traversal) -> Self {
        let output = walk.strides.len() - 1;
        let is_kept = |&axis: &usize| walk.strides[output][axis] > 0;
        // The order of a reduction is free: neighbours in memory become neighbours in the walk.
        let distance = |axis: usize| walk.strides[..output].iter().map(|strides| strides[axis]).max();
        let mut sorted: SmallVec<[usize; MAX_RANK]> = (0..walk.sizes.len()).collect();
        sorted.sort_by_key(|&axis| std::cmp::Reverse(distance(axis)));
        let inner = sorted.iter().rev().take_while(|axis| is_kept(axis)).count();
        let outer = sorted.len() - inner;
        sorted[..outer].sort_by_key(|axis| !is_kept(axis));
        let count = |axes: &[usize], kept| {
            axes.iter().filter(|axis| is_kept(axis) == kept).map(|&axis| walk.sizes[axis]).product()
        };
        Self {
            walk,
            output,
            inner,
            groups: count(&sorted[..outer], true),
            members: count(&sorted[..outer], false),
            columns: count(&sorted[outer..], true),
            order: sorted,
        }
    }

    /// Whether nothing is kept within the reduced axes.
    pub fn are_rows(&self) -> bool {
        self.inner == 0
    }

    /// The walk along the axes in this order.
    pub fn ordered(&self) -> Traversal {
        self.walk.reordered(&self.order)
    }

    /// Whether the output's elements lie one behind the other in this order.
    pub fn is_dense(&self) -> bool {
        let mut step = 1;
        self.kept(&self.order).rev().all(|(size, stride)| {
            let fits = stride == step;
            step *= size;
            fits
        })
    }

    /// The walk of an operand with `pieces` elements for each group and column, one behind the other, and the output.
    pub fn of_pieces(&self, pieces: usize) -> Traversal {
        let (outer, inner) = self.order.split_at(self.order.len() - self.inner);
        let kept = self.kept(outer).chain([(pieces, 0)]).chain(self.kept(inner));
        let mut axes: SmallVec<[_; MAX_RANK]> = kept.map(|(size, stride)| (size, [0, stride])).collect();
        let mut step = 1;
        for (size, [dense, _]) in axes.iter_mut().rev() {
            *dense = step;
            step *= *size;
        }
        Traversal::along(&axes)
    }

    /// Sizes and the output's strides of those of these axes that are kept.
    fn kept(&self, axes: &'a [usize]) -> impl DoubleEndedIterator<Item = (usize, usize)> {
        let all = axes.iter().map(|&axis| (self.walk.sizes[axis], self.walk.strides[self.output][axis]));
        all.filter(|&(_, stride)| stride > 0)
    }
}
