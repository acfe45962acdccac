//! Optimisers. A rule is one formula over weights, gradients and state; a step is one pass of it over all parameters.
//!
//! Beside the rules stand what surrounds a step: [`Schedule`] for the rate and the momentum, [`add_l1`] before it,
//! [`limit_norms`] and [`Average`] after it, and [`EarlyStopping`] at the end of an epoch.

mod adagrad;
mod adam;
mod average;
mod early_stopping;
mod lion;
mod loss_scale;
mod max_norm;
mod optimizer;
mod penalty;
mod rmsprop;
mod schedule;
mod sgd;
mod sparsity;
mod update;

pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW, AdaptiveMoments};
pub use average::Average;
pub use early_stopping::{EarlyStopping, Verdict};
pub use lion::Lion;
pub use loss_scale::LossScale;
pub use max_norm::limit_norms;
pub use optimizer::{Optimizer, Rule};
pub use penalty::add_l1;
pub use rmsprop::RmsProp;
pub use schedule::Schedule;
pub use sgd::Sgd;
pub use sparsity::SparsityControl;
pub use update::Update;
