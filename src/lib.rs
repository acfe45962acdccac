//! rectify: a CUDA-backed tensor runtime for training, with device memory you can read.

pub mod autograd;
pub mod checkpoint;
pub mod data;
pub mod device;
pub mod dtype;
pub mod error;
pub mod formula;
pub mod kernels;
mod lasting;
pub mod memory;
pub mod nn;
pub mod optim;
pub mod profile;
pub mod report;
pub mod scope;
pub mod shape;
pub mod tensor;
pub mod train;
mod traversal;

/// What the README shows, to be tested.
#[cfg(doctest)]
#[doc = include_str!(concat!(env!("OUT_DIR"), "/readme.md"))]
struct Readme;

pub use autograd::{Gradients, Tape, Var};
pub use device::{Device, DeviceChoice};
pub use dtype::{DType, Element};
pub use error::{Error, Result};
pub use formula::Formula;
pub use nn::{Activation, Mlp};
pub use optim::{Adagrad, Adam, AdamW, Lion, Optimizer, RmsProp, Schedule, Sgd};
pub use shape::{Layout, Shape};
pub use tensor::{Generator, Tensor};
