//! Tensors on their way to a device while it works on something else.

use std::sync::Arc;

use super::Tensor;
use crate::device::Device;
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::memory::Buffer;
use crate::shape::{Layout, Shape};

/// A tensor whose elements are being copied to a device, beside the work queued there.
///
/// ```
/// use rectify::{Device, tensor::Prefetched};
/// let next = Prefetched::new(&[1.0f32, 2.0], &[2], &Device::auto()?)?;
/// // work on the batch at hand
/// assert_eq!(next.arrive()?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug)]
pub struct Prefetched {
    device: Device,
    buffer: Buffer,
    shape: Shape,
    dtype: DType,
}

impl Prefetched {
    /// Begins to copy these elements, row-major. The slice is free again when this returns.
    ///
    /// # Errors
    /// The number of elements is not that of the shape, memory runs out, or the device failed.
    pub fn new<E: Element>(elements: &[E], sizes: &[usize], device: &Device) -> Result<Self> {
        let shape = Shape::new(sizes)?;
        if elements.len() != shape.count() {
            let rule = format!("needs {} elements, {} were given", shape.count(), elements.len());
            return Err(Error::shape("prefetch", &[&shape], rule));
        }
        let buffer = device.backend().prefetch(E::as_bytes(elements))?;
        Ok(Self { device: device.clone(), buffer, shape, dtype: E::DTYPE })
    }

    /// The tensor: work queued from here on waits for its elements, the host does not.
    ///
    /// # Errors
    /// The device failed.
    pub fn arrive(mut self) -> Result<Tensor> {
        self.device.backend().arrive(&mut self.buffer)?;
        let Self { device, buffer, shape, dtype } = self;
        Ok(Tensor::of(buffer, Arc::new(Layout::contiguous(shape)), dtype, device))
    }

    /// Its size on the device.
    pub fn bytes(&self) -> usize {
        self.buffer.bytes()
    }
}
