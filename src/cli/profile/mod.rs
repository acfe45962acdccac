//! `rectify profile`.

mod earlier;
mod memory;
mod operations;
mod replay;
mod training;

use std::ops::ControlFlow;
use std::process::ExitCode;

use rectify::profile::operations::{Measured, Options};
use rectify::profile::{Ceilings, Schedule};
use rectify::train::{ProfiledTraining, TrainOptions};
use rectify::{DeviceChoice, Result};

use super::failure::Failure;

/// See where time and memory go, and how far operations are from the limit of the device
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Train(training::Args),
    Memory(memory::Args),
    Ops(operations::Args),
    Replay(replay::Args),
}

/// What the commands call.
#[derive(Clone, Copy)]
pub struct ProfileJobs {
    /// Watches steps of training.
    pub train: fn(&TrainOptions, Schedule) -> Result<ProfiledTraining>,
    /// Checks and times operations; gives the device and its ceilings.
    pub operations: MeasureOperations,
}

/// Hands over each operation as it is done.
pub type MeasureOperations =
    fn(DeviceChoice, &Options, &mut dyn FnMut(Measured) -> ControlFlow<()>) -> Result<(String, Ceilings)>;

/// Does what the arguments say.
pub fn run(args: Args, jobs: ProfileJobs) -> Result<ExitCode, Failure> {
    match args.command {
        Command::Train(args) => training::run(args, jobs.train),
        Command::Memory(args) => memory::run(args, jobs.train),
        Command::Ops(args) => operations::run(&args, jobs.operations),
        Command::Replay(args) => replay::run(&args),
    }
}
