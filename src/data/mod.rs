//! Labelled images to learn from: the embedded handwriting, a generator of any size, and MNIST-style folders.
//!
//! A [`Dataset`] is plain bytes and knows nothing of tensors; [`Batches`] gives the sample indices of each step, and
//! [`Dataset::normalise`] writes those samples as floats wherever the caller wants them.
//!
//! ```
//! let digits = rectify::data::digits()?;
//! let batches = rectify::data::Batches::new(digits.train.samples(), 64)?.shuffled(7);
//! let mut pixels = vec![0.0; 64 * 8 * 8];
//! for indices in batches.epoch(0) {
//!     let pixels = &mut pixels[..indices.len() * 64];
//!     digits.train.normalise(&indices, rectify::data::Normalisation::UNIT, pixels)?;
//!     let labels = digits.train.labels_at(&indices)?;
//!     assert_eq!(labels.len() * 64, pixels.len());
//! }
//! # Ok::<(), rectify::Error>(())
//! ```

mod batches;
mod dataset;
mod digits;
pub mod idx;
mod normalise;
pub mod synthetic;

pub use batches::{Batches, Epoch};
pub use dataset::{Dataset, Geometry, Split};
pub use digits::digits;
pub use normalise::Normalisation;
pub use synthetic::synthetic;
