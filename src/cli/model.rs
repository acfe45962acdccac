//! A saved model, and how to run it: what `eval` and `predict` have in common.

use std::path::PathBuf;

use rectify::DeviceChoice;
use rectify::train::TrainOptions;

use super::number::whole;

/// A saved model and how to run it.
#[derive(clap::Args)]
pub struct ModelArgs {
    /// The weights that a training run wrote
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// Samples per forward pass
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = whole::<usize>, allow_hyphen_values = true)]
    pub batch_size: usize,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t = TrainOptions::default().device)]
    pub device: DeviceChoice,
}
