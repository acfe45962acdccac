//! What a sample is made of: features to see and a target to predict.

use crate::data::Dataset;

/// The features of every sample, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub enum Features {
    /// Pixels.
    Bytes(Vec<u8>),
    /// Measurements.
    Floats(Vec<f32>),
}

impl From<Vec<u8>> for Features {
    fn from(pixels: Vec<u8>) -> Self {
        Self::Bytes(pixels)
    }
}

impl From<Vec<f32>> for Features {
    fn from(numbers: Vec<f32>) -> Self {
        Self::Floats(numbers)
    }
}

impl Features {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(pixels) => pixels.len(),
            Self::Floats(numbers) => numbers.len(),
        }
    }

    /// The rule that the features of samples of this `size` break.
    pub(super) fn check(&self, size: usize, maximum: u8) -> Result<(), String> {
        match self {
            Self::Bytes(pixels) => match pixels.iter().position(|&pixel| pixel > maximum) {
                Some(at) => {
                    let (sample, value) = (at / size, pixels[at]);
                    Err(format!("sample {sample} has a pixel of {value}, but pixels must not exceed {maximum}"))
                }
                None => Ok(()),
            },
            Self::Floats(numbers) => match numbers.iter().position(|number| !number.is_finite()) {
                Some(at) => Err(format!("feature {} of sample {} is {}", at % size, at / size, numbers[at])),
                None => Ok(()),
            },
        }
    }

    pub(super) fn select(&self, indices: &[usize], size: usize) -> Self {
        match self {
            Self::Bytes(pixels) => Self::Bytes(rows(pixels, indices, size)),
            Self::Floats(numbers) => Self::Floats(rows(numbers, indices, size)),
        }
    }
}

/// What to predict of every sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// A class each.
    Classes {
        /// `[samples]`, each below the number of names.
        labels: Vec<u32>,
        /// The names of the classes, by label.
        names: Vec<String>,
    },
    /// Numbers each, for regression.
    Values {
        /// `[samples, names]`.
        values: Vec<f32>,
        /// The names of the numbers of a sample, at least one.
        names: Vec<String>,
    },
}

impl Targets {
    /// Labels below `classes`, whose names are their numbers.
    pub(super) fn numbered(labels: Vec<u32>, classes: usize) -> Result<Self, String> {
        if classes > Dataset::MAX_CLASSES {
            return Err(format!("{classes} classes are more than the {} that can be", Dataset::MAX_CLASSES));
        }
        Ok(Self::Classes { labels, names: (0..classes).map(|class| class.to_string()).collect() })
    }

    /// Zeros, for so many samples of which nothing is known.
    pub(super) fn none(samples: usize) -> Self {
        Self::Values { values: vec![0.0; samples], names: vec![String::new()] }
    }

    pub(super) fn samples(&self) -> usize {
        match self {
            Self::Classes { labels, .. } => labels.len(),
            Self::Values { values, names } => values.len().checked_div(names.len()).unwrap_or(0),
        }
    }

    /// The rule that the targets break.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Classes { labels, names } => {
                let classes = names.len();
                if classes > Dataset::MAX_CLASSES {
                    return Err(format!("{classes} classes are more than the {} that can be", Dataset::MAX_CLASSES));
                }
                match labels.iter().position(|&label| label as usize >= classes) {
                    Some(at) => {
                        Err(format!("sample {at} has label {}, but labels must be below {classes}", labels[at]))
                    }
                    None => Ok(()),
                }
            }
            Self::Values { values, names } => {
                let width = names.len();
                if !values.len().is_multiple_of(width) {
                    return Err(format!("{} values cannot be cut into {width} for each sample", values.len()));
                }
                match values.iter().position(|value| !value.is_finite()) {
                    Some(at) => Err(format!("the target of sample {} is {}", at / width, values[at])),
                    None => Ok(()),
                }
            }
        }
    }

    pub(super) fn select(&self, indices: &[usize]) -> Self {
        match self {
            Self::Classes { labels, names } => Self::Classes { labels: rows(labels, indices, 1), names: names.clone() },
            Self::Values { values, names } => {
                Self::Values { values: rows(values, indices, names.len()), names: names.clone() }
            }
        }
    }
}

/// The rows of `size` at `indices`, all of which exist.
fn rows<T: Copy>(values: &[T], indices: &[usize], size: usize) -> Vec<T> {
    let mut chosen = Vec::with_capacity(indices.len() * size);
    for &index in indices {
        chosen.extend_from_slice(&values[index * size..(index + 1) * size]);
    }
    chosen
}
