//! `rectify predict`.

use std::path::PathBuf;
use std::process::ExitCode;

use rectify::report::figures::percent;
use rectify::train::{PredictOptions, Prediction, TrainOptions};
use rectify::{DeviceChoice, Result};

use super::failure::{Failure, one_line};
use super::number::whole;
use super::output::{OutputArgs, print_json, print_line};

/// Classify samples with a saved model
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Samples: PNG images, .npy arrays of one sample or of many, or .csv tables
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The weights that a training run wrote
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Column of tables to pass over, by name or by number from 1
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// How many classes to name, likeliest first
    #[arg(long, value_name = "K", default_value_t = 3, value_parser = whole::<usize>, allow_hyphen_values = true)]
    top: usize,
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
Examples:
  rectify predict --model run/model.safetensors three.png seven.png
  rectify predict --model run/model.safetensors --top 1 --json flowers.npy";

/// Checks what was typed, then classifies.
pub fn run(args: Args, predict: fn(&PredictOptions) -> Result<Vec<Prediction>>) -> Result<ExitCode, Failure> {
    let Args { files, model, label, top, batch_size, device, output } = args;
    let predictions = predict(&PredictOptions { model, files, label, top, batch_size, device })?;
    for prediction in &predictions {
        match output {
            OutputArgs { json: true, .. } => print_json(prediction)?,
            OutputArgs { quiet: true, .. } => {}
            _ => print_line(&line(prediction))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `digits.npy 17: 3 98.21 %, 8 1.20 %`, without the place where a file has one sample.
fn line(prediction: &Prediction) -> String {
    let Prediction { file, sample, samples, classes } = prediction;
    let likely = classes.iter().map(|class| format!("{} {}", one_line(&class.name), percent(class.probability)));
    let place = if *samples > 1 { format!(" {sample}") } else { String::new() };
    format!("{}{place}: {}", one_line(&file.display().to_string()), likely.collect::<Vec<_>>().join(", "))
}
