//! The parameters of a model as weights of a file: with the names and the arrangement that PyTorch's modules have, so that
//! `load_state_dict` takes them.

use super::weights::{NamedTensor, Weights};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::Parameters;
use crate::tensor::Tensor;

/// What PyTorch's batch normalisation counts beside its statistics, and nothing here needs.
const COUNTED_BATCHES: &str = ".num_batches_tracked";

impl Weights {
    /// The parameters of a model, statistics among them, without metadata.
    ///
    /// # Errors
    /// The device failed.
    pub fn of(model: &impl AsRef<Parameters>) -> Result<Self> {
        let tensors = model.as_ref().iter().map(|parameter| NamedTensor::of(&parameter.name, &parameter.arranged()?));
        Ok(Self { tensors: tensors.collect::<Result<_>>()?, ..Self::default() })
    }

    /// Writes them over the parameters of a model, converted to its element type: each once, none missing, none left over.
    ///
    /// # Errors
    /// Names or shapes that do not match, found before anything is written; or the device failed.
    pub fn load_into(&self, model: &impl AsRef<Parameters>) -> Result<()> {
        let device = model.as_ref().flat().device();
        let tensors = self.tensors.iter().filter(|tensor| !tensor.name.ends_with(COUNTED_BATCHES));
        let tensors = tensors.map(|tensor| Ok((tensor.name.as_str(), tensor.to_tensor(device)?)));
        let tensors = tensors.collect::<Result<Vec<_>>>()?;
        model.as_ref().load_arranged(tensors.iter().map(|(name, tensor)| (*name, tensor)))
    }
}

impl NamedTensor {
    /// A tensor under a name, as a file holds it.
    ///
    /// # Errors
    /// The device failed.
    pub fn of(name: &str, tensor: &Tensor) -> Result<Self> {
        let (dtype, shape) = (tensor.dtype(), tensor.shape().clone());
        let mut bytes = tensor.to_bytes()?;
        reorder(&mut bytes, dtype.size());
        Ok(Self { name: name.to_owned(), dtype, shape, bytes })
    }

    /// The tensor on a device.
    ///
    /// # Errors
    /// Not as many bytes as its shape needs, or memory runs out.
    pub fn to_tensor(&self, device: &Device) -> Result<Tensor> {
        let mut bytes = self.bytes.clone();
        reorder(&mut bytes, self.dtype.size());
        Tensor::from_bytes(&bytes, self.shape.clone(), self.dtype, device)
            .map_err(|error| Error::argument("weights", format!("'{}': {error}", self.name)))
    }
}

/// From the order of bytes of this machine to little endian, or back.
fn reorder(bytes: &mut [u8], size: usize) {
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
}
