//! Samples to learn from: the embedded handwriting, a generator of any size, and readers of files.
//!
//! [`load`] finds out what a path holds: IDX files, images in folders, an `.npz` archive, a table. Nothing that a file declares is
//! believed before the file backs it: sizes are held against its length before memory is taken.
//!
//! A [`Dataset`] is plain memory and knows nothing of tensors; [`Partition`] cuts it into parts; [`Batches`] gives the sample indices
//! of each step, [`Dataset::normalise`] writes those samples as floats wherever the caller wants them, and a [`Loader`] makes
//! tensors of them on a device; a [`Resident`] set lies there as a whole.
//!
//! ```
//! let digits = rectify::data::digits()?;
//! let batches = rectify::data::Batches::new(digits.train.samples(), 64)?.shuffled(7);
//! let mut pixels = vec![0.0; 64 * 8 * 8];
//! for indices in batches.epoch(0) {
//!     let pixels = &mut pixels[..indices.len() * 64];
//!     digits.train.normalise(&indices, &rectify::data::Normalisation::UNIT, pixels)?;
//!     let labels = digits.train.labels_at(&indices)?;
//!     assert_eq!(labels.len() * 64, pixels.len());
//! }
//! # Ok::<(), rectify::Error>(())
//! ```

mod arrays;
mod batches;
mod csv;
mod dataset;
mod digits;
mod file;
pub mod idx;
pub mod images;
mod loader;
mod normalise;
pub mod npy;
pub mod npz;
pub mod one_hot;
mod partition;
mod parts;
mod resident;
mod source;
pub mod synthetic;

pub use batches::{Batches, Epoch};
pub use csv::Table;
pub use dataset::{Dataset, Geometry, Split};
pub use digits::digits;
pub use loader::{Batch, Loader, PrefetchedBatch};
pub use normalise::Normalisation;
pub use partition::Partition;
pub use parts::{Features, Targets};
pub use resident::Resident;
pub use source::{load, load_unlabelled, load_valued};
pub use synthetic::synthetic;
