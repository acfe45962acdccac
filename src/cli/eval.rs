//! `rectify eval`.

use std::path::PathBuf;
use std::process::ExitCode;

use rectify::DeviceChoice;
use rectify::Result;
use rectify::report::figures::{duration, grouped, percent, plain, rate};
use rectify::train::{DataSource, EvalOptions, Evaluation, TrainOptions};

use super::failure::Failure;
use super::notice;
use super::number::whole;
use super::output::{OutputArgs, print_json, print_line};

/// Measure a saved model on the test samples
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The weights that a training run wrote
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Samples: digits (embedded), synthetic[:N] (generated) or a folder of IDX files named as MNIST's
    #[arg(long, value_name = "SOURCE", default_value_t = TrainOptions::default().data)]
    data: DataSource,
    /// Samples per forward pass
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = whole::<usize>, allow_hyphen_values = true)]
    batch_size: usize,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t = TrainOptions::default().device)]
    device: DeviceChoice,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Example:
  rectify eval --model run/model.safetensors --data digits";

/// Checks what was typed, then measures.
pub fn run(args: Args, evaluate: fn(&EvalOptions) -> Result<Evaluation>) -> Result<ExitCode, Failure> {
    let Args { model, data, batch_size, device, output } = args;
    let options = EvalOptions { model, data, batch_size, device };
    options.check()?;
    let evaluation = evaluate(&options)?;
    notice::of_choice(device, &evaluation.device, output);
    match output {
        OutputArgs { json: true, .. } => print_json(&evaluation)?,
        OutputArgs { quiet: true, .. } => {}
        _ => print_line(&summary(&evaluation))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(evaluation: &Evaluation) -> String {
    format!(
        "accuracy {}, loss {} on {} samples in {} ({} samples/s, {})",
        percent(evaluation.accuracy),
        plain(evaluation.loss),
        grouped(evaluation.samples as u64),
        duration(evaluation.seconds),
        rate(evaluation.samples_per_second),
        evaluation.device,
    )
}
