//! Features as floats of a like size.

use std::borrow::Cow;

use crate::data::{Dataset, Features};
use crate::{Error, Result};

/// How a feature becomes what a model sees: less a mean, over a deviation; pixels as their share of the maximum.
///
/// Fit one on the samples to train on, and use it for those to test with: a test that is measured knows too much.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    /// One for all features, or one for each.
    mean: Cow<'static, [f32]>,
    /// As many, all above 0.
    deviation: Cow<'static, [f32]>,
}

impl Normalisation {
    /// 0 for an empty pixel, 1 for a fully inked one; floats as they are.
    pub const UNIT: Self = Self { mean: Cow::Borrowed(&[0.0]), deviation: Cow::Borrowed(&[1.0]) };

    /// Shifts all by `mean` and divides by `deviation`; for pixels both are shares of the maximum.
    ///
    /// # Errors
    /// [`Error::Argument`] unless both are finite and the deviation is positive.
    pub fn new(mean: f32, deviation: f32) -> Result<Self> {
        Self::each(vec![mean], vec![deviation])
    }

    /// Shifts each feature by its `mean` and divides it by its `deviation`.
    ///
    /// # Errors
    /// [`Error::Argument`] unless there are as many of both, all finite, and the deviations positive.
    pub fn each(mean: Vec<f32>, deviation: Vec<f32>) -> Result<Self> {
        if mean.is_empty() || mean.len() != deviation.len() {
            let rule = format!("{} means and {} deviations do not match", mean.len(), deviation.len());
            return Err(Error::argument("normalisation", rule));
        }
        let fine = |(mean, deviation): (&f32, &f32)| mean.is_finite() && deviation.is_finite() && *deviation > 0.0;
        if let Some(at) = mean.iter().zip(&deviation).position(|pair| !fine(pair)) {
            let (mean, deviation) = (mean[at], deviation[at]);
            let rule = format!("mean {mean} and deviation {deviation} must be finite, and the deviation above 0");
            return Err(Error::argument("normalisation", rule));
        }
        Ok(Self { mean: mean.into(), deviation: deviation.into() })
    }

    /// The one that gives all features of `dataset` together mean 0 and deviation 1; features all alike keep their deviation of 0.
    pub fn of(dataset: &Dataset) -> Self {
        Self::fitted(dataset, 1)
    }

    /// The one that gives each feature of `dataset` mean 0 and deviation 1; a feature that never changes becomes 0.
    pub fn per_feature(dataset: &Dataset) -> Self {
        Self::fitted(dataset, dataset.geometry().features())
    }

    /// The one that gives each of the numbers to predict of `dataset` mean 0 and deviation 1; [`UNIT`](Self::UNIT) for classes.
    pub fn of_values(dataset: &Dataset) -> Self {
        match dataset.values() {
            [] => Self::UNIT,
            values => Self::fitted_to(values.len(), dataset.value_names().len(), |call| {
                values.iter().enumerate().for_each(|(at, &value)| call(at, value));
            }),
        }
    }

    /// The one that takes each feature of `dataset` from 0, its least value, to 1, its greatest; a feature that never
    /// changes becomes 0.
    pub fn min_max(dataset: &Dataset) -> Self {
        let size = dataset.geometry().features();
        let (mut least, mut most) = (vec![f32::INFINITY; size], vec![f32::NEG_INFINITY; size]);
        dataset.for_each_feature(|at, value| {
            let at = at % size;
            (least[at], most[at]) = (least[at].min(value), most[at].max(value));
        });
        let range = least.iter().zip(&most).map(|(least, most)| divisor(f64::from(*most) - f64::from(*least)));
        let range = range.collect::<Vec<_>>();
        Self { mean: least.into(), deviation: range.into() }
    }

    fn fitted(dataset: &Dataset, count: usize) -> Self {
        Self::fitted_to(dataset.features().len(), count, |call| dataset.for_each_feature(call))
    }

    /// Mean and deviation of `count` columns of `total` numbers, which `for_each` calls with in turn, in two passes: the second is
    /// exact where the first was rounded.
    fn fitted_to(total: usize, count: usize, for_each: impl Fn(&mut dyn FnMut(usize, f32))) -> Self {
        let each = total as f64 / count as f64;
        let (mut mean, mut square) = (vec![0.0; count], vec![0.0; count]);
        for_each(&mut |at, value| mean[at % count] += f64::from(value));
        mean.iter_mut().for_each(|sum| *sum /= each);
        for_each(&mut |at, value| square[at % count] += (f64::from(value) - mean[at % count]).powi(2));
        let deviation = square.into_iter().map(|sum| divisor((sum / each).sqrt())).collect::<Vec<_>>();
        Self { mean: mean.into_iter().map(|mean| mean as f32).collect(), deviation: deviation.into() }
    }

    /// The same, of samples with so many features, but that it leaves those of these places as they are.
    ///
    /// # Errors
    /// [`Error::Argument`] for a place that is not there.
    pub fn but_for(self, places: &[usize], features: usize) -> Result<Self> {
        let each = |numbers: &[f32]| if numbers.len() == 1 { vec![numbers[0]; features] } else { numbers.to_vec() };
        let (mut mean, mut deviation) = (each(&self.mean), each(&self.deviation));
        for &place in places {
            let (Some(mean), Some(deviation)) = (mean.get_mut(place), deviation.get_mut(place)) else {
                return Err(Error::argument("normalisation", format!("there is no feature {place} of {features}")));
            };
            (*mean, *deviation) = (0.0, 1.0);
        }
        Self::each(mean, deviation)
    }

    /// The means taken away, one for all features or one for each; for pixels as shares of the maximum.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The deviations divided by, as many.
    pub fn deviation(&self) -> &[f32] {
        &self.deviation
    }

    /// Fails unless it is for samples of so many numbers.
    pub(super) fn check(&self, numbers: usize) -> Result<()> {
        if [1, numbers].contains(&self.mean.len()) {
            return Ok(());
        }
        let rule = format!("a normalisation of {} features does not fit samples of {numbers}", self.mean.len());
        Err(Error::argument("normalise", rule))
    }

    /// Undoes it: the number at place `place` of a sample, normalised, as it was.
    pub fn undo(&self, place: usize, normalised: f64) -> f64 {
        let of = |numbers: &[f32]| f64::from(numbers[place % numbers.len()]);
        normalised * of(&self.deviation) + of(&self.mean)
    }

    /// Normalises one sample in place.
    pub(super) fn apply(&self, sample: &mut [f32]) {
        match (&*self.mean, &*self.deviation) {
            ([mean], [deviation]) => sample.iter_mut().for_each(|value| *value = (*value - mean) / deviation),
            (mean, deviation) => {
                for (value, (mean, deviation)) in sample.iter_mut().zip(mean.iter().zip(deviation)) {
                    *value = (*value - mean) / deviation;
                }
            }
        }
    }
}

/// What to divide by for a spread: 1 where there is none, or none that f32 can divide by.
fn divisor(spread: f64) -> f32 {
    let spread = (spread as f32).min(f32::MAX);
    if spread > 0.0 { spread } else { 1.0 }
}

impl Dataset {
    /// Writes the samples at `indices`, in that order, into `floats`, `[indices, channels, rows, columns]`.
    ///
    /// # Errors
    /// [`Error::Argument`] for an index past the end, floats that do not hold exactly those samples, or a normalisation of
    /// another number of features; then `floats` may be written in part.
    pub fn normalise(&self, indices: &[usize], by: &Normalisation, floats: &mut [f32]) -> Result<()> {
        let size = self.geometry().features();
        if indices.len().checked_mul(size) != Some(floats.len()) {
            let rule = format!("{} samples of {size} features do not fill {} floats", indices.len(), floats.len());
            return Err(Error::argument("normalise", rule));
        }
        by.check(size)?;
        let shades = self.shades(by);
        for (&index, floats) in indices.iter().zip(floats.chunks_exact_mut(size)) {
            if index >= self.samples() {
                return Err(self.past_the_end("normalise", index));
            }
            let place = index * size..(index + 1) * size;
            match (self.features(), &shades) {
                (Features::Bytes(pixels), Some(shades)) => {
                    floats.iter_mut().zip(&pixels[place]).for_each(|(float, &p)| *float = shades[usize::from(p)]);
                    continue;
                }
                (Features::Bytes(pixels), None) => {
                    let maximum = self.maximum();
                    floats.iter_mut().zip(&pixels[place]).for_each(|(float, &p)| *float = f32::from(p) / maximum);
                }
                (Features::Floats(numbers), _) => floats.copy_from_slice(&numbers[place]),
            }
            by.apply(floats);
        }
        Ok(())
    }

    /// What each value of a pixel becomes, where that is the same for all pixels: looking it up is faster than dividing twice.
    fn shades(&self, by: &Normalisation) -> Option<[f32; 256]> {
        if !matches!(self.features(), Features::Bytes(_)) || by.mean.len() != 1 || by.deviation.len() != 1 {
            return None;
        }
        let mut shades = std::array::from_fn(|pixel| pixel as f32 / self.maximum());
        by.apply(&mut shades);
        Some(shades)
    }

    /// Calls with the place of each feature in the set and its value; pixels as shares of the maximum.
    fn for_each_feature(&self, mut call: impl FnMut(usize, f32)) {
        let maximum = self.maximum();
        match self.features() {
            Features::Bytes(pixels) => {
                pixels.iter().enumerate().for_each(|(at, &pixel)| call(at, f32::from(pixel) / maximum));
            }
            Features::Floats(numbers) => numbers.iter().enumerate().for_each(|(at, &number)| call(at, number)),
        }
    }

    fn maximum(&self) -> f32 {
        f32::from(self.geometry().maximum.max(1))
    }
}
