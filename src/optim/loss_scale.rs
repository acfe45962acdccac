//! Loss scaling: what keeps small gradients of f16 from becoming 0.

use crate::autograd::{Gradients, Var};
use crate::device::{Device, Seed};
use crate::dtype::DType;
use crate::error::{Result, check_setting};
use crate::formula;
use crate::tensor::Tensor;

formula! {
    /// The scale and the count of good steps after one: halved after gradients that are not finite, for which `broken` is NaN;
    /// doubled after `interval` good ones in a row.
    fn adjust(scale, good, broken; interval) -> 2 = {
        let due = (good + 1.0).ge(interval);
        let grown = due.select((2.0 * scale).min(LARGEST), scale);
        let counted = due.select(0.0, good + 1.0);
        [broken.is_nan().select((0.5 * scale).max(LEAST), grown), broken.is_nan().select(0.0, counted)]
    }
}

/// Below, gradients would be made smaller than they are; above, the loss itself would overflow.
const LEAST: f64 = 1.0;
const LARGEST: f64 = 16_777_216.0;

/// Dynamic loss scaling (Micikevicius et al. 2018) that lives on the device: the host never waits for it.
///
/// Multiply the loss before the backward pass, and [`unscale`](Self::unscale) the gradients after it. Where one of them is not finite
/// the optimiser's step with them changes nothing, and the scale is halved; after a number of good steps in a row it is
/// doubled.
///
/// ```
/// use rectify::nn::Network;
/// use rectify::nn::layer::Dense;
/// use rectify::optim::{LossScale, Rule, Sgd};
/// use rectify::{DType, Device, Tape, Tensor};
///
/// let device = Device::cpu();
/// let network = Network::new(&[4]).add(Dense::new(2)).compute(DType::F16).build(&device)?;
/// let mut sgd = Sgd::new(0.1).for_model(&network)?;
/// let mut scale = LossScale::new(&device)?;
/// let x = Tensor::full(&[3, 4], 0.5, DType::F32, &device)?;
/// let loss = network.forward(&Tape::new(), &x)?.square()?.mean(&[])?;
/// let mut gradients = scale.scaled(&loss)?.backward()?;
/// scale.unscale(&mut gradients)?;
/// sgd.step(&network, &gradients)?;
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug)]
pub struct LossScale {
    /// Shape `[]`, F32, as the count of good steps.
    scale: Tensor,
    good: Tensor,
    interval: f64,
}

impl LossScale {
    /// A scale of 65,536 at first, doubled after 2,000 good steps in a row.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn new(device: &Device) -> Result<Self> {
        let number = |value| Tensor::full(&[], value, DType::F32, device);
        Ok(Self { scale: number(65_536.0)?, good: number(0.0)?, interval: 2000.0 })
    }

    /// After how many good steps in a row the scale is doubled.
    ///
    /// # Errors
    /// 0.
    pub fn interval(mut self, steps: u32) -> Result<Self> {
        check_setting("loss scale", "interval", steps.into(), steps > 0, "a number from 1")?;
        self.interval = steps.into();
        Ok(self)
    }

    /// The loss times the scale.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn scaled(&self, loss: &Var) -> Result<Var> {
        loss.mul(&Var::constant(&self.scale.cast(loss.dtype())?))
    }

    /// Divides gradients by the scale that their loss was multiplied with, or makes all of them NaN where one is not finite, which
    /// tells the optimiser to skip the step; then adjusts the scale.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn unscale(&mut self, gradients: &mut Gradients) -> Result<()> {
        let broken = gradients.divide(&self.scale)?;
        let (formula, own) = (adjust { interval: self.interval }, [&self.scale, &self.good]);
        Tensor::update(&formula, &[own[0], own[1], &broken], &own, Seed::default())
    }

    /// The scale. Shape `[]`: the host waits only if it reads it.
    pub fn scale(&self) -> &Tensor {
        &self.scale
    }

    /// The scale and how many good steps in a row there were since it changed, for a checkpoint. The host waits for both.
    ///
    /// # Errors
    /// The device failed.
    pub fn state(&self) -> Result<(f64, u32)> {
        Ok((self.scale.item()?, self.good.item()? as u32))
    }

    /// Goes on from a checkpoint with this [`state`](Self::state).
    ///
    /// # Errors
    /// Numbers that no scale with this interval comes to: nothing has changed then; or the device failed.
    pub fn restore(&mut self, scale: f64, good_steps: u32) -> Result<()> {
        let range = format!("from {LEAST} to {LARGEST}");
        check_setting("restore", "scale", scale, (LEAST..=LARGEST).contains(&scale), &range)?;
        let (good, range) = (f64::from(good_steps), format!("from 0 to below the interval, {}", self.interval));
        check_setting("restore", "count of good steps", good, good < self.interval, &range)?;
        self.scale.fill(scale)?;
        self.good.fill(good)
    }
}
