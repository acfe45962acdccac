//! `rectify eval`.

use std::process::ExitCode;

use rectify::Result;
use rectify::report::ClassScores;
use rectify::report::figures::{duration, grouped, percent, plain, rate};
use rectify::train::event::{ClassFigures, Figures, Target};
use rectify::train::{DataSource, EvalOptions, Evaluation, TrainOptions};

use super::columns::ColumnArgs;
use super::failure::{Failure, one_line};
use super::model::ModelArgs;
use super::notice;
use super::output::{OutputArgs, print_json, print_line};

/// Measure a saved model on the test samples
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[arg(long, value_name = "SOURCE", default_value_t = TrainOptions::default().data, help = super::train::DATA)]
    data: DataSource,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Example:
  rectify eval --model run/model.safetensors --data digits";

/// Checks what was typed, then measures.
pub fn run(args: Args, evaluate: fn(&EvalOptions) -> Result<Evaluation>) -> Result<ExitCode, Failure> {
    let Args { model: ModelArgs { model, batch_size, device }, data, columns, output } = args;
    let ColumnArgs { label, target } = columns;
    let options = EvalOptions { model, data, label, target, batch_size, device };
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
    let found = match &evaluation.figures {
        Figures::Classes(classes) => format!("accuracy {}", percent(classes.accuracy)),
        Figures::Values { score, .. } => score.to_string(),
    };
    let rest = match &evaluation.figures {
        Figures::Classes(classes) => of_classes(classes),
        Figures::Values { targets, .. } => of_values(targets),
    };
    format!(
        "{found}, loss {} on {} samples in {} ({} samples/s, {})\n{rest}",
        plain(evaluation.loss),
        grouped(evaluation.samples as u64),
        duration(evaluation.seconds),
        rate(evaluation.samples_per_second),
        evaluation.device,
    )
}

/// More of classes, with a row for each, as long as they fit on a screen, and for each average.
fn of_classes(figures: &ClassFigures) -> String {
    const MOST: usize = 40;
    let averages = [
        ("macro average", figures.macro_average),
        ("micro average", figures.micro_average),
        ("weighted average", figures.weighted_average),
    ];
    let classes = figures.classes.iter().take(MOST).map(|class| (class.name.as_str(), class.scores));
    let row = |(name, scores): (&str, ClassScores)| {
        let ClassScores { precision, recall, f1, specificity, fall_out, support } = scores;
        let shares = [precision, recall, f1, specificity, fall_out].map(percent);
        (name.to_owned(), shares.into_iter().chain([grouped(support)]).collect())
    };
    let rows: Vec<_> = classes.chain(averages).map(row).collect();
    format!(
        "among the three likeliest {}, balanced accuracy {}, Matthews correlation {}\n\n{}",
        percent(figures.top_3_accuracy),
        percent(figures.balanced_accuracy),
        plain(figures.matthews),
        table(&["precision", "recall", "F1", "specificity", "fall-out", "samples"], &rows),
    )
}

/// A row for each target, in its unit.
fn of_values(targets: &[Target]) -> String {
    let row = |target: &Target| (target.name.clone(), [target.r2, target.mae, target.rmse].map(plain).into());
    let rows: Vec<_> = targets.iter().map(row).collect();
    format!("\n{}", table(&["R2", "MAE", "RMSE"], &rows))
}

/// Rows with names and cells below titles.
fn table(titles: &[&str], rows: &[(String, Vec<String>)]) -> String {
    let names: Vec<_> = rows.iter().map(|(name, _)| one_line(name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let head = titles.iter().map(|title| format!("{title:>13}")).collect::<String>();
    let row = |(name, (_, cells)): (&String, &(String, Vec<String>))| {
        format!("{name:<width$}{}", cells.iter().map(|cell| format!("{cell:>13}")).collect::<String>())
    };
    let lines = [format!("{:width$}{head}", "")].into_iter().chain(names.iter().zip(rows).map(row));
    lines.collect::<Vec<_>>().join("\n")
}
