//! Layers and networks over one flat buffer of parameters.

mod activation;
mod footprint;
mod initializer;
mod linear;
mod mlp;
mod parameters;

pub use activation::Activation;
pub use initializer::Initializer;
pub use linear::Linear;
pub use mlp::{Mlp, MlpBuilder};
pub use parameters::{Parameter, ParameterSpec, Parameters};
