//! A view: a buffer, how a shape lies in it, and of which type its elements are.

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::formula::unit::Operand;
use crate::memory::Buffer;
use crate::shape::{Layout, Shape};

/// The elements of a buffer an operation works on. In bounds by construction.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    buffer: &'a Buffer,
    layout: &'a Layout,
    dtype: DType,
}

impl<'a> View<'a> {
    /// A view of `layout` in `buffer`.
    ///
    /// # Errors
    /// The layout reaches beyond the buffer.
    #[inline]
    pub fn new(buffer: &'a Buffer, layout: &'a Layout, dtype: DType) -> Result<Self> {
        let fits = layout.extent().checked_mul(dtype.size()).is_some_and(|bytes| bytes <= buffer.bytes());
        if !fits {
            let rule = format!("reaches beyond its buffer of {} bytes", buffer.bytes());
            return Err(Error::shape("view", &[layout.shape()], rule));
        }
        Ok(Self { buffer, layout, dtype })
    }

    /// The buffer.
    pub fn buffer(&self) -> &'a Buffer {
        self.buffer
    }

    /// How the elements lie in it.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// The sizes.
    pub fn shape(&self) -> &'a Shape {
        self.layout.shape()
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The device address of the first element.
    pub fn address(&self) -> u64 {
        self.buffer.address() + (self.layout.offset() * self.dtype.size()) as u64
    }

    /// Whether the elements are exactly those of `other`.
    pub fn is_same(&self, other: &View<'_>) -> bool {
        self.address() == other.address() && self.dtype == other.dtype && self.layout == other.layout
    }
}

impl<'a> From<&View<'a>> for Operand<'a> {
    fn from(view: &View<'a>) -> Self {
        Self { dtype: view.dtype, layout: view.layout, address: view.address() }
    }
}
