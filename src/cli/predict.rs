//! `rectify predict`.

use std::path::PathBuf;
use std::process::ExitCode;

use rectify::Result;
use rectify::report::figures::percent;
use rectify::train::predict::{Answer, Likely, Predicted};
use rectify::train::{PredictOptions, Prediction};

use super::columns::ColumnArgs;
use super::failure::{Failure, one_line};
use super::model::ModelArgs;
use super::number::whole;
use super::output::{OutputArgs, print_json, print_line};

/// Classify samples with a saved model, or predict numbers; columns of labels or targets are passed over
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Samples: PNG images, .npy arrays of one sample or of many, or .csv tables
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    columns: ColumnArgs,
    /// How many classes to name, likeliest first
    #[arg(long, value_name = "K", default_value_t = 3, value_parser = whole::<usize>, allow_hyphen_values = true)]
    top: usize,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  rectify predict --model run/model.safetensors three.png seven.png
  rectify predict --model run/model.safetensors --top 1 --json flowers.npy";

/// Checks what was typed, then predicts.
pub fn run(args: Args, predict: fn(&PredictOptions) -> Result<Vec<Prediction>>) -> Result<ExitCode, Failure> {
    let Args { files, model: ModelArgs { model, batch_size, device }, columns, top, output } = args;
    let pass_over = columns.label.into_iter().chain(columns.target).collect();
    let predictions = predict(&PredictOptions { model, files, pass_over, top, batch_size, device })?;
    for prediction in &predictions {
        match output {
            OutputArgs { json: true, .. } => print_json(prediction)?,
            OutputArgs { quiet: true, .. } => {}
            _ => print_line(&line(prediction))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `digits.npy 17: 3 98.21 %, 8 1.20 %` or `houses.csv 17: price 25.1`, without the place where a file has one sample.
fn line(prediction: &Prediction) -> String {
    let Prediction { file, sample, samples, answer } = prediction;
    let said: Vec<_> = match answer {
        Answer::Classes(classes) => {
            let likely =
                |Likely { name, probability }: &Likely| format!("{} {}", one_line(name), percent(*probability));
            classes.iter().map(likely).collect()
        }
        Answer::Values(values) => {
            // As many digits as a number of 32 bits has.
            let value = |Predicted { name, value }: &Predicted| format!("{} {}", one_line(name), *value as f32);
            values.iter().map(value).collect()
        }
    };
    let place = if *samples > 1 { format!(" {sample}") } else { String::new() };
    format!("{}{place}: {}", one_line(&file.display().to_string()), said.join(", "))
}
