//! Reductions: a formula applied to every element, and its results brought together along some axes.

use std::fmt::Display;

use smallvec::SmallVec;

use super::axes::Axes;
use super::operands::{self, Access, Operand, Pattern, Walk};
use super::{THREADS, list, unroll};
use crate::dtype::DType;
use crate::formula::any::AnyFormula;
use crate::formula::cuda::Precision;
use crate::kernels::{OPERANDS, PRELUDE, REDUCE, Unit};
use crate::traversal::Traversal;

/// Vectors that a thread adds to each other in sequence at most, before pairs are joined.
const CHAIN: usize = 32;
/// Vectors that a thread adds in sequence sooner than that pieces are worth another launch.
const SHORT_CHAIN: usize = 8;
/// Blocks that keep any device busy: with fewer, what they would reduce is cut into pieces.
const BLOCKS: usize = 1024;
/// Elements of a piece of a row below which cutting it costs more than it gives.
const SHORT_PIECE: usize = 8192;
/// Elements of a row that a warp reduces; more take a block.
const WARP_ROW: usize = 2048;

/// How two numbers become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Combine {
    /// Their sum.
    Sum,
    /// The larger; NaN where either is.
    Max,
    /// The smaller; NaN where either is.
    Min,
}

/// A reduction's operands, and how the work is cut: by shapes and layouts alone.
#[derive(Debug, Clone)]
pub struct Reduce {
    /// The way through inputs and output: kept axes, then the reduced ones, then what is kept within these.
    walk: Walk,
    /// Whether nothing is kept within the reduced axes.
    rows: bool,
    /// Whether results lie one behind the other.
    dense: bool,
    groups: usize,
    members: usize,
    columns: usize,
    /// Members of a piece, and pieces of a group.
    piece: usize,
    pieces: usize,
    /// Threads that share a piece of a row, or stand side by side along columns.
    team: usize,
    /// What is left to reduce.
    next: Option<Pieces>,
}

/// The results of pieces, to be reduced in turn.
#[derive(Debug, Clone)]
pub struct Pieces {
    /// Through these results and the output.
    walk: Traversal,
    dtype: DType,
    output: DType,
}

impl Reduce {
    /// The reduction of inputs, which have elements, along the axes where `output`, of their shape, has stride 0.
    pub fn new(inputs: &[Operand<'_>], output: Operand<'_>) -> Self {
        let operands: SmallVec<[_; 8]> = inputs.iter().chain([&output]).map(|o| (o.dtype, o.address)).collect();
        Self::over(&Traversal::new(inputs.iter().chain([&output]).map(|o| o.layout)), &operands)
    }

    /// The reduction along a walk of inputs and, last, the output: element types and addresses.
    fn over(walk: &Traversal, operands: &[(DType, u64)]) -> Self {
        let inputs = operands.len() - 1;
        let axes = Axes::new(walk);
        let walk = axes.ordered();
        let is_flat = |input| walk.is_dense(input) || operands::is_one_element(&walk, input);
        let flat = (0..inputs).all(is_flat);
        let mut reads: SmallVec<[_; 8]> = (0..inputs).map(|i| operands::access(&walk, i, operands[i].0)).collect();
        let width = operands::width_of(reads.iter());
        let inner = if axes.are_rows() { axes.members } else { axes.columns };
        let fits = inner.is_multiple_of(width) || flat && axes.are_rows() && axes.groups == 1;
        let width = if fits { operands::fit_inputs(&walk, &mut reads, operands, flat, width) } else { 1 };
        let (dtype, _) = operands[inputs];
        let written = operands::access(&walk, inputs, dtype);
        let precision = Precision::of(operands.iter().map(|operand| operand.0));
        let mut reduce = Self {
            walk: Walk::assemble(&walk, flat, width, &reads, &[written]),
            rows: axes.are_rows(),
            dense: axes.is_dense(),
            groups: axes.groups,
            members: axes.members,
            columns: axes.columns,
            piece: axes.members,
            pieces: 1,
            team: 1,
            next: None,
        };
        if axes.are_rows() {
            reduce.cut_rows()
        } else {
            reduce.cut_columns()
        }
        if reduce.pieces > 1 {
            reduce.dense = true;
            let pieces = Pieces { walk: axes.of_pieces(reduce.pieces), dtype: precision.dtype(), output: dtype };
            reduce.walk.pattern.outputs[0] = Access::flat(pieces.dtype);
            reduce.next = Some(pieces);
        } else if reduce.dense {
            reduce.walk.pattern.outputs[0] = Access::flat(dtype);
        } else if flat {
            // The results are not found by their number: the axes are needed.
            reduce.walk = Walk::assemble(&walk, false, width, &reads, &[written]);
        }
        reduce
    }

    /// A warp, or less of one, for a short row; a block for a piece of a long one.
    fn cut_rows(&mut self) {
        let (width, together) = (self.width(), self.width() * unroll(self.pattern()));
        let longest = CHAIN * THREADS * together;
        let fair = self.groups * self.members / (4 * BLOCKS);
        let most = if self.groups < BLOCKS { fair.clamp(SHORT_PIECE, longest) } else { longest };
        if self.members > most {
            self.cut(self.members.div_ceil(self.members.div_ceil(most)).next_multiple_of(THREADS * together));
        }
        let sharing = (self.piece / width).div_ceil(2).next_power_of_two();
        self.team = if self.piece > WARP_ROW { THREADS } else { sharing.min(32) };
    }

    /// Threads side by side along the columns of all groups, and blocks of them over stretches of members.
    fn cut_columns(&mut self) {
        let unroll = unroll(self.pattern());
        let vectors = (self.groups * self.columns).div_ceil(self.width());
        let deep = self.members.div_ceil(unroll).next_power_of_two().min(8);
        self.team = (THREADS / deep).min(vectors.next_power_of_two());
        let step = THREADS / self.team * unroll;
        let wanted = self.members.div_ceil(BLOCKS.div_ceil(vectors.div_ceil(self.team)));
        let most = wanted.clamp(SHORT_CHAIN * step, CHAIN * step);
        if self.members > most {
            self.cut(self.members.div_ceil(self.members.div_ceil(most)));
        }
    }

    fn cut(&mut self, piece: usize) {
        self.piece = piece;
        self.pieces = self.members.div_ceil(piece);
    }

    fn width(&self) -> usize {
        self.walk.pattern.width.into()
    }

    /// What of the operands is part of the code.
    pub fn pattern(&self) -> &Pattern {
        &self.walk.pattern
    }

    /// Bytes that no other unit of the same way to combine and the same formula has.
    pub fn bytes(&self) -> SmallVec<[u8; 24]> {
        let mut bytes = self.walk.pattern.bytes();
        bytes.push(u8::from(self.rows) | u8::from(self.dense) << 1);
        bytes
    }

    /// The words of the kernel's arguments `cut` and `walk`.
    pub fn words(&self) -> ([u64; 6], &[u64]) {
        let cut = [self.groups, self.members, self.columns, self.piece, self.pieces, self.team];
        (cut.map(|number| number as u64), &self.walk.words)
    }

    /// The blocks of [`THREADS`] threads, all of which are needed.
    pub fn blocks(&self) -> usize {
        if self.rows {
            return (self.groups * self.pieces).div_ceil(THREADS / self.team);
        }
        (self.groups * self.columns).div_ceil(self.team * self.width()) * self.pieces
    }

    /// What the kernel leaves instead of the output's elements where groups are in pieces.
    pub fn pieces(&self) -> Option<&Pieces> {
        self.next.as_ref()
    }
}

impl Pieces {
    /// Bytes of the results.
    pub fn bytes(&self) -> usize {
        self.walk.count * self.dtype.size()
    }

    /// The reduction of the results, at this address, to the output at that one.
    pub fn reduce(&self, results: u64, output: u64) -> Reduce {
        Reduce::over(&self.walk, &[(self.dtype, results), (self.output, output)])
    }
}

impl Combine {
    /// The number that changes no other.
    pub const fn identity(self) -> f64 {
        match self {
            Self::Sum => 0.0,
            Self::Max => f64::NEG_INFINITY,
            Self::Min => f64::INFINITY,
        }
    }
}

/// The unit of a reduction.
///
/// The kernel's arguments are a pointer per input and one to the output, or to the results of pieces; the formula's run-time
/// scalars and the factor of all results, in the pattern's precision; and the words of [`Reduce::words`].
pub fn reduce_unit(combine: Combine, formula: &dyn AnyFormula, reduce: &Reduce) -> Unit {
    let (signature, pattern) = (formula.signature(), reduce.pattern());
    let arity = (pattern.inputs.len(), 1, 0);
    debug_assert_eq!(arity, (signature.inputs, signature.outputs, signature.draws.len()), "{}", signature.name);
    let precision = pattern.precision();
    let parameters = list(signature.parameters.iter().map(|_| String::new()));
    let (real, operands) = (precision.real(), pattern.definitions());
    let (rows, dense) = (u8::from(reduce.rows), u8::from(reduce.dense));
    let (unroll, combine) = (unroll(pattern), format!("{combine:?}"));
    let mut definitions: Vec<(_, &dyn Display)> = vec![
        ("REAL", &real),
        ("THREADS", &THREADS),
        ("UNROLL", &unroll),
        ("PARAMETERS(X)", &parameters),
        ("COMBINE", &combine),
        ("ROWS", &rows),
        ("DENSE", &dense),
    ];
    definitions.extend(operands.iter().map(|(name, value)| (*name, value as &dyn Display)));
    let along = if reduce.rows { "rows" } else { "columns" };
    let kernel = format!("{}_{}_{along}_{}", REDUCE.name, combine.to_lowercase(), signature.full_name());
    let mut unit = Unit::new(kernel, &definitions, &[PRELUDE, OPERANDS]);
    unit.text.push_str(&formula.graph().cuda_source(signature, precision));
    unit.text.push_str(REDUCE.text);
    unit
}
