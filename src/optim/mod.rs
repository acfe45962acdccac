//! Optimisers. A rule is one formula over weights, gradients and state; a step is one pass of it over all parameters.

mod adam;
mod optimizer;
mod sgd;

pub use adam::Adam;
pub use optimizer::{Optimizer, Rule};
pub use sgd::Sgd;
