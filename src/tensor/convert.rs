//! To and from the host: slices, single numbers and `ndarray`.

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use super::Tensor;
use crate::device::Device;
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::shape::Shape;

impl Tensor {
    /// The elements, row-major.
    ///
    /// # Errors
    /// `E` is not the tensor's element type, or the device failed.
    pub fn to_vec<E: Element>(&self) -> Result<Vec<E>> {
        if E::DTYPE != self.dtype {
            let rule = format!("cannot be read as {}: cast it first", E::DTYPE);
            return Err(Error::dtype("to_vec", &[self.dtype], rule));
        }
        let dense = if self.layout.is_contiguous() && self.layout.offset() == 0 { self.clone() } else { self.copy()? };
        let mut elements = vec![E::default(); self.count()];
        self.device().backend().download(dense.buffer(), E::as_bytes_mut(&mut elements))?;
        Ok(elements)
    }

    /// The elements' bytes, row-major, as this machine has them in memory.
    ///
    /// # Errors
    /// The device failed.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let dense = if self.layout.is_contiguous() && self.layout.offset() == 0 { self.clone() } else { self.copy()? };
        let mut bytes = vec![0; self.shape().bytes(self.dtype)?];
        self.device().backend().download(dense.buffer(), &mut bytes)?;
        Ok(bytes)
    }

    /// From bytes as [`to_bytes`](Self::to_bytes) gives them.
    ///
    /// # Errors
    /// Not as many bytes as the shape needs, or memory runs out.
    pub fn from_bytes(bytes: &[u8], shape: Shape, dtype: DType, device: &Device) -> Result<Self> {
        if bytes.len() != shape.bytes(dtype)? {
            let rule = format!("of {dtype} needs {} bytes, {} were given", shape.bytes(dtype)?, bytes.len());
            return Err(Error::shape("from_bytes", &[&shape], rule));
        }
        let tensor = Self::uninitialized(shape, dtype, device)?;
        device.backend().upload(bytes, tensor.buffer())?;
        Ok(tensor)
    }

    /// The one element, as f64.
    ///
    /// # Errors
    /// There is not exactly one.
    pub fn item(&self) -> Result<f64> {
        if self.count() != 1 {
            return Err(Error::shape("item", &[self.shape()], "does not hold exactly one element"));
        }
        Ok(self.cast(crate::DType::F64)?.to_vec::<f64>()?[0])
    }

    /// The same tensor on another device.
    ///
    /// # Errors
    /// Memory runs out there, or a device failed.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        if self.device().is_same(device) {
            return Ok(self.clone());
        }
        Self::from_bytes(&self.to_bytes()?, self.shape().clone(), self.dtype, device)
    }

    /// From an `ndarray` of any layout.
    ///
    /// # Errors
    /// More axes than [`MAX_RANK`](crate::shape::MAX_RANK), or memory runs out.
    pub fn from_ndarray<E: Element>(array: ArrayViewD<'_, E>, device: &Device) -> Result<Self> {
        match array.as_slice() {
            Some(elements) => Self::from_slice(elements, array.shape(), device),
            None => Self::from_slice(&array.iter().copied().collect::<Vec<_>>(), array.shape(), device),
        }
    }

    /// As an `ndarray`.
    ///
    /// # Errors
    /// `E` is not the tensor's element type, or the device failed.
    pub fn to_ndarray<E: Element>(&self) -> Result<ArrayD<E>> {
        let elements = self.to_vec()?;
        ArrayD::from_shape_vec(IxDyn(self.shape()), elements)
            .map_err(|cause| Error::shape("to_ndarray", &[self.shape()], format!("is refused by ndarray: {cause}")))
    }
}
