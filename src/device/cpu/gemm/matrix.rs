//! Matrices in memory: a pointer, two sizes, and the distance between neighbours along each.

use std::marker::PhantomData;

#[cfg(test)]
use crate::error::{Error, Result};

/// A matrix to read: element (i, j) lies `i * row_stride + j * column_stride` elements past the first.
///
/// Any strides will do, so a transposed or broadcast view needs no copy.
#[derive(Debug, Clone, Copy)]
pub struct MatrixRef<'a, E> {
    pub(super) first: *const E,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
    borrow: PhantomData<&'a [E]>,
}

// SAFETY: it is a shared borrow of elements.
unsafe impl<E: Sync> Send for MatrixRef<'_, E> {}
// SAFETY: as above.
unsafe impl<E: Sync> Sync for MatrixRef<'_, E> {}

impl<'a, E> MatrixRef<'a, E> {
    /// The matrix of `[rows, columns]` with these strides that begins at the first of `elements`.
    ///
    /// # Errors
    /// `Error::Argument` where an element lies outside `elements`.
    #[cfg(test)]
    pub fn new(elements: &'a [E], sizes: [usize; 2], strides: [usize; 2]) -> Result<Self> {
        check_extent(sizes, strides, elements.len())?;
        // SAFETY: every element was just found to lie in the slice, which is borrowed for as long as the matrix lives.
        Ok(unsafe { Self::from_raw(elements.as_ptr(), sizes, strides) })
    }

    /// The matrix of `[rows, columns]` with these strides that begins at `first`.
    ///
    /// # Safety
    /// For as long as the matrix lives, every element is valid for reads and nothing writes to it.
    pub unsafe fn from_raw(first: *const E, sizes: [usize; 2], strides: [usize; 2]) -> Self {
        let ([rows, columns], [row_stride, column_stride]) = (sizes, strides);
        Self { first, rows, columns, row_stride, column_stride, borrow: PhantomData }
    }

    /// `[rows, columns]`.
    pub fn sizes(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// The same elements with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// The part of `sizes` that begins at element (`row`, `column`) and lies within.
    pub(super) fn part(self, [row, column]: [usize; 2], [rows, columns]: [usize; 2]) -> Self {
        debug_assert!(row + rows <= self.rows && column + columns <= self.columns);
        // The part may be empty and begin past the end, where only wrapping arithmetic may point.
        Self { first: self.at(row, column), rows, columns, ..self }
    }

    /// The matrix that begins `distance` elements further on.
    pub(super) fn moved(self, distance: usize) -> Self {
        Self { first: self.first.wrapping_add(distance), ..self }
    }

    /// Where element (`row`, `column`) lies.
    #[inline(always)]
    pub(super) fn at(&self, row: usize, column: usize) -> *const E {
        self.first.wrapping_add(row * self.row_stride + column * self.column_stride)
    }
}

/// A matrix to write: rows of adjacent elements, `row_stride` elements from one row to the next.
#[derive(Debug)]
pub struct MatrixMut<'a, E> {
    pub(super) first: *mut E,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    borrow: PhantomData<&'a mut [E]>,
}

// SAFETY: it is an exclusive borrow of elements.
unsafe impl<E: Send> Send for MatrixMut<'_, E> {}
// SAFETY: sharing it gives out pointers only; whoever writes through them vouches for it.
unsafe impl<E: Sync> Sync for MatrixMut<'_, E> {}

impl<'a, E> MatrixMut<'a, E> {
    /// The matrix of `[rows, columns]` that begins at the first of `elements`.
    ///
    /// # Errors
    /// `Error::Argument` where rows overlap or an element lies outside `elements`.
    #[cfg(test)]
    pub fn new(elements: &'a mut [E], sizes: [usize; 2], row_stride: usize) -> Result<Self> {
        let [rows, columns] = sizes;
        if rows > 1 && row_stride < columns {
            return Err(Error::argument(
                "matmul",
                format!("rows of {columns} elements overlap at stride {row_stride}"),
            ));
        }
        check_extent(sizes, [row_stride, 1], elements.len())?;
        // SAFETY: every element was just found to lie in the slice, no two in the same place, and the slice is borrowed
        // for as long as the matrix lives.
        Ok(unsafe { Self::from_raw(elements.as_mut_ptr(), sizes, row_stride) })
    }

    /// The matrix of `[rows, columns]` that begins at `first`.
    ///
    /// # Safety
    /// For as long as the matrix lives, every element is valid for writes (and for reads where a product is added to it),
    /// no two elements share a place, and nothing else reads or writes them. What a product is not added to may be
    /// uninitialised.
    pub unsafe fn from_raw(first: *mut E, sizes: [usize; 2], row_stride: usize) -> Self {
        let [rows, columns] = sizes;
        Self { first, rows, columns, row_stride, borrow: PhantomData }
    }

    /// `[rows, columns]`.
    pub fn sizes(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// The part of `sizes` that begins at element (`row`, `column`) and lies within.
    ///
    /// # Safety
    /// Parts that live at the same time do not overlap, and the whole is not used while one lives.
    pub(super) unsafe fn part(&self, [row, column]: [usize; 2], [rows, columns]: [usize; 2]) -> Self {
        debug_assert!(row + rows <= self.rows && column + columns <= self.columns);
        Self { first: self.at(row, column), rows, columns, row_stride: self.row_stride, borrow: PhantomData }
    }

    /// The matrix that begins `distance` elements further on.
    ///
    /// # Safety
    /// As [`part`](Self::part).
    pub(super) unsafe fn moved(&self, distance: usize) -> Self {
        Self { first: self.first.wrapping_add(distance), borrow: PhantomData, ..*self }
    }

    /// Where element (`row`, `column`) lies.
    #[inline(always)]
    pub(super) fn at(&self, row: usize, column: usize) -> *mut E {
        self.first.wrapping_add(row * self.row_stride + column)
    }
}

/// Checks that every element of a matrix lies among `count`.
#[cfg(test)]
fn check_extent([rows, columns]: [usize; 2], [row_stride, column_stride]: [usize; 2], count: usize) -> Result<()> {
    if rows == 0 || columns == 0 {
        return Ok(());
    }
    let last = || (rows - 1).checked_mul(row_stride)?.checked_add((columns - 1).checked_mul(column_stride)?);
    match last() {
        Some(last) if last < count => Ok(()),
        _ => Err(Error::argument(
            "matmul",
            format!(
                "a {rows} by {columns} matrix of strides {row_stride} and {column_stride} exceeds {count} elements"
            ),
        )),
    }
}
