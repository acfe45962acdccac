//! Cutting a set into parts: to train, to validate, to test.

use crate::data::batches::shuffle;
use crate::data::{Dataset, Targets};
use crate::formula::philox::Stream;
use crate::{Error, Result};

/// Sets cutting into parts apart from everything else drawn with the same seed.
const STREAM: u32 = u32::from_be_bytes(*b"part");

/// How to cut a set into parts that share no sample.
///
/// ```
/// use rectify::data::{self, Partition};
/// let digits = data::digits()?.train;
/// let parts = Partition::fractions(&[0.8, 0.1, 0.1])?.shuffled(7).stratified().of(&digits)?;
/// let [train, validation, test] = &parts[..] else { unreachable!() };
/// assert_eq!([train, validation, test].map(|part| part.samples()), [1154, 144, 144]);
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    sizes: Sizes,
    seed: Option<u64>,
    stratified: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Sizes {
    Fractions(Vec<f64>),
    Counts(Vec<usize>),
}

impl Partition {
    /// Parts of these shares of the samples, rounded so that the borders between parts lie where they belong; what is
    /// missing to 1 is left out.
    ///
    /// # Errors
    /// [`Error::Argument`] unless all are above 0 and their sum is at most 1.
    pub fn fractions(fractions: &[f64]) -> Result<Self> {
        let sum: f64 = fractions.iter().sum();
        // Tenths do not add up to 1 in binary.
        if fractions.is_empty() || !fractions.iter().all(|&fraction| fraction > 0.0) || sum > 1.0 + 1e-9 {
            let rule = format!("{fractions:?} are not shares of a set: each must be above 0, all together at most 1");
            return Err(Error::argument("partition", rule));
        }
        Ok(Self { sizes: Sizes::Fractions(fractions.to_vec()), seed: None, stratified: false })
    }

    /// Parts of this many samples; what remains is left out.
    ///
    /// # Errors
    /// [`Error::Argument`] unless all are above 0.
    pub fn counts(counts: &[usize]) -> Result<Self> {
        if counts.is_empty() || counts.contains(&0) {
            return Err(Error::argument("partition", format!("{counts:?}: each part must have at least one sample")));
        }
        Ok(Self { sizes: Sizes::Counts(counts.to_vec()), seed: None, stratified: false })
    }

    /// Draws the samples of each part by `seed`; without, the first part has the first samples, and so on.
    #[must_use]
    pub fn shuffled(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Gives every part its share of each class, to within a sample; nothing changes where targets are numbers.
    #[must_use]
    pub fn stratified(self) -> Self {
        Self { stratified: true, ..self }
    }

    /// The parts as sets of their own.
    ///
    /// # Errors
    /// [`Error::Argument`] where the set has too few samples.
    pub fn of(&self, dataset: &Dataset) -> Result<Vec<Dataset>> {
        self.indices(dataset)?.iter().map(|indices| dataset.select(indices)).collect()
    }

    /// The indices of the samples of each part, ascending.
    ///
    /// # Errors
    /// [`Error::Argument`] where the set has too few samples.
    pub fn indices(&self, dataset: &Dataset) -> Result<Vec<Vec<usize>>> {
        let samples = dataset.samples();
        let borders = self.borders(samples)?;
        let mut order = match self.seed {
            Some(seed) => shuffle(samples, Stream::new(seed, [0, 0, STREAM])),
            None => (0..samples).collect(),
        };
        if self.stratified {
            spread_classes(&mut order, dataset.targets());
        }
        let part = |border: &[usize]| {
            let mut part = order[border[0]..border[1]].to_vec();
            part.sort_unstable();
            part
        };
        Ok(borders.windows(2).map(part).collect())
    }

    /// Where each part begins in the order of samples, and where the last one ends.
    fn borders(&self, samples: usize) -> Result<Vec<usize>> {
        let mut borders = vec![0];
        match &self.sizes {
            Sizes::Counts(counts) => {
                let sums = counts.iter().scan(0usize, |sum, &count| {
                    *sum = sum.saturating_add(count);
                    Some(*sum)
                });
                borders.extend(sums);
            }
            Sizes::Fractions(fractions) => {
                let sums = fractions.iter().scan(0.0, |sum, fraction| {
                    *sum += fraction;
                    Some((*sum * samples as f64).round() as usize)
                });
                borders.extend(sums.map(|border| border.min(samples)));
            }
        }
        let whole = borders.windows(2).all(|border| border[0] < border[1]);
        if !whole || borders.last().is_some_and(|&end| end > samples) {
            let asked = match &self.sizes {
                Sizes::Counts(counts) => format!("{counts:?}"),
                Sizes::Fractions(fractions) => format!("shares of {fractions:?}"),
            };
            let rule = format!("{samples} samples are too few for parts of {asked}");
            return Err(Error::argument("partition", rule));
        }
        Ok(borders)
    }
}

/// Orders samples so that any stretch has of each class its share: the `i`th of `n` samples of a class goes to the
/// place `(i + 1/2) / n` between the first and the last.
fn spread_classes(order: &mut Vec<usize>, targets: &Targets) {
    let Targets::Classes { labels, names } = targets else { return };
    let mut totals = vec![0u32; names.len()];
    labels.iter().for_each(|&label| totals[label as usize] += 1);
    let mut seen = vec![0u32; names.len()];
    let mut places: Vec<(f64, usize)> = Vec::with_capacity(order.len());
    for &sample in order.iter() {
        let class = labels[sample] as usize;
        places.push(((f64::from(seen[class]) + 0.5) / f64::from(totals[class]), sample));
        seen[class] += 1;
    }
    // Stable: equals stay in the order drawn.
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    *order = places.into_iter().map(|(_, sample)| sample).collect();
}
