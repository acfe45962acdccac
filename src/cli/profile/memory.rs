//! `rectify profile memory`.

use std::path::PathBuf;
use std::process::ExitCode;

use rectify::Result;
use rectify::memory::{Bytes, Event, EventKind, write_csv};
use rectify::profile::Schedule;
use rectify::train::{ProfiledTraining, TrainOptions};
use serde::Serialize;

use super::super::failure::Failure;
use super::super::notice;
use super::super::output::{print_json, print_line};
use super::super::train;
use super::training::{StepArgs, write_with};

/// Follow the memory of a step of training: who holds what at the peak, and what is released in which order
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    training: train::Args,
    #[command(flatten)]
    steps: StepArgs,
    /// Write every allocation and release of the steps, for `rectify profile replay`
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  rectify profile memory --hidden 512,256 --batch-size 128
  rectify profile memory --config convolutions.toml --json
  rectify profile memory --csv step.csv && rectify profile replay step.csv";

/// The whole, as JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename = "memory")]
struct Summary {
    device: String,
    steps: usize,
    /// Bytes alive before the first step.
    live_bytes: u64,
    peak_bytes: u64,
    /// Of a step.
    allocations: usize,
    /// Bytes taken from the device.
    reserved_bytes: u64,
}

/// What a label holds at the peak, as JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename = "holder")]
struct Holder<'a> {
    label: &'a str,
    bytes: u64,
}

/// Checks what was typed, then trains.
pub fn run(args: Args, profile: fn(&TrainOptions, Schedule) -> Result<ProfiledTraining>) -> Result<ExitCode, Failure> {
    let (output, schedule) = (args.training.output, args.steps.schedule()?);
    let options = args.training.into_options()?;
    let ProfiledTraining { start, profile, .. } = profile(&options, schedule)?;
    notice::of_choice(options.device, &start.device, output);
    let (trace, step) = (profile.memory(), profile.events.first().map_or(&[][..], Vec::as_slice));
    let holders = trace.at_peak();
    let live_bytes = profile.alive.iter().map(|buffer| buffer.bytes as u64).sum();
    write_with(args.csv.as_deref(), |file| write_csv(&profile.alive, &profile.events.concat(), file))?;
    let summary = Summary {
        device: profile.device,
        steps: profile.steps,
        live_bytes,
        peak_bytes: trace.peak(),
        allocations: step.iter().filter(|event| event.kind == EventKind::Allocate).count(),
        reserved_bytes: profile.reserved_bytes as u64,
    };
    if output.json {
        print_json(&summary)?;
        holders.iter().try_for_each(|(label, bytes)| print_json(&Holder { label, bytes: *bytes }))?;
        step.iter().filter(|_| !output.quiet).try_for_each(print_json)?;
    } else if !output.quiet {
        print(&summary, &holders, step)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(summary: &Summary, holders: &[(String, u64)], step: &[Event]) -> std::io::Result<()> {
    let bytes = |bytes: u64| Bytes(bytes as usize).to_string();
    print_line(&format!(
        "{}: {} before a step, {} at its peak, {} allocations; {} taken from the device, {:.0} % of it used at the peak\n\n\
         alive at the peak",
        summary.device,
        bytes(summary.live_bytes),
        bytes(summary.peak_bytes),
        summary.allocations,
        bytes(summary.reserved_bytes),
        100.0 * summary.peak_bytes as f64 / summary.reserved_bytes.max(1) as f64,
    ))?;
    for (label, held) in holders {
        print_line(&format!(
            "{:>12}  {:5.1} %  {label}",
            bytes(*held),
            100.0 * *held as f64 / summary.peak_bytes as f64
        ))?;
    }
    print_line("\nevery allocation (+) and release (-) of the step, in order")?;
    let mut live = summary.live_bytes as i64;
    for event in step {
        let (sign, change) = match event.kind {
            EventKind::Allocate => ('+', event.buffer.bytes as i64),
            EventKind::Release => ('-', -(event.buffer.bytes as i64)),
        };
        live += change;
        let (of, held) = (Bytes(event.buffer.bytes).to_string(), bytes(live as u64));
        print_line(&format!("{:>9}  {sign}{of:>10}  {held:>10} live  {}", event.sequence, event.buffer.label.path()))?;
    }
    Ok(())
}
