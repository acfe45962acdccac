//! The operands of a unit. How they step through their elements is part of the code; sizes and strides are arguments, so
//! that other sizes need no other code.

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::formula::cuda::Precision;
use crate::formula::definition::{MAX_INPUTS, MAX_OUTPUTS};
use crate::kernels::VECTOR_BYTES;
use crate::shape::{Layout, MAX_RANK};
use crate::traversal::Traversal;

/// Fewer elements than this are counted in 32 bits.
const NARROW: usize = 1 << 31;

/// An operand: the type of its elements, how they lie, and the device address of the first.
#[derive(Debug, Clone, Copy)]
pub struct Operand<'a> {
    /// The type of its elements.
    pub dtype: DType,
    /// How they lie.
    pub layout: &'a Layout,
    /// Where the first lies.
    pub address: u64,
}

/// How far apart neighbours along the innermost axis are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// In the same place.
    Same,
    /// One behind the other, and read as vectors where there are any.
    Next,
    /// Anything.
    Any,
}

/// How an operand steps through a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// The type of its elements.
    pub dtype: DType,
    /// Along the innermost axis.
    pub inner: Step,
    /// The outer axes along which it steps at all, a bit each from the outermost on.
    pub outer: u8,
}

/// All that the code of a unit depends on besides its formula.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// The axes of the walk; 0 where the number of an element is its place in every operand that is not one for all.
    pub rank: u8,
    /// Whether 32 bits are too few to count elements.
    pub wide: bool,
    /// The elements in a vector.
    pub width: u8,
    /// The inputs.
    pub inputs: SmallVec<[Access; MAX_INPUTS]>,
    /// The outputs.
    pub outputs: SmallVec<[Access; MAX_OUTPUTS]>,
}

/// A kernel's way through its operands.
#[derive(Debug, Clone)]
pub struct Walk {
    /// What of it is part of the code.
    pub pattern: Pattern,
    /// What of it is an argument: the words that make up the `Walk` of `kernels/operands.cuh`.
    pub words: SmallVec<[u64; 32]>,
}

impl Walk {
    /// The walk through inputs and outputs of one shape, in the order of their elements. There is an output at least.
    pub fn new(inputs: &[Operand<'_>], outputs: &[Operand<'_>]) -> Self {
        let is_flat = |operand: &Operand<'_>| operand.layout.is_contiguous();
        let is_one = |operand: &Operand<'_>| operand.layout.strides().iter().all(|&stride| stride == 0);
        if inputs.iter().all(|input| is_flat(input) || is_one(input)) && outputs.iter().all(is_flat) {
            // By far the most frequent case, told without merging axes.
            let access = |operand: &Operand<'_>| {
                let inner = if is_flat(operand) { Step::Next } else { Step::Same };
                Access { dtype: operand.dtype, inner, outer: 0 }
            };
            let (reads, writes): (SmallVec<_>, SmallVec<_>) =
                (inputs.iter().map(access).collect(), outputs.iter().map(access).collect());
            let width = width_of(reads.iter().chain(&writes));
            let fits = |(operand, access): (&Operand<'_>, &Access)| {
                access.inner == Step::Same || is_aligned(operand.address, operand.dtype, width)
            };
            let vectors = inputs.iter().zip(&reads).chain(outputs.iter().zip(&writes)).all(fits);
            let width = if vectors { width as u8 } else { 1 };
            let count = outputs.first().map_or(0, |output| output.layout.shape().count());
            let pattern = Pattern { rank: 0, wide: false, width, inputs: reads, outputs: writes };
            return Self { pattern, words: SmallVec::from_slice(&[count as u64]) };
        }
        let operands: SmallVec<[_; 8]> = inputs.iter().chain(outputs).map(|o| (o.dtype, o.address)).collect();
        Self::over(&Traversal::new(inputs.iter().chain(outputs).map(|o| o.layout)), &operands, inputs.len())
    }

    /// The walk through the elements that a broadcast operand has of its own, to write them.
    pub fn kept(output: Operand<'_>) -> Self {
        let axes = output.layout.shape().iter().zip(output.layout.strides()).filter(|axis| *axis.1 > 0);
        let axes: SmallVec<[_; MAX_RANK]> = axes.map(|(&size, &stride)| (size, [stride])).collect();
        Self::over(&Traversal::along(&axes), &[(output.dtype, output.address)], 0)
    }

    /// The walk through operands with these element types and addresses, the inputs first.
    pub(crate) fn over(walk: &Traversal, operands: &[(DType, u64)], inputs: usize) -> Self {
        let is_flat = |operand: usize| walk.is_dense(operand) || operand < inputs && is_one_element(walk, operand);
        let flat = (0..operands.len()).all(is_flat);
        let mut accesses: SmallVec<[_; 8]> = (0..operands.len()).map(|i| access(walk, i, operands[i].0)).collect();
        let (reads, writes) = accesses.split_at_mut(inputs);
        let width = width_of(reads.iter().chain(writes.iter()));
        let written = writes.iter().zip(inputs..);
        let vectors = written.fold(true, |all, (access, i)| {
            all && access.inner == Step::Next && fits(walk, i, flat, operands[i], width)
        });
        let width = if vectors { fit_inputs(walk, reads, operands, flat, width) } else { 1 };
        Self::assemble(walk, flat, width, reads, writes)
    }

    /// A walk of which all is settled.
    pub(super) fn assemble(walk: &Traversal, flat: bool, width: usize, reads: &[Access], writes: &[Access]) -> Self {
        let rank = walk.sizes.len();
        let wide = walk.count >= NARROW || (0..walk.strides.len()).any(|operand| walk.reach(operand) >= NARROW);
        let clear = |access: &Access| if flat { Access { outer: 0, ..*access } } else { *access };
        let pattern = Pattern {
            rank: if flat { 0 } else { rank as u8 },
            wide: wide && !flat,
            width: width as u8,
            inputs: reads.iter().map(clear).collect(),
            outputs: writes.iter().map(clear).collect(),
        };
        let mut words = SmallVec::from_slice(&[walk.count as u64]);
        if !flat {
            words
                .extend(walk.sizes.iter().flat_map(|&size| [size as u64, if wide { 0 } else { divisor(size as u64) }]));
            words.extend(walk.strides.iter().flat_map(|strides| strides[..rank].iter().map(|&stride| stride as u64)));
        }
        Self { pattern, words }
    }

    /// The number of elements.
    pub fn count(&self) -> usize {
        self.words[0] as usize
    }
}

impl Pattern {
    /// Every operand, the inputs first.
    pub fn operands(&self) -> impl Iterator<Item = &Access> {
        self.inputs.iter().chain(&self.outputs)
    }

    /// What the operands are computed with in.
    pub fn precision(&self) -> Precision {
        Precision::of(self.operands().map(|access| access.dtype))
    }

    /// Bytes that no other pattern of as many inputs and outputs has.
    pub fn bytes(&self) -> SmallVec<[u8; 24]> {
        let mut bytes = SmallVec::from_slice(&[self.rank << 1 | u8::from(self.wide), self.width]);
        bytes.extend(self.operands().flat_map(|access| [(access.dtype as u8) << 2 | access.inner as u8, access.outer]));
        bytes
    }

    /// How many inputs are moved: all but those that are one element for everything.
    pub(super) fn moved_inputs(&self) -> usize {
        self.inputs.iter().filter(|access| !access.is_one_element()).count()
    }

    /// What `kernels/operands.cuh` wants defined.
    pub(super) fn definitions(&self) -> [(&'static str, String); 5] {
        let list = |accesses: &[Access]| {
            super::list(accesses.iter().map(|access| format!("{}, {}, {}", access.class(), access.dtype, access.outer)))
        };
        [
            ("RANK", self.rank.to_string()),
            ("WIDE", u8::from(self.wide).to_string()),
            ("WIDTH", self.width.to_string()),
            ("INPUTS(X)", list(&self.inputs)),
            ("OUTPUTS(X)", list(&self.outputs)),
        ]
    }
}

impl Access {
    /// A contiguous operand of a flat walk.
    pub fn flat(dtype: DType) -> Self {
        Self { dtype, inner: Step::Next, outer: 0 }
    }

    /// One element for everything.
    pub fn broadcast(dtype: DType) -> Self {
        Self { dtype, inner: Step::Same, outer: 0 }
    }

    fn is_one_element(&self) -> bool {
        self.inner == Step::Same && self.outer == 0
    }

    /// The class of `kernels/operands.cuh` that loads and stores elements this way.
    const fn class(&self) -> &'static str {
        match self.inner {
            Step::Same if self.outer == 0 => "Broadcast",
            Step::Same => "Repeated",
            Step::Next => "Contiguous",
            Step::Any => "Strided",
        }
    }
}

/// How an operand steps through a walk.
pub(super) fn access(walk: &Traversal, operand: usize, dtype: DType) -> Access {
    let inner = match walk.inner_stride(operand) {
        0 => Step::Same,
        1 => Step::Next,
        _ => Step::Any,
    };
    let strides = &walk.strides[operand][..walk.sizes.len() - 1];
    let outer = strides.iter().enumerate().map(|(axis, &stride)| u8::from(stride > 0) << axis).sum();
    Access { dtype, inner, outer }
}

/// Whether an operand is one element for everything.
pub(super) fn is_one_element(walk: &Traversal, operand: usize) -> bool {
    walk.strides[operand].iter().all(|&stride| stride == 0)
}

/// The most elements that one instruction moves of each of these.
pub(super) fn width_of<'a>(accesses: impl Iterator<Item = &'a Access>) -> usize {
    let moved = accesses.filter(|access| !access.is_one_element());
    moved.map(|access| VECTOR_BYTES / access.dtype.size()).min().unwrap_or(1)
}

/// The width of vectors that inputs allow. One whose neighbours are not aligned for vectors is read one by one, unless it
/// would have to be by its number alone.
pub(super) fn fit_inputs(
    walk: &Traversal,
    inputs: &mut [Access],
    operands: &[(DType, u64)],
    flat: bool,
    width: usize,
) -> usize {
    if !flat && !walk.inner().is_multiple_of(width) {
        return 1;
    }
    for (i, input) in inputs.iter_mut().enumerate() {
        if input.inner == Step::Next && !fits(walk, i, flat, operands[i], width) {
            if flat {
                return 1;
            }
            input.inner = Step::Any;
        }
    }
    width
}

/// Whether vectors of an operand whose neighbours lie one behind the other are aligned.
fn fits(walk: &Traversal, operand: usize, flat: bool, (dtype, address): (DType, u64), width: usize) -> bool {
    let outer = &walk.strides[operand][..walk.sizes.len() - 1];
    is_aligned(address, dtype, width) && (flat || outer.iter().all(|stride| stride.is_multiple_of(width)))
}

fn is_aligned(address: u64, dtype: DType, width: usize) -> bool {
    address.is_multiple_of((dtype.size() * width) as u64)
}

/// The multiplier and the shift (in the upper half) by which `Axis` of `kernels/operands.cuh` divides numbers below 2^31
/// (Granlund and Montgomery 1994).
fn divisor(size: u64) -> u64 {
    let shift = size.next_power_of_two().trailing_zeros();
    let multiplier = ((1u64 << 32) * ((1 << shift) - size)) / size.max(1) + 1;
    multiplier | u64::from(shift) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_by_multiplication_is_exact() {
        let largest = NARROW as u64 - 1;
        let powers = (0..31).map(|shift| 1u64 << shift);
        for size in
            powers.flat_map(|power| [power - 1, power, power + 1, 3 * power]).filter(|n| (1..=largest).contains(n))
        {
            let (multiplier, shift) = (divisor(size) & 0xffff_ffff, divisor(size) >> 32);
            let multiples = [1, 2, 1000, largest / size].map(|n| n * size);
            for n in multiples.into_iter().flat_map(|n| [n - 1, n, n + 1]).chain([0, largest]).filter(|&n| n <= largest)
            {
                assert_eq!((((n * multiplier) >> 32) + n) >> shift, n / size, "{n} / {size}");
            }
        }
    }
}
