//! `rectify kernels`.

mod budget;
mod check;
mod in_order;
mod list;
mod run;

use std::process::ExitCode;

use rectify::Result;
use rectify::device::CompiledUnit;
use rectify::kernels::{Example, Unit};

use super::failure::Failure;

/// List the CUDA kernels, compile them without a GPU, or run one of your own
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    List(list::Args),
    Check(check::Args),
    Run(Box<run::Args>),
}

/// What the commands on kernels call.
#[derive(Clone, Copy)]
pub struct KernelJobs {
    /// Every unit there is.
    pub units: fn() -> Result<Vec<Example>>,
    /// Compiles a unit for an architecture such as 90.
    pub compile: fn(&Unit, u32) -> Result<CompiledUnit>,
}

/// Does what the arguments say.
pub fn run(args: &Args, jobs: KernelJobs) -> Result<ExitCode, Failure> {
    match &args.command {
        Command::List(args) => list::run(args, jobs.units),
        Command::Check(args) => check::run(args, jobs),
        Command::Run(args) => run::run(args, jobs),
    }
}

/// The units whose name holds `only`, if it is given.
fn chosen(units: fn() -> Result<Vec<Example>>, only: Option<&str>) -> Result<Vec<Example>, Failure> {
    let mut examples = units()?;
    examples.retain(|example| only.is_none_or(|only| name(example).contains(only)));
    match (only, examples.is_empty()) {
        (Some(only), true) => Err(Failure::Input(anyhow::anyhow!("no kernel's name holds '{only}'"))),
        _ => Ok(examples),
    }
}

/// What a unit is called.
fn name(example: &Example) -> String {
    format!("{} {}", example.unit.kernel, example.operands)
}
