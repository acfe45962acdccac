//! How many zeros a code has, brought to what it should be.

use crate::error::{Result, check_setting};

/// Steers the factor of a penalty on the magnitudes of a code, so that a given share of the code is exactly 0 (Glorot, Bordes and
/// Bengio 2011: with rectifiers, a penalty on absolute values makes real zeros). More of a penalty makes more of them: each time
/// the share is below the target the factor grows, and shrinks where it is above, by a part that follows the distance.
///
/// ```
/// use rectify::optim::SparsityControl;
/// let mut control = SparsityControl::new(0.8)?;
/// let first = control.factor();
/// assert!(control.observe(0.5) > first, "too few zeros");
/// let more = control.factor();
/// assert!(control.observe(0.9) < more, "too many");
/// // Each step: loss + control.factor() * code.abs().mean(), and now and then control.observe(share of zeros).
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SparsityControl {
    target: f64,
    gain: f64,
    factor: f64,
}

impl SparsityControl {
    /// A control towards this share of zeros, with a factor of 0.001 at first and a gain of 0.1.
    ///
    /// # Errors
    /// The target is not above 0 and below 1.
    pub fn new(target: f64) -> Result<Self> {
        check_setting("sparsity", "target", target, target > 0.0 && target < 1.0, "above 0 and below 1")?;
        Ok(Self { target, gain: 0.1, factor: 1e-3 })
    }

    /// The factor at first.
    ///
    /// # Errors
    /// Not a number above 0.
    pub fn factor_at_first(mut self, factor: f64) -> Result<Self> {
        check_setting("sparsity", "factor", factor, factor > 0.0, "a number above 0")?;
        self.factor = factor;
        Ok(self)
    }

    /// How strongly the factor follows: it is multiplied by e^(gain * distance) each time.
    ///
    /// # Errors
    /// Not a number above 0.
    pub fn gain(mut self, gain: f64) -> Result<Self> {
        check_setting("sparsity", "gain", gain, gain > 0.0, "a number above 0")?;
        self.gain = gain;
        Ok(self)
    }

    /// What the mean magnitude of the code is multiplied by in the loss.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// Takes in the share of zeros there is; gives the factor to go on with.
    pub fn observe(&mut self, zeros: f64) -> f64 {
        if zeros.is_finite() {
            self.factor = (self.factor * (self.gain * (self.target - zeros)).exp()).clamp(1e-12, 1e12);
        }
        self.factor
    }
}
