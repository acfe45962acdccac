//! Samples of one form in plain memory, each with a class or with numbers to predict.

use std::fmt;

use crate::data::{Features, Normalisation, Targets};
use crate::{Error, Result};

/// The form of every sample of a set: an image, or a row of features (one row, one channel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Planes of an image: 1 where it is grey, 3 for red, green and blue.
    pub channels: usize,
    /// Pixels from top to bottom.
    pub rows: usize,
    /// Pixels from left to right.
    pub columns: usize,
    /// The value of a fully inked pixel, where features are bytes; 0 is an empty one.
    pub maximum: u8,
}

impl Geometry {
    /// Images that use the whole byte.
    pub fn image(channels: usize, rows: usize, columns: usize) -> Self {
        Self { channels, rows, columns, maximum: u8::MAX }
    }

    /// `features` numbers in a row.
    pub fn row(features: usize) -> Self {
        Self::image(1, 1, features)
    }

    /// Numbers in one sample: `channels * rows * columns`. Saturates; no set is that large.
    pub fn features(&self) -> usize {
        self.channels.saturating_mul(self.rows).saturating_mul(self.columns)
    }
}

/// `28x28`, and with more than one channel `3x28x28`.
impl fmt::Display for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.channels != 1 {
            write!(f, "{}x", self.channels)?;
        }
        write!(f, "{}x{}", self.rows, self.columns)
    }
}

/// Samples of one geometry with a target each; never empty.
#[derive(Clone, PartialEq)]
pub struct Dataset {
    geometry: Geometry,
    features: Features,
    targets: Targets,
}

/// What to learn from, and what to be judged by. Both sets have the same geometry and classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// The samples to learn from.
    pub train: Dataset,
    /// Samples that no training step sees.
    pub test: Dataset,
}

impl Dataset {
    /// The most classes a set can have: every pair of them is counted when a model is judged.
    pub const MAX_CLASSES: usize = 1 << 12;

    /// A set of `labels.len()` images of `geometry`, `[samples, channels, rows, columns]` in `pixels`, with labels below
    /// `classes`.
    ///
    /// # Errors
    /// [`Error::Argument`] for an empty set, sizes that do not match, a label out of range, or a pixel above the maximum.
    pub fn new(geometry: Geometry, pixels: Vec<u8>, labels: Vec<u32>, classes: usize) -> Result<Self> {
        let targets = Targets::numbered(labels, classes).map_err(|rule| Error::argument("dataset", rule))?;
        Self::from_parts(geometry, pixels.into(), targets)
    }

    /// A set of any features, `[samples, channels, rows, columns]`, with any targets, one for each sample.
    ///
    /// ```
    /// use rectify::data::{Dataset, Geometry, Targets};
    /// let targets = Targets::Values { values: vec![1.0, -1.0], names: vec!["height".into()] };
    /// let set = Dataset::from_parts(Geometry::row(3), vec![0.5f32; 6].into(), targets)?;
    /// assert_eq!((set.samples(), set.classes()), (2, 0));
    /// # Ok::<(), rectify::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Argument`] as for [`Dataset::new`], and for a number that is not finite.
    pub fn from_parts(geometry: Geometry, features: Features, targets: Targets) -> Result<Self> {
        Self::checked(geometry, features, targets).map_err(|rule| Error::argument("dataset", rule))
    }

    /// As [`Dataset::from_parts`], with the broken rule bare: a reader of files puts the path in front.
    pub(super) fn checked(geometry: Geometry, features: Features, targets: Targets) -> Result<Self, String> {
        let (count, size) = (targets.samples(), geometry.features());
        if count == 0 || size == 0 {
            return Err(format!("{count} samples of {geometry} hold nothing"));
        }
        if size.checked_mul(count) != Some(features.len()) {
            return Err(format!("{count} targets of {geometry} samples do not match {} features", features.len()));
        }
        targets.check()?;
        features.check(size, geometry.maximum)?;
        Ok(Self { geometry, features, targets })
    }

    /// How many samples, at least one.
    pub fn samples(&self) -> usize {
        self.targets.samples()
    }

    /// The form of every sample.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// All features, `[samples, channels, rows, columns]`.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// All targets.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// How many classes the labels name; every label is below it. 0 where the targets are numbers.
    pub fn classes(&self) -> usize {
        self.class_names().len()
    }

    /// The names of the classes, by label; none where the targets are numbers.
    pub fn class_names(&self) -> &[String] {
        match &self.targets {
            Targets::Classes { names, .. } => names,
            Targets::Values { .. } => &[],
        }
    }

    /// All pixels, `[samples, channels, rows, columns]`; none where the features are floats.
    pub fn pixels(&self) -> &[u8] {
        match &self.features {
            Features::Bytes(pixels) => pixels,
            Features::Floats(_) => &[],
        }
    }

    /// All labels, `[samples]`; none where the targets are numbers.
    pub fn labels(&self) -> &[u32] {
        match &self.targets {
            Targets::Classes { labels, .. } => labels,
            Targets::Values { .. } => &[],
        }
    }

    /// The names of the numbers to predict; none where the targets are classes.
    pub fn value_names(&self) -> &[String] {
        match &self.targets {
            Targets::Values { names, .. } => names,
            Targets::Classes { .. } => &[],
        }
    }

    /// All numbers to predict, `[samples, names]`; none where the targets are classes.
    pub fn values(&self) -> &[f32] {
        match &self.targets {
            Targets::Values { values, .. } => values,
            Targets::Classes { .. } => &[],
        }
    }

    /// The pixels of one image, `[channels, rows, columns]`; `None` past the end or where features are floats.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let size = self.geometry.features();
        let start = index.checked_mul(size)?;
        self.pixels().get(start..start.checked_add(size)?)
    }

    /// The labels of the samples at `indices`, in that order.
    ///
    /// # Errors
    /// [`Error::Argument`] for an index past the end, or where the targets are numbers.
    pub fn labels_at(&self, indices: &[usize]) -> Result<Vec<u32>> {
        let Targets::Classes { labels, .. } = &self.targets else {
            return Err(Error::argument("labels", "the targets of the set are numbers, not classes"));
        };
        indices.iter().map(|&i| labels.get(i).copied().ok_or_else(|| self.past_the_end("labels", i))).collect()
    }

    /// The numbers to predict of the samples at `indices`, in that order, normalised. Shape `[indices, names]`.
    ///
    /// # Errors
    /// [`Error::Argument`] for an index past the end, a normalisation of another number of them, or where the targets are classes.
    pub fn values_at(&self, indices: &[usize], by: &Normalisation) -> Result<Vec<f32>> {
        let Targets::Values { values, names } = &self.targets else {
            return Err(Error::argument("values", "the targets of the set are classes, not numbers"));
        };
        if let Some(&index) = indices.iter().find(|&&index| index >= self.samples()) {
            return Err(self.past_the_end("values", index));
        }
        let mut chosen = Vec::with_capacity(indices.len() * names.len());
        for &index in indices {
            chosen.extend_from_slice(&values[index * names.len()..(index + 1) * names.len()]);
        }
        by.check(names.len())?;
        chosen.chunks_exact_mut(names.len()).for_each(|sample| by.apply(sample));
        Ok(chosen)
    }

    /// The same with pixels as the numbers that they are, not as shares of a maximum.
    #[must_use]
    pub fn with_numbers(self) -> Self {
        let features = match self.features {
            Features::Bytes(pixels) => Features::Floats(pixels.into_iter().map(f32::from).collect()),
            numbers @ Features::Floats(_) => numbers,
        };
        Self { features, ..self }
    }

    /// The samples at `indices`, in that order, as a set of their own.
    ///
    /// # Errors
    /// [`Error::Argument`] for no index at all, or one past the end.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        if let Some(&index) = indices.iter().find(|&&index| index >= self.samples()) {
            return Err(self.past_the_end("select", index));
        }
        let features = self.features.select(indices, self.geometry.features());
        Self::from_parts(self.geometry, features, self.targets.select(indices))
    }

    pub(super) fn past_the_end(&self, operation: &'static str, index: usize) -> Error {
        Error::argument(operation, format!("sample {index} does not exist: the set has {}", self.samples()))
    }
}

/// The form only: the features of a set would fill screens.
impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("samples", &self.samples())
            .field("geometry", &self.geometry)
            .field("classes", &self.classes())
            .finish_non_exhaustive()
    }
}
