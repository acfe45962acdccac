//! Pixels as floats.

use crate::data::Dataset;
use crate::{Error, Result};

/// How a pixel becomes a float: its share of the maximum, less a mean, over a deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalisation {
    mean: f32,
    deviation: f32,
}

impl Normalisation {
    /// 0 for an empty pixel, 1 for a fully inked one.
    pub const UNIT: Self = Self { mean: 0.0, deviation: 1.0 };

    /// Shifts by `mean` and divides by `deviation`, both as shares of the maximum.
    ///
    /// # Errors
    /// [`Error::Argument`] unless both are finite and the deviation is positive.
    pub fn new(mean: f32, deviation: f32) -> Result<Self> {
        if mean.is_finite() && deviation.is_finite() && deviation > 0.0 {
            return Ok(Self { mean, deviation });
        }
        let rule = format!("mean {mean} and deviation {deviation} must be finite, and the deviation above 0");
        Err(Error::argument("normalisation", rule))
    }

    /// The one that gives the pixels of `dataset` mean 0 and deviation 1; images all alike keep their deviation of 0.
    pub fn of(dataset: &Dataset) -> Self {
        let mut counts = [0u64; 256];
        for &pixel in dataset.pixels() {
            counts[usize::from(pixel)] += 1;
        }
        let maximum = f64::from(dataset.geometry().maximum.max(1));
        let total = dataset.pixels().len() as f64;
        let average = |term: &dyn Fn(f64) -> f64| {
            counts.iter().zip(0u16..).map(|(&n, pixel)| n as f64 * term(f64::from(pixel) / maximum)).sum::<f64>()
                / total
        };
        let mean = average(&|share| share);
        let deviation = average(&|share| (share - mean).powi(2)).sqrt();
        Self { mean: mean as f32, deviation: if deviation > 0.0 { deviation as f32 } else { 1.0 } }
    }

    /// The mean taken away, as a share of the maximum.
    pub fn mean(&self) -> f32 {
        self.mean
    }

    /// The deviation divided by, as a share of the maximum.
    pub fn deviation(&self) -> f32 {
        self.deviation
    }

    /// What each of the 256 pixel values becomes.
    fn table(self, maximum: u8) -> [f32; 256] {
        let maximum = f32::from(maximum.max(1));
        std::array::from_fn(|pixel| (pixel as f32 / maximum - self.mean) / self.deviation)
    }
}

impl Dataset {
    /// Writes the samples at `indices`, in that order, into `floats`, `[indices, rows, columns]`.
    ///
    /// # Errors
    /// [`Error::Argument`] for an index past the end, or floats that do not hold exactly those samples; then `floats` may
    /// be written in part.
    pub fn normalise(&self, indices: &[usize], by: Normalisation, floats: &mut [f32]) -> Result<()> {
        let size = self.geometry().pixels();
        if indices.len().checked_mul(size) != Some(floats.len()) {
            let rule = format!("{} samples of {size} pixels do not fill {} floats", indices.len(), floats.len());
            return Err(Error::argument("normalise", rule));
        }
        let table = by.table(self.geometry().maximum);
        for (&index, floats) in indices.iter().zip(floats.chunks_exact_mut(size)) {
            let pixels = self.image(index).ok_or_else(|| self.past_the_end("normalise", index))?;
            for (float, &pixel) in floats.iter_mut().zip(pixels) {
                *float = table[usize::from(pixel)];
            }
        }
        Ok(())
    }
}
