//! rectify: a CUDA-backed tensor runtime for training, with device memory you can read.

pub mod dtype;
pub mod error;
pub mod scope;
pub mod shape;

pub use dtype::{DType, Element};
pub use error::{Error, Result};
pub use shape::{Layout, Shape};
