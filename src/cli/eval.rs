//! `rectify eval`.

use std::path::PathBuf;
use std::process::ExitCode;

use rectify::DeviceChoice;
use rectify::Result;
use rectify::report::ClassScores;
use rectify::report::figures::{duration, grouped, percent, plain, rate};
use rectify::train::{DataSource, EvalOptions, Evaluation, TrainOptions};

use super::failure::{Failure, one_line};
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
    /// Samples: digits (embedded), synthetic[:N] (generated), a folder of IDX files named as MNIST's, a folder with a folder
    /// of PNG images for each class, an .npz archive of x and y (or x_train, y_train, x_test, y_test), or a .csv table
    #[arg(long, value_name = "SOURCE", default_value_t = TrainOptions::default().data)]
    data: DataSource,
    /// Column of the labels of a table, by name or by number from 1
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
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
    let Args { model, data, label, batch_size, device, output } = args;
    let options = EvalOptions { model, data, label, batch_size, device };
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
    let mut text = format!(
        "accuracy {}, loss {} on {} samples in {} ({} samples/s, {})\n",
        percent(evaluation.accuracy),
        plain(evaluation.loss),
        grouped(evaluation.samples as u64),
        duration(evaluation.seconds),
        rate(evaluation.samples_per_second),
        evaluation.device,
    );
    text += &format!(
        "among the three likeliest {}, balanced accuracy {}, Matthews correlation {}\n\n",
        percent(evaluation.top_3_accuracy),
        percent(evaluation.balanced_accuracy),
        plain(evaluation.matthews),
    );
    text + &table(evaluation)
}

/// A row for each class, as long as they fit on a screen, and for each average.
fn table(evaluation: &Evaluation) -> String {
    const MOST: usize = 40;
    let averages = [
        ("macro average", evaluation.macro_average),
        ("micro average", evaluation.micro_average),
        ("weighted average", evaluation.weighted_average),
    ];
    let classes = evaluation.classes.iter().take(MOST).map(|class| (class.name.as_str(), class.scores));
    let rows: Vec<_> = classes.chain(averages).map(|(name, scores)| (one_line(name), scores)).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let titles = ["precision", "recall", "F1", "specificity", "fall-out", "samples"];
    let head = titles.map(|title| format!("{title:>13}")).concat();
    let row = |(name, scores): &(String, ClassScores)| {
        let ClassScores { precision, recall, f1, specificity, fall_out, support } = *scores;
        let shares = [precision, recall, f1, specificity, fall_out].map(|share| format!("{:>13}", percent(share)));
        format!("{name:<width$}{}{:>13}", shares.concat(), grouped(support))
    };
    let lines = [format!("{:width$}{head}", "")].into_iter().chain(rows.iter().map(row));
    lines.collect::<Vec<_>>().join("\n")
}
