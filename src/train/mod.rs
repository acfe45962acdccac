//! Training and evaluating: what to do, and what happened.

pub mod choices;
mod config;
pub mod diagnosis;
mod evaluate;
pub mod event;
mod folder;
pub mod layers;
mod learner;
mod memory;
pub mod optimization;
pub mod options;
mod pictures;
pub mod plan;
pub mod predict;
mod profile;
mod resume;
mod run;
mod samples;
mod saved;
mod standing;
mod text;
mod trainer;

pub use choices::DataSource;
pub use evaluate::evaluate;
pub use event::{Class, Done, Epoch, Evaluation, Event, Start, Step};
pub use layers::LayerPlan;
pub use optimization::{Optimizer, RatePlan};
pub use options::{EvalOptions, TrainOptions};
pub use plan::ModelPlan;
pub use predict::{PredictOptions, Prediction, predict};
pub use profile::{ProfiledTraining, profile};
pub use resume::Resume;
pub use run::run;
