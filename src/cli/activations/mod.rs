//! `rectify activations`.

mod curve;
mod list;
mod plot;

use std::path::PathBuf;
use std::process::ExitCode;

use rectify::Activation;

use super::failure::Failure;
use super::number::real;
use super::output::OutputArgs;

/// List the activation functions, or draw one with its derivative
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The one to draw, with its parameters if they are not to be the usual ones
    activation: Option<Activation>,
    /// The least x to draw
    #[arg(long, value_name = "X", default_value_t = -6.0, value_parser = real, allow_hyphen_values = true)]
    from: f64,
    /// The largest x to draw
    #[arg(long, value_name = "X", default_value_t = 6.0, value_parser = real, allow_hyphen_values = true)]
    to: f64,
    /// Draw into this file instead
    #[arg(long, value_name = "FILE", requires = "activation")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  rectify activations
  rectify activations mish
  rectify activations 'leaky_relu(0.2)' --from -3 --to 3 --svg leaky.svg";

/// Does what the arguments say.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    match args.activation {
        Some(activation) => curve::run(args, activation)?,
        None => list::run(args.output)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The columns of the terminal, or 80 where the output goes elsewhere.
fn columns() -> usize {
    terminal_size::terminal_size().map_or(80, |(terminal_size::Width(columns), _)| columns.into())
}
