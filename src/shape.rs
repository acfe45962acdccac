//! Sizes, strides and broadcasting, all with checked arithmetic.

use std::fmt;
use std::ops::Deref;

use crate::dtype::DType;
use crate::error::{Error, Result};

/// The largest number of axes.
pub const MAX_RANK: usize = 8;

/// The sizes of a tensor along each axis, outermost first. At most [`MAX_RANK`] axes; the number of elements fits `usize`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    // Sizes beyond `rank` are zero, so that equality of the whole is equality of the shapes.
    sizes: [usize; MAX_RANK],
    rank: u8,
}

impl Shape {
    /// A shape with these sizes.
    ///
    /// # Errors
    /// More than [`MAX_RANK`] axes, or more elements than `usize` counts.
    pub fn new(sizes: &[usize]) -> Result<Self> {
        if sizes.len() > MAX_RANK {
            let rule = format!("{} axes asked for, at most {MAX_RANK} are possible", sizes.len());
            return Err(Error::argument("shape", rule));
        }
        // Zero-sized axes hide an overflow of the others, so they are left out of the product.
        let product = sizes.iter().filter(|&&n| n != 0).try_fold(1usize, |all, &n| all.checked_mul(n));
        if product.is_none_or(|count| count > isize::MAX as usize) {
            return Err(Error::argument("shape", format!("the number of elements of {sizes:?} overflows")));
        }
        Ok(Self::trusted(sizes))
    }

    /// The shape of a single number: no axes.
    pub const fn scalar() -> Self {
        Self { sizes: [0; MAX_RANK], rank: 0 }
    }

    /// The sizes, outermost first.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..self.rank as usize]
    }

    /// The number of axes.
    pub const fn rank(&self) -> usize {
        self.rank as usize
    }

    /// The number of elements; 1 for a scalar.
    pub fn count(&self) -> usize {
        self.sizes().iter().product()
    }

    /// The number of bytes of this many elements of `dtype`.
    ///
    /// # Errors
    /// The number overflows.
    pub fn bytes(&self, dtype: DType) -> Result<usize> {
        let bytes = self.count().checked_mul(dtype.size()).filter(|&bytes| bytes <= isize::MAX as usize);
        bytes.ok_or_else(|| Error::shape("allocate", &[self], format!("of {dtype} overflows the number of bytes")))
    }

    /// The shape with axis `axis` set to `size`.
    ///
    /// # Errors
    /// No such axis, or too many elements.
    pub fn with(&self, axis: usize, size: usize) -> Result<Self> {
        self.check_axis("shape", axis)?;
        let mut sizes = self.clone();
        sizes.sizes[axis] = size;
        Self::new(sizes.sizes())
    }

    /// The shape without axis `axis`.
    ///
    /// # Errors
    /// No such axis.
    pub fn without(&self, axis: usize) -> Result<Self> {
        self.check_axis("shape", axis)?;
        let mut sizes = self.sizes().to_vec();
        sizes.remove(axis);
        Self::new(&sizes)
    }

    /// This shape, if it has an axis `axis`.
    ///
    /// # Errors
    /// No such axis.
    pub fn check_axis(&self, operation: &'static str, axis: usize) -> Result<&Self> {
        if axis < self.rank() {
            return Ok(self);
        }
        Err(Error::shape(operation, &[self], format!("has no axis {axis}: it has {} axes", self.rank())))
    }

    /// The shape both broadcast to: axes are matched from the last, and sizes are equal or one of them is 1.
    ///
    /// # Errors
    /// Sizes that differ with neither 1, named after `operation`.
    ///
    /// ```
    /// use rectify::Shape;
    /// let (a, b) = (Shape::new(&[64, 1])?, Shape::new(&[10])?);
    /// assert_eq!(a.broadcast("add", &b)?.sizes(), [64, 10]);
    /// # Ok::<(), rectify::Error>(())
    /// ```
    pub fn broadcast(&self, operation: &'static str, other: &Self) -> Result<Self> {
        let rank = self.rank().max(other.rank());
        let mut sizes = [0; MAX_RANK];
        for (axis, size) in sizes[..rank].iter_mut().enumerate() {
            *size = match (self.size_from_end(rank - axis), other.size_from_end(rank - axis)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                (a, b) => {
                    let rule = format!("cannot be broadcast together: sizes {a} and {b} differ and neither is 1");
                    return Err(Error::shape(operation, &[self, other], rule));
                }
            };
        }
        Self::new(&sizes[..rank])
    }

    /// A shape whose count is already known to fit.
    fn trusted(sizes: &[usize]) -> Self {
        let mut shape = Self { sizes: [0; MAX_RANK], rank: sizes.len() as u8 };
        shape.sizes[..sizes.len()].copy_from_slice(sizes);
        shape
    }

    /// The size of the axis `distance` from the end (1 is the last); 1 where there is none.
    fn size_from_end(&self, distance: usize) -> usize {
        self.rank().checked_sub(distance).map_or(1, |axis| self.sizes[axis])
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        self.sizes()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.sizes())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a shape lies in a buffer, in elements: a step per axis and the place of the first element.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Layout {
    shape: Shape,
    // Strides beyond the rank are zero. A broadcast axis has stride 0.
    strides: [usize; MAX_RANK],
    offset: usize,
}

impl Layout {
    /// Row-major and without gaps, from the start of the buffer.
    pub fn contiguous(shape: Shape) -> Self {
        let mut strides = [0; MAX_RANK];
        let mut step = 1;
        for axis in (0..shape.rank()).rev() {
            strides[axis] = step;
            step *= shape[axis].max(1);
        }
        Self { shape, strides, offset: 0 }
    }

    /// The sizes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The step between neighbours along each axis, in elements; 0 along a broadcast axis.
    pub fn strides(&self) -> &[usize] {
        &self.strides[..self.shape.rank()]
    }

    /// The place of the first element, in elements.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the elements lie row-major and without gaps (axes of size 1 may have any stride).
    pub fn is_contiguous(&self) -> bool {
        let mut step = 1;
        for axis in (0..self.shape.rank()).rev() {
            match self.shape.sizes[axis] {
                0 => return true,
                1 => {}
                size if self.strides[axis] == step => step *= size,
                // A size of 0 further out would make it empty, and so without gaps.
                _ => return self.shape.count() == 0,
            }
        }
        true
    }

    /// The number of elements a buffer must have to hold this layout.
    #[inline]
    pub fn extent(&self) -> usize {
        let mut last = 0;
        for (&size, &stride) in self.shape.iter().zip(self.strides()) {
            match size {
                0 => return self.offset,
                size => last += (size - 1) * stride,
            }
        }
        self.offset + last + 1
    }

    /// The same elements with axes `a` and `b` exchanged.
    ///
    /// # Errors
    /// No such axis.
    pub fn transpose(&self, a: usize, b: usize) -> Result<Self> {
        self.shape.check_axis("transpose", a)?;
        self.shape.check_axis("transpose", b)?;
        let mut swapped = self.clone();
        swapped.shape.sizes.swap(a, b);
        swapped.strides.swap(a, b);
        Ok(swapped)
    }

    /// The elements `start..end` of axis `axis`.
    ///
    /// # Errors
    /// No such axis, or a range outside it.
    pub fn slice(&self, axis: usize, start: usize, end: usize) -> Result<Self> {
        self.shape.check_axis("slice", axis)?;
        let size = self.shape[axis];
        if start > end || end > size {
            let rule = format!("has no elements {start}..{end} along axis {axis}: its size is {size}");
            return Err(Error::shape("slice", &[&self.shape], rule));
        }
        let mut sliced = self.clone();
        sliced.shape.sizes[axis] = end - start;
        // A view of nothing stays where it is: a step from the end of another axis would leave the buffer.
        if sliced.shape.count() > 0 {
            sliced.offset += start * self.strides[axis];
        }
        Ok(sliced)
    }

    /// The layout repeated without copies to `shape`.
    ///
    /// # Errors
    /// `shape` has fewer axes, or a size differs and is not 1 here.
    pub fn broadcast_to(&self, operation: &'static str, shape: &Shape) -> Result<Self> {
        let refuse = |rule: String| Err(Error::shape(operation, &[&self.shape, shape], rule));
        let Some(added) = shape.rank().checked_sub(self.shape.rank()) else {
            return refuse("cannot be broadcast: the target has fewer axes".into());
        };
        let mut strides = [0; MAX_RANK];
        for (axis, (&size, &stride)) in self.shape.iter().zip(self.strides()).enumerate() {
            let target = shape[added + axis];
            if size == target {
                strides[added + axis] = stride;
            } else if size != 1 {
                return refuse(format!("cannot be broadcast: size {size} is neither 1 nor {target}"));
            }
        }
        Ok(Self { shape: shape.clone(), strides, offset: self.offset })
    }

    /// This layout along the axes of `shape` that stay, in order, and repeated without copies along the others.
    pub(crate) fn spread(&self, shape: &Shape, stays: impl Fn(usize) -> bool) -> Self {
        let mut own = self.strides().iter();
        let mut strides = [0; MAX_RANK];
        for (axis, stride) in strides[..shape.rank()].iter_mut().enumerate() {
            *stride = if stays(axis) { own.next().copied().unwrap_or(0) } else { 0 };
        }
        Self { shape: shape.clone(), strides, offset: self.offset }
    }

    /// The same elements in order under another shape, or nothing where that needs a copy.
    ///
    /// # Errors
    /// The number of elements differs.
    pub fn reshape(&self, shape: &Shape) -> Result<Option<Self>> {
        let (from, to) = (self.shape.count(), shape.count());
        if from != to {
            let rule = format!("cannot be reshaped: {from} elements are not {to}");
            return Err(Error::shape("reshape", &[&self.shape, shape], rule));
        }
        let reshaped = self.regrouped(shape.clone());
        if self.is_contiguous() {
            return Ok(Some(reshaped));
        }
        Ok(self.regroup(shape).map(|strides| Self { strides, ..reshaped }))
    }

    /// A contiguous layout, which this one is, of as many elements under another shape.
    pub(crate) fn regrouped(&self, shape: Shape) -> Self {
        Self { offset: self.offset, ..Self::contiguous(shape) }
    }

    /// The layout with axis `axis`, of size 1, removed.
    ///
    /// # Errors
    /// No such axis, or its size is not 1.
    pub fn squeeze(&self, axis: usize) -> Result<Self> {
        self.shape.check_axis("squeeze", axis)?;
        if self.shape[axis] != 1 {
            let rule =
                format!("has size {} along axis {axis}, only an axis of size 1 can be removed", self.shape[axis]);
            return Err(Error::shape("squeeze", &[&self.shape], rule));
        }
        let mut squeezed = self.clone();
        squeezed.shape = self.shape.without(axis)?;
        squeezed.strides.copy_within(axis + 1.., axis);
        squeezed.strides[MAX_RANK - 1] = 0;
        Ok(squeezed)
    }

    /// The layout with an axis of size 1 added before axis `axis`.
    ///
    /// # Errors
    /// `axis` beyond the rank, or already [`MAX_RANK`] axes.
    pub fn unsqueeze(&self, axis: usize) -> Result<Self> {
        if axis > self.shape.rank() {
            let rule = format!("cannot take a new axis at {axis}: it has {} axes", self.shape.rank());
            return Err(Error::shape("unsqueeze", &[&self.shape], rule));
        }
        if self.shape.rank() == MAX_RANK {
            return Err(Error::shape("unsqueeze", &[&self.shape], format!("already has {MAX_RANK} axes")));
        }
        let mut layout = self.clone();
        for numbers in [&mut layout.shape.sizes, &mut layout.strides] {
            numbers.copy_within(axis..MAX_RANK - 1, axis + 1);
        }
        (layout.shape.sizes[axis], layout.strides[axis]) = (1, 0);
        layout.shape.rank += 1;
        Ok(layout)
    }

    /// Strides for `shape` over the same elements, where runs of axes can be split and merged without a copy.
    fn regroup(&self, shape: &Shape) -> Option<[usize; MAX_RANK]> {
        let old: Vec<(usize, usize)> =
            self.shape.iter().copied().zip(self.strides().iter().copied()).filter(|&(n, _)| n != 1).collect();
        let mut strides = [0; MAX_RANK];
        let (mut from, mut to) = (0, 0);
        while from < old.len() && to < shape.rank() {
            let (mut merged, mut split) = (old[from].0, shape[to]);
            let (first, begin) = (from, to);
            while merged != split {
                if merged < split {
                    from += 1;
                    merged *= old.get(from)?.0;
                } else {
                    to += 1;
                    split *= *shape.get(to)?;
                }
            }
            // Merged old axes must follow each other without gaps.
            if old[first..=from].windows(2).any(|pair| pair[0].1 != pair[1].0 * pair[1].1) {
                return None;
            }
            let mut step = old[from].1;
            for axis in (begin..=to).rev() {
                strides[axis] = step;
                step *= shape[axis];
            }
            from += 1;
            to += 1;
        }
        Some(strides)
    }
}

#[cfg(test)]
mod tests;
mod windows;
