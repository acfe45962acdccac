//! Elements on their way to the host.

use std::fmt;

use super::Tensor;
use crate::device::Fetch;
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};

/// The elements of a tensor as they are after the work queued so far, on their way to the host while the device goes on.
pub struct Fetched {
    bytes: Fetch,
    dtype: DType,
    count: usize,
}

impl Tensor {
    /// Begins to copy the elements to the host. Does not wait, for the work that makes them as little as for the copy; what is queued
    /// after this may write over them.
    ///
    /// ```
    /// use rectify::{DType, Device, Tensor};
    /// let x = Tensor::full(&[2], 0.5, DType::F32, &Device::auto()?)?;
    /// let fetched = x.fetch()?;
    /// // queue what comes next
    /// assert_eq!(fetched.to_vec::<f32>()?, [0.5, 0.5]);
    /// # Ok::<(), rectify::Error>(())
    /// ```
    ///
    /// # Errors
    /// The device failed.
    pub fn fetch(&self) -> Result<Fetched> {
        let dense = if self.layout.is_contiguous() && self.layout.offset() == 0 { self.clone() } else { self.copy()? };
        let bytes = self.device().backend().fetch(dense.buffer(), self.shape().bytes(self.dtype)?)?;
        Ok(Fetched { bytes, dtype: self.dtype, count: self.count() })
    }
}

impl Fetched {
    /// The elements, row-major. Waits until they are there, and for nothing queued after that.
    ///
    /// # Errors
    /// `E` is not their type, or the device failed.
    pub fn to_vec<E: Element>(self) -> Result<Vec<E>> {
        if E::DTYPE != self.dtype {
            let rule = format!("cannot be read as {}: cast it first", E::DTYPE);
            return Err(Error::dtype("to_vec", &[self.dtype], rule));
        }
        let mut elements = vec![E::default(); self.count];
        E::as_bytes_mut(&mut elements).copy_from_slice(&(self.bytes)()?);
        Ok(elements)
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetched({} of {})", self.count, self.dtype)
    }
}
