//! The axes of a walk as a reduction sees them.

use crate::traversal::Traversal;

/// The walk's axes as a reduction sees them: a tail of inner axes that are all reduced or all kept, and before it axes
/// that are kept (groups) or reduced (members of a group).
#[derive(Debug)]
pub struct Axes {
    /// Elements of the tail.
    tail: usize,
    /// Whether the tail is reduced.
    pub tail_reduced: bool,
    /// Sizes and steps (in tails) of the kept and of the reduced axes before the tail.
    kept: Vec<(usize, usize)>,
    reduced: Vec<(usize, usize)>,
}

impl Axes {
    /// The axes of a walk whose operand `output` has stride 0 along the reduced ones.
    pub fn new(walk: &Traversal, output: usize) -> Self {
        let is_reduced = |axis: usize| walk.strides[output][axis] == 0;
        let rank = walk.sizes.len();
        let tail_reduced = is_reduced(rank - 1);
        let outer = (0..rank).rev().take_while(|&axis| is_reduced(axis) == tail_reduced).last().unwrap_or(rank);
        let tail = walk.sizes[outer..].iter().product();
        let mut axes = Self { tail, tail_reduced, kept: Vec::new(), reduced: Vec::new() };
        let mut step = 1;
        for axis in (0..outer).rev() {
            let list = if is_reduced(axis) { &mut axes.reduced } else { &mut axes.kept };
            list.push((walk.sizes[axis], step));
            step *= walk.sizes[axis];
        }
        axes
    }

    /// Elements of the tail.
    pub fn tail(&self) -> usize {
        self.tail
    }

    /// How many tails are kept apart.
    pub fn groups(&self) -> usize {
        self.kept.iter().map(|axis| axis.0).product()
    }

    /// How many tails are brought together in each group.
    pub fn members(&self) -> usize {
        self.reduced.iter().map(|axis| axis.0).product()
    }

    /// Whether the members of a group follow each other at equal distances.
    pub fn members_are_even(&self) -> bool {
        self.reduced.len() <= 1
    }

    /// Where in the walk the tail of a group's member starts.
    pub fn start(&self, group: usize, member: usize) -> usize {
        (step_to(&self.kept, group) + step_to(&self.reduced, member)) * self.tail
    }
}

/// The step to the `index`th combination of these axes, given innermost first.
pub fn step_to(axes: &[(usize, usize)], index: usize) -> usize {
    let mut rest = index;
    let mut step = 0;
    for &(size, each) in axes {
        step += rest % size * each;
        rest /= size;
    }
    step
}
