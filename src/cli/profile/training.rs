//! `rectify profile train`.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rectify::profile::table::{Table, write_csv};
use rectify::profile::{Grouping, Row, Schedule, trace};
use rectify::report::ProfilePage;
use rectify::report::figures::{percent, si};
use rectify::train::{ProfiledTraining, TrainOptions};
use rectify::{Error, Result};
use serde::Serialize;

use super::super::failure::Failure;
use super::super::notice;
use super::super::output::{print_json, print_line};
use super::super::train;
use super::earlier::{CompareArgs, changes};

/// Watch steps of training: what each layer and operation takes, and how far it is from the limit
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    pub training: train::Args,
    #[command(flatten)]
    pub steps: StepArgs,
    /// Write a page with pictures and tables
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a trace that Perfetto (ui.perfetto.dev) and Chrome open
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Write every row as comma-separated values
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Rows to print of each table
    #[arg(long, value_name = "N", default_value_t = 15)]
    rows: usize,
    #[command(flatten)]
    earlier: CompareArgs,
}

/// Which steps are watched.
#[derive(clap::Args, Clone, Copy)]
pub struct StepArgs {
    /// Steps before those that are watched
    #[arg(long, value_name = "N", default_value_t = 10)]
    skip: usize,
    /// Steps that are watched
    #[arg(long, value_name = "N", default_value_t = 20)]
    steps: usize,
}

const EXAMPLES: &str = "\
Examples:
  rectify profile train
  rectify profile train --config convolutions.toml --html profile.html --trace trace.json
  rectify profile train --json > before.jsonl
  rectify profile train --compare before.jsonl";

/// The whole, as JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename = "profile")]
struct Summary<'a> {
    device: &'a str,
    hardware: &'a str,
    model: &'a str,
    data: &'a str,
    steps: usize,
    step_seconds: f64,
    busy_seconds: f64,
    idle_seconds: f64,
    peak_bytes: u64,
    calls_left_out: u64,
}

/// A row, as JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename = "row")]
pub struct Line<'a> {
    #[serde(flatten)]
    pub row: &'a Row,
}

impl StepArgs {
    /// The last of the steps before, as far as there are any, show what is made once.
    pub fn schedule(self) -> Result<Schedule, Failure> {
        if self.steps == 0 {
            return Err(Failure::Input(anyhow::anyhow!("--steps is 0: at least one step has to be watched")));
        }
        let warm_up = self.skip.min(2);
        Ok(Schedule { wait: self.skip - warm_up, warm_up, active: self.steps })
    }
}

/// Checks what was typed, then trains.
pub fn run(args: Args, profile: fn(&TrainOptions, Schedule) -> Result<ProfiledTraining>) -> Result<ExitCode, Failure> {
    let (output, schedule, earlier) = (args.training.output, args.steps.schedule()?, args.earlier.rows()?);
    let options = args.training.into_options()?;
    let profiled = profile(&options, schedule)?;
    notice::of_choice(options.device, &profiled.start.device, output);
    let rows = profiled.profile.rows(&profiled.ceilings, Grouping::Call);
    if let Some(path) = &args.html {
        let ProfiledTraining { start, profile, ceilings } = &profiled;
        let page = ProfilePage { title: &format!("{} on {}", start.model, start.data), profile, ceilings };
        std::fs::write(path, page.to_string()).map_err(|cause| Error::io("write", path, cause))?;
    }
    write_with(args.trace.as_deref(), |file| trace::write(&profiled.profile, file))?;
    write_with(args.csv.as_deref(), |file| write_csv(&rows, file))?;
    if output.json {
        print_json(&summary(&profiled))?;
        rows.iter().filter(|_| !output.quiet).try_for_each(|row| print_json(&Line { row }))?;
    } else if !output.quiet {
        print(&profiled, args.rows)?;
    }
    if let Some(earlier) = earlier {
        print_line(&format!(
            "\nagainst {} rows of the earlier run, where a call's time changed by 10 %:",
            earlier.len()
        ))?;
        changes(&earlier, &rows, 0.1).iter().try_for_each(|line| print_line(line))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a file, if one was asked for.
pub fn write_with(
    path: Option<&Path>,
    write: impl FnOnce(BufWriter<File>) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let written = File::create(path).and_then(|file| write(BufWriter::new(file)));
    Ok(written.map_err(|cause| Error::io("write", path, cause))?)
}

fn summary(ProfiledTraining { start, profile, .. }: &ProfiledTraining) -> Summary<'_> {
    Summary {
        device: &profile.device,
        hardware: &profile.hardware,
        model: &start.model,
        data: &start.data,
        steps: profile.steps,
        step_seconds: profile.step_seconds(),
        busy_seconds: profile.busy_seconds(),
        idle_seconds: profile.idle_seconds(),
        peak_bytes: profile.peak_bytes(),
        calls_left_out: profile.dropped,
    }
}

fn print(profiled: &ProfiledTraining, most: usize) -> std::io::Result<()> {
    let ProfiledTraining { start, profile, ceilings } = profiled;
    let (step, idle) = (profile.step_seconds(), profile.idle_seconds());
    print_line(&format!(
        "{} on {}, {} ({}): a step takes {}, {} of it in operations, mean of {}\n",
        start.model,
        start.data,
        profile.device,
        profile.hardware,
        si(step, "s"),
        percent(1.0 - idle / step),
        profile.steps,
    ))?;
    for grouping in [Grouping::Scope, Grouping::Operation, Grouping::Call] {
        let rows = profile.rows(ceilings, grouping);
        print_line(&Table { rows: &rows, steps: profile.steps, most }.to_string())?;
    }
    Ok(())
}
