//! Tensors: numbers of one type and shape on a device.
//!
//! A tensor is immutable data behind a shared buffer: a clone or a view shares the buffer, and the buffer is released when
//! the last of them is dropped. Operations check what they are given and return an error that names both sides; nothing a
//! caller passes can panic. Gradients are the business of the floor above.

mod captured;
mod convert;
mod create;
mod elementwise;
mod fetch;
mod index;
mod kernel;
mod matmul;
pub(crate) mod named;
mod normalize;
mod prefetch;
mod reduce;
mod rows;
mod views;
mod windows;
mod write;

use std::fmt;
use std::sync::Arc;

pub use captured::Captured;
pub use create::Generator;
pub use fetch::Fetched;
pub use kernel::{Argument, CudaKernel};
pub(crate) use matmul::{Keep, Kept};
pub use prefetch::Prefetched;

use crate::device::{Device, View};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::memory::Buffer;
use crate::shape::{Layout, Shape};

/// Numbers of one type and shape on a device.
#[derive(Clone)]
pub struct Tensor {
    storage: Arc<Storage>,
    // Shared, so that a tensor is three words to hand on, and a result of its input's shape needs no other.
    layout: Arc<Layout>,
    dtype: DType,
}

/// A buffer and the device it is of.
struct Storage {
    buffer: Buffer,
    device: Device,
}

impl Tensor {
    /// The sizes.
    pub fn shape(&self) -> &Shape {
        self.layout.shape()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The device it is on.
    pub fn device(&self) -> &Device {
        &self.storage.device
    }

    /// How it lies in its buffer.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The buffer it shares with its clones and views.
    pub fn buffer(&self) -> &Buffer {
        &self.storage.buffer
    }

    /// The number of elements.
    pub fn count(&self) -> usize {
        self.shape().count()
    }

    /// Whether both share one buffer.
    pub fn shares_buffer(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.storage, &other.storage)
    }

    /// A tensor whose elements are not yet written.
    pub(crate) fn uninitialized(shape: Shape, dtype: DType, device: &Device) -> Result<Self> {
        Self::uninitialized_as(Arc::new(Layout::contiguous(shape)), dtype, device)
    }

    /// A tensor whose elements are not yet written and lie so, without gaps from the start of its buffer.
    fn uninitialized_as(layout: Arc<Layout>, dtype: DType, device: &Device) -> Result<Self> {
        let bytes = layout.shape().bytes(dtype)?;
        let memory = device.memory();
        let buffer = memory.allocate(bytes, memory.working_stream())?;
        Ok(Self::of(buffer, layout, dtype, device.clone()))
    }

    /// A tensor in this buffer of a device, which holds all of it.
    fn of(buffer: Buffer, layout: Arc<Layout>, dtype: DType, device: Device) -> Self {
        Self { storage: Arc::new(Storage { buffer, device }), layout, dtype }
    }

    /// The operand for a backend.
    pub(crate) fn view(&self) -> Result<View<'_>> {
        View::new(self.buffer(), &self.layout, self.dtype)
    }

    /// The same buffer under another layout.
    pub(crate) fn with_layout(&self, layout: Layout) -> Self {
        Self { storage: self.storage.clone(), layout: Arc::new(layout), dtype: self.dtype }
    }

    /// A contiguous layout of this shape from the start of a buffer: its own, where it lies so.
    fn own_layout(&self) -> Arc<Layout> {
        if self.layout.offset() == 0 && self.layout.is_contiguous() {
            self.layout.clone()
        } else {
            Arc::new(Layout::contiguous(self.shape().clone()))
        }
    }

    /// Fails unless both are on one device.
    pub(crate) fn check_device(&self, operation: &'static str, other: &Self) -> Result<()> {
        if self.device().is_same(other.device()) {
            return Ok(());
        }
        let (a, b) = (self.device().name(), other.device().name());
        let which = if a == b { format!("two {a} devices, each with its own memory") } else { format!("{a} and {b}") };
        Err(Error::argument(operation, format!("tensors are on different devices ({which}): move one with to_device")))
    }

    /// Fails unless both have one element type.
    pub(crate) fn check_dtype(&self, operation: &'static str, other: &Self) -> Result<()> {
        if self.dtype == other.dtype {
            return Ok(());
        }
        Err(Error::dtype(operation, &[self.dtype, other.dtype], "differ: cast one of them"))
    }

    /// Fails unless elements are floating point.
    pub(crate) fn check_float(&self, operation: &'static str) -> Result<()> {
        if self.dtype.is_float() {
            return Ok(());
        }
        Err(Error::dtype(operation, &[self.dtype], "is not floating point: cast it"))
    }

    /// Fails unless it has `rank` axes.
    pub(crate) fn check_rank(&self, operation: &'static str, rank: usize) -> Result<()> {
        if self.shape().rank() == rank {
            return Ok(());
        }
        let rule = format!("has {} axes, {rank} are needed", self.shape().rank());
        Err(Error::shape(operation, &[self.shape()], rule))
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({}, {}, {})", self.shape(), self.dtype, self.device().name())
    }
}
