//! The words a person types, one file per subcommand.
//!
//! Exit codes: 0 done, 1 failed while running, 2 bad input, 3 the device is missing or failed, 130 stopped by Ctrl-C after
//! saving. A failure is one line on standard error; standard output carries results only.

mod activations;
mod devices;
mod eval;
mod failure;
mod interrupt;
mod kernels;
mod notice;
mod number;
mod output;
mod predict;
mod profile;
mod progress;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rectify::Result;
use rectify::train::event::Watch;
use rectify::train::{Done, EvalOptions, Evaluation, PredictOptions, Prediction, TrainOptions};

pub use devices::{DeviceDescription, DeviceList, LibraryDescription};
use failure::Failure;
pub use kernels::KernelJobs;
pub use profile::ProfileJobs;

/// What the commands call to do their work.
pub struct Jobs {
    /// Trains and writes the run folder.
    pub train: fn(&TrainOptions, Watch) -> Result<Done>,
    /// Measures a saved model.
    pub evaluate: fn(&EvalOptions) -> Result<Evaluation>,
    /// Classifies samples with a saved model.
    pub predict: fn(&PredictOptions) -> Result<Vec<Prediction>>,
    /// Looks for devices.
    pub devices: fn() -> DeviceList,
    /// Lists and compiles kernels.
    pub kernels: KernelJobs,
    /// Watches training, and times operations.
    pub profile: ProfileJobs,
}

/// Reads the command line, does what it says and gives the exit code.
pub fn main(jobs: &Jobs) -> ExitCode {
    run(jobs).unwrap_or_else(|failure| failure.report())
}

fn run(jobs: &Jobs) -> Result<ExitCode, Failure> {
    match Cli::try_parse()?.command {
        Command::Train(args) => train::run(*args, jobs.train),
        Command::Eval(args) => eval::run(args, jobs.evaluate),
        Command::Predict(args) => predict::run(args, jobs.predict),
        Command::Activations(args) => activations::run(&args),
        Command::Devices(args) => devices::run(&args, jobs.devices),
        Command::Kernels(args) => kernels::run(&args, jobs.kernels),
        Command::Profile(args) => profile::run(*args, jobs.profile),
    }
}

/// Train neural networks, on a GPU where there is one, and read where the memory goes.
#[derive(Parser)]
#[command(name = "rectify", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(Box<train::Args>),
    Eval(eval::Args),
    Predict(predict::Args),
    Activations(activations::Args),
    Devices(devices::Args),
    Kernels(kernels::Args),
    Profile(Box<profile::Args>),
}

const EXAMPLES: &str = "\
Examples:
  rectify train
  rectify eval --model run/model.safetensors
  rectify predict --model run/model.safetensors three.png
  rectify profile train
  rectify devices";
