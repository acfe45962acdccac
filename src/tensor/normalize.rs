//! Normalisation by rows, the last axis of a tensor.

use super::Tensor;
use crate::device::{Kernel, Normalize, NormalizeBackward};
use crate::error::{Error, Result, check_setting};
use crate::shape::Shape;

impl Tensor {
    /// Layer normalisation (Ba, Kiros and Hinton 2016): along the last axis (x - mean) / sqrt(variance + epsilon), times `gain`,
    /// plus `shift`, both `[features]`. Mean and variance of 16-bit types are computed in f32.
    ///
    /// # Errors
    /// No axes, shapes that do not fit, types that differ or are not floating point, an epsilon below 0, or memory runs out.
    ///
    /// ```
    /// use rectify::{Device, Tensor};
    /// let device = Device::cpu();
    /// let x = Tensor::from_slice(&[1.0, 3.0, -2.0, -2.0], &[2, 2], &device)?;
    /// let (gain, shift) = (Tensor::from_slice(&[2.0, 2.0], &[2], &device)?, Tensor::from_slice(&[0.0, 5.0], &[2], &device)?);
    /// assert_eq!(x.layer_norm(&gain, &shift, 0.0)?.slice(0, 0..1)?.to_vec::<f64>()?, [-2.0, 7.0]);
    /// assert_eq!(x.layer_norm(&gain, &shift, 1e-5)?.slice(0, 1..2)?.to_vec::<f64>()?, [0.0, 5.0]);
    /// # Ok::<(), rectify::Error>(())
    /// ```
    pub fn layer_norm(&self, gain: &Self, shift: &Self, epsilon: f64) -> Result<Self> {
        Ok(self.normalize(gain, Some(shift), epsilon, false)?.0)
    }

    /// Root mean square normalisation (Zhang and Sennrich 2019): along the last axis x / sqrt(mean of squares + epsilon), times
    /// `gain`, `[features]`. The mean of 16-bit types is computed in f32.
    ///
    /// # Errors
    /// As [`layer_norm`](Self::layer_norm).
    pub fn rms_norm(&self, gain: &Self, epsilon: f64) -> Result<Self> {
        Ok(self.normalize(gain, None, epsilon, false)?.0)
    }

    /// Layer normalisation with a shift, root mean square normalisation without one; and, to keep for the gradient, mean and
    /// scale of every row: shape [rows, 2].
    pub(crate) fn normalize(
        &self,
        gain: &Self,
        shift: Option<&Self>,
        epsilon: f64,
        keep: bool,
    ) -> Result<(Self, Option<Self>)> {
        let operation = if shift.is_some() { "layer_norm" } else { "rms_norm" };
        let sizes = self.check_normalize(operation, gain, shift)?;
        check_setting(operation, "epsilon", epsilon, epsilon >= 0.0 && epsilon.is_finite(), "a number from 0")?;
        let (input, gain) = (self.contiguous()?.reshape(&sizes)?, gain.contiguous()?);
        let shift = shift.map(Self::contiguous).transpose()?;
        let output = Self::uninitialized(Shape::new(&sizes)?, self.dtype, self.device())?;
        let kept = || Self::uninitialized(Shape::new(&[sizes[0], 2])?, self.dtype.compute(), self.device());
        let statistics = if keep { Some(kept()?) } else { None };
        self.device().backend().launch(Kernel::Normalize(Normalize {
            centered: shift.is_some(),
            epsilon,
            input: input.view()?,
            gain: gain.view()?,
            shift: shift.as_ref().map(Self::view).transpose()?,
            output: output.view()?,
            statistics: statistics.as_ref().map(Self::view).transpose()?,
        }))?;
        Ok((output.reshape(self.shape())?, statistics))
    }

    /// Writes the gradients of [`normalize`](Self::normalize) of this input into what is wanted of `[input, gain, shift]`, all
    /// contiguous and of the shapes and types of what they are gradients of.
    pub(crate) fn normalize_backward(
        &self,
        centered: bool,
        gain: &Self,
        statistics: &Self,
        gradient: &Self,
        [input_gradient, gain_gradient, shift_gradient]: [Option<&Self>; 3],
    ) -> Result<()> {
        let sizes = self.rows("layer_norm")?;
        let (input, gain) = (self.contiguous()?.reshape(&sizes)?, gain.contiguous()?);
        let gradient = gradient.contiguous()?.reshape(&sizes)?;
        let input_gradient = input_gradient.map(|gradient| gradient.reshape(&sizes)).transpose()?;
        self.device().backend().launch(Kernel::NormalizeBackward(NormalizeBackward {
            centered,
            input: input.view()?,
            gain: gain.view()?,
            statistics: statistics.view()?,
            gradient: gradient.view()?,
            input_gradient: input_gradient.as_ref().map(Self::view).transpose()?,
            gain_gradient: gain_gradient.map(Self::view).transpose()?,
            shift_gradient: shift_gradient.map(Self::view).transpose()?,
        }))
    }

    /// The sizes [rows, columns] of what is normalised.
    fn check_normalize(&self, operation: &'static str, gain: &Self, shift: Option<&Self>) -> Result<[usize; 2]> {
        self.check_float(operation)?;
        let sizes = self.rows(operation)?;
        for parameter in [gain].into_iter().chain(shift) {
            self.check_device(operation, parameter)?;
            self.check_dtype(operation, parameter)?;
            if parameter.shape().sizes() != &sizes[1..] {
                let rule = "do not fit: an input [.., features] needs a gain and a shift [features]";
                return Err(Error::shape(operation, &[self.shape(), parameter.shape()], rule));
            }
        }
        Ok(sizes)
    }
}
