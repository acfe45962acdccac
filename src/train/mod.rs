//! Training and evaluating: what to do, and what happened.

pub mod choices;
mod evaluate;
pub mod event;
pub mod options;
mod run;
mod samples;
mod saved;

pub use choices::DataSource;
pub use evaluate::evaluate;
pub use event::{Class, Done, Epoch, Evaluation, Event, Start, Step};
pub use options::{EvalOptions, Optimizer, TrainOptions};
pub use run::run;
