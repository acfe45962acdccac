//! Operands of a walk: reading and writing any element type, at any stride, as the type a formula computes in.

use half::{bf16, f16};

use super::axes::step_to;
use super::elements::{pointer, with_element};
use crate::device::view::View;
use crate::dtype::{DType, Element};
use crate::formula::lanes::{HalfElement, LaneElement, narrow, widen};
use crate::formula::{AnyFormula, Precision, Span};
use crate::traversal::Traversal;

/// A type formulas compute in: f32 or f64.
pub trait Compute: LaneElement {
    /// Runs a formula over a span of this type.
    ///
    /// # Safety
    /// As [`AnyFormula::run_f32`].
    unsafe fn run(formula: &dyn AnyFormula, span: &Span<'_, Self>);

    /// Widens 16-bit numbers, exactly.
    fn widen<H: HalfElement>(from: &[H], to: &mut [Self]);

    /// Rounds to 16-bit numbers.
    fn narrow<H: HalfElement>(from: &[Self], to: &mut [H]);
}

impl Compute for f32 {
    unsafe fn run(formula: &dyn AnyFormula, span: &Span<'_, Self>) {
        // SAFETY: the caller keeps the same promise.
        unsafe { formula.run_f32(span) }
    }

    fn widen<H: HalfElement>(from: &[H], to: &mut [Self]) {
        widen(from, to);
    }

    fn narrow<H: HalfElement>(from: &[Self], to: &mut [H]) {
        narrow(from, to);
    }
}

impl Compute for f64 {
    unsafe fn run(formula: &dyn AnyFormula, span: &Span<'_, Self>) {
        // SAFETY: the caller keeps the same promise.
        unsafe { formula.run_f64(span) }
    }

    fn widen<H: HalfElement>(from: &[H], to: &mut [Self]) {
        from.iter().zip(to).for_each(|(from, to)| *to = from.to_f64());
    }

    fn narrow<H: HalfElement>(from: &[Self], to: &mut [H]) {
        from.iter().zip(to).for_each(|(from, to)| *to = H::from_f64(*from));
    }
}

/// Whether operands of these types are computed with in f64.
pub fn needs_f64(dtypes: impl IntoIterator<Item = DType>) -> bool {
    Precision::of(dtypes) == Precision::Double
}

/// One operand of a walk.
#[derive(Debug, Clone, Copy)]
pub struct Operand {
    address: u64,
    dtype: DType,
    index: usize,
    dense: bool,
    repeats_a_row: bool,
    inner_stride: usize,
}

impl Operand {
    /// The operand `index` of the walk.
    pub fn new(view: &View<'_>, walk: &Traversal, index: usize) -> Self {
        let (dense, repeats_a_row) = (walk.is_dense(index), walk.repeats_a_row(index));
        let inner_stride = walk.inner_stride(index);
        Self { address: view.address(), dtype: view.dtype(), index, dense, repeats_a_row, inner_stride }
    }

    /// Whether its elements are of the computing type, one behind the other through the whole walk.
    pub fn is_flat<E: Compute>(&self) -> bool {
        self.dense && self.dtype == E::DTYPE
    }

    /// Whether a formula can work on its memory as it lies, within one row.
    pub fn is_direct_in_rows<E: Compute>(&self, walk: &Traversal) -> bool {
        self.dtype == E::DTYPE && (self.inner_stride == 1 || walk.inner() == 1)
    }

    /// Whether its elements from `at` on are those from the walk's start on.
    pub fn repeats_from(&self, walk: &Traversal, at: usize) -> bool {
        self.repeats_a_row && (self.inner_stride == 0 || at.is_multiple_of(walk.inner()))
    }

    /// Whether reading it costs little: it lies as it is needed, or one row serves for all.
    pub fn is_near<E: Compute>(&self) -> bool {
        self.is_flat::<E>() || self.repeats_a_row
    }

    /// The memory of the walk's element `at`.
    pub fn at<E>(&self, walk: &Traversal, at: usize) -> *mut E {
        let inner = walk.inner();
        let offset = if self.dense { at } else { self.offset(walk, at / inner, at % inner) };
        pointer(self.address + (offset * self.dtype.size()) as u64)
    }

    /// Reads the walk's elements from `start` on, one for each of `to`.
    ///
    /// # Safety
    /// The elements are initialised host memory within the walk, and nobody writes to them meanwhile.
    pub unsafe fn read<E: Compute>(&self, walk: &Traversal, start: usize, to: &mut [E]) {
        let inner = walk.inner();
        if to.len() > inner && self.repeats_from(walk, start) {
            // SAFETY: as promised by the caller.
            unsafe { self.read(walk, start, &mut to[..inner]) };
            return repeat(inner, to);
        }
        self.rows(walk, start, to.len(), |address, from, count| {
            let to = &mut to[from..from + count];
            // SAFETY: the rows are those of the walk.
            unsafe {
                match self.dtype {
                    DType::F16 if self.inner_stride == 1 => E::widen(row::<f16>(address, count), to),
                    DType::Bf16 if self.inner_stride == 1 => E::widen(row::<bf16>(address, count), to),
                    dtype => with_element!(dtype, T => read_row::<T, E>(pointer(address), self.inner_stride, to)),
                }
            }
        });
    }

    /// Writes the walk's elements from `start` on, one for each of `from`.
    ///
    /// # Safety
    /// The elements are host memory within the walk, and nobody else reads or writes them meanwhile.
    pub unsafe fn write<E: Compute>(&self, walk: &Traversal, start: usize, from: &[E]) {
        self.rows(walk, start, from.len(), |address, begin, count| {
            let from = &from[begin..begin + count];
            // SAFETY: the rows are those of the walk.
            unsafe {
                match self.dtype {
                    DType::F16 if self.inner_stride == 1 => E::narrow(from, row_mut::<f16>(address, count)),
                    DType::Bf16 if self.inner_stride == 1 => E::narrow(from, row_mut::<bf16>(address, count)),
                    dtype => with_element!(dtype, T => write_row::<T, E>(from, pointer(address), self.inner_stride)),
                }
            }
        });
    }

    /// Writes `value` over every element the operand has, once each even where the walk repeats it or is empty.
    ///
    /// # Safety
    /// As [`write`](Self::write).
    pub unsafe fn fill<E: Compute>(&self, walk: &Traversal, value: E) {
        let axes: Vec<_> = walk.strided_axes(self.index).collect();
        let count = axes.iter().map(|axis| axis.0).product();
        // SAFETY: as promised by the caller.
        unsafe { self.set_each(&axes, &vec![value; count]) };
    }

    /// Writes the values over the elements along these axes, given innermost first.
    ///
    /// # Safety
    /// As [`write`](Self::write); the operand has these elements.
    pub unsafe fn set_each<E: Compute>(&self, axes: &[(usize, usize)], values: &[E]) {
        let (row, stride) = axes.first().copied().unwrap_or((1, 1));
        for (index, values) in values.chunks(row.max(1)).enumerate() {
            let offset = step_to(axes.get(1..).unwrap_or(&[]), index);
            let address = self.address + (offset * self.dtype.size()) as u64;
            // SAFETY: as promised by the caller.
            with_element!(self.dtype, T => unsafe { write_row::<T, E>(values, pointer(address), stride) });
        }
    }

    /// Calls `each` with the address, the first place and the length of every stretch of `count` elements within a row.
    fn rows(&self, walk: &Traversal, start: usize, count: usize, mut each: impl FnMut(u64, usize, usize)) {
        let inner = walk.inner();
        let mut done = 0;
        while done < count {
            let (row, column) = ((start + done) / inner, (start + done) % inner);
            let length = (inner - column).min(count - done);
            let offset = self.offset(walk, row, column);
            each(self.address + (offset * self.dtype.size()) as u64, done, length);
            done += length;
        }
    }

    fn offset(&self, walk: &Traversal, row: usize, column: usize) -> usize {
        walk.row_offset(self.index, row) + column * self.inner_stride
    }
}

/// Fills the elements with the first `count` of them, again and again.
fn repeat<E: Copy>(count: usize, elements: &mut [E]) {
    let mut done = count;
    while done < elements.len() {
        let next = done.min(elements.len() - done);
        elements.copy_within(..next, done);
        done += next;
    }
}

/// # Safety
/// `count` initialised elements lie at `address`, and nobody writes to them meanwhile.
unsafe fn row<'a, T>(address: u64, count: usize) -> &'a [T] {
    // SAFETY: as promised by the caller.
    unsafe { std::slice::from_raw_parts(pointer(address), count) }
}

/// # Safety
/// `count` elements lie at `address`, and nobody else touches them meanwhile.
unsafe fn row_mut<'a, T>(address: u64, count: usize) -> &'a mut [T] {
    // SAFETY: as promised by the caller.
    unsafe { std::slice::from_raw_parts_mut(pointer(address), count) }
}

/// # Safety
/// An element of `T` lies at `from` and at each further `stride`, one for each of `to`.
unsafe fn read_row<T: Element, E: Element>(from: *const T, stride: usize, to: &mut [E]) {
    match stride {
        // SAFETY: as promised by the caller; so for all below.
        0 => to.fill(E::from_f64(unsafe { *from }.to_f64())),
        1 => {
            // SAFETY: as above.
            let from = unsafe { std::slice::from_raw_parts(from, to.len()) };
            to.iter_mut().zip(from).for_each(|(to, from)| *to = E::from_f64(from.to_f64()));
        }
        // SAFETY: as above.
        _ => to.iter_mut().enumerate().for_each(|(i, to)| *to = E::from_f64(unsafe { *from.add(i * stride) }.to_f64())),
    }
}

/// # Safety
/// An element of `T` may be written at `to` and at each further `stride`, one for each of `from`.
unsafe fn write_row<T: Element, E: Element>(from: &[E], to: *mut T, stride: usize) {
    for (i, value) in from.iter().enumerate() {
        // SAFETY: as promised by the caller.
        unsafe { *to.add(i * stride) = T::from_f64(value.to_f64()) };
    }
}
