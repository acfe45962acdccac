//! Labelled images as plain bytes.

use std::fmt;

use crate::{Error, Result};

/// The form of every image of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Pixels from top to bottom.
    pub rows: usize,
    /// Pixels from left to right.
    pub columns: usize,
    /// The value of a fully inked pixel; 0 is an empty one.
    pub maximum: u8,
}

impl Geometry {
    /// Pixels of one image. Saturates; no set is that large.
    pub fn pixels(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }
}

/// Images of one geometry with a label each; never empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Dataset {
    geometry: Geometry,
    pixels: Vec<u8>,
    labels: Vec<u8>,
    classes: usize,
}

/// What to learn from, and what to be judged by. Both sets have the same geometry and classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The samples to learn from.
    pub train: Dataset,
    /// Samples that no training step sees.
    pub test: Dataset,
}

impl Dataset {
    /// A set of `labels.len()` images of `geometry`, `[samples, rows, columns]` in `pixels`, with labels below `classes`.
    ///
    /// # Errors
    /// [`Error::Argument`] for an empty set, sizes that do not match, a label out of range, or a pixel above the maximum.
    pub fn new(geometry: Geometry, pixels: Vec<u8>, labels: Vec<u8>, classes: usize) -> Result<Self> {
        Self::checked(geometry, pixels, labels, classes).map_err(|rule| Error::argument("dataset", rule))
    }

    /// As [`Dataset::new`], with the broken rule bare: a reader of files puts the path in front.
    pub(super) fn checked(
        geometry: Geometry,
        pixels: Vec<u8>,
        labels: Vec<u8>,
        classes: usize,
    ) -> Result<Self, String> {
        if labels.is_empty() || geometry.pixels() == 0 {
            return Err(format!("{} images of {}x{} hold nothing", labels.len(), geometry.rows, geometry.columns));
        }
        if geometry.pixels().checked_mul(labels.len()) != Some(pixels.len()) {
            let (count, Geometry { rows, columns, .. }) = (labels.len(), geometry);
            return Err(format!("{count} labels of {rows}x{columns} images do not match {} pixels", pixels.len()));
        }
        if let Some(at) = labels.iter().position(|&label| usize::from(label) >= classes) {
            return Err(format!("sample {at} has label {}, but labels must be below {classes}", labels[at]));
        }
        if let Some(at) = pixels.iter().position(|&pixel| pixel > geometry.maximum) {
            let (sample, value, maximum) = (at / geometry.pixels(), pixels[at], geometry.maximum);
            return Err(format!("sample {sample} has a pixel of {value}, but pixels must not exceed {maximum}"));
        }
        Ok(Self { geometry, pixels, labels, classes })
    }

    /// How many images, at least one.
    pub fn samples(&self) -> usize {
        self.labels.len()
    }

    /// The form of every image.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// How many classes the labels name; every label is below it.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All pixels, `[samples, rows, columns]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All labels, `[samples]`.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The pixels of one image, `[rows, columns]`; `None` past the end.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let size = self.geometry.pixels();
        let start = index.checked_mul(size)?;
        self.pixels.get(start..start.checked_add(size)?)
    }

    /// The labels of the samples at `indices`, in that order.
    ///
    /// # Errors
    /// [`Error::Argument`] for an index past the end.
    pub fn labels_at(&self, indices: &[usize]) -> Result<Vec<u8>> {
        indices.iter().map(|&i| self.labels.get(i).copied().ok_or_else(|| self.past_the_end("labels", i))).collect()
    }

    /// The samples at `indices`, in that order, as a set of their own.
    ///
    /// # Errors
    /// [`Error::Argument`] for no index at all, or one past the end.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        let labels = self.labels_at(indices)?;
        let mut pixels = Vec::with_capacity(indices.len() * self.geometry.pixels());
        for &index in indices {
            pixels.extend_from_slice(self.image(index).ok_or_else(|| self.past_the_end("select", index))?);
        }
        Self::new(self.geometry, pixels, labels, self.classes)
    }

    pub(super) fn past_the_end(&self, operation: &'static str, index: usize) -> Error {
        Error::argument(operation, format!("sample {index} does not exist: the set has {}", self.samples()))
    }
}

/// The form only: the pixels of a set would fill screens.
impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("samples", &self.samples())
            .field("geometry", &self.geometry)
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}
