//! Layers and networks over one flat buffer of parameters.

mod activation;
mod chain;
mod footprint;
mod initializer;
pub mod layer;
mod linear;
mod mlp;
mod network;
mod parameters;
mod precision;
pub mod watch;

pub use activation::Activation;
pub use chain::Chain;
pub use initializer::Initializer;
pub use linear::Linear;
pub use mlp::{Mlp, MlpBuilder};
pub use network::{Network, NetworkBuilder};
pub use parameters::{Arrangement, Parameter, ParameterSpec, Parameters};
pub use precision::{Computing, compute_in};
