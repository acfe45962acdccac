//! `rectify profile ops`.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use rectify::profile::operations::{Measured, Options};
use rectify::profile::table::write_csv;
use rectify::report::figures::si;
use rectify::{DType, DeviceChoice, Error};
use serde::Serialize;

use super::super::failure::Failure;
use super::super::interrupt;
use super::super::notice;
use super::super::output::{OutputArgs, print_json, print_line};
use super::MeasureOperations;
use super::earlier::{CompareArgs, changes};

/// Check every operation against its reference, and time it
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Only operations whose name holds this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Elements of each operation
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = Options::default().sizes)]
    sizes: Vec<usize>,
    /// Element types; the largest size is tried with the first alone
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = Options::default().dtypes)]
    types: Vec<DType>,
    /// Seconds of computing for each, at least
    #[arg(long, value_name = "SECONDS", default_value_t = Options::default().seconds)]
    seconds: f64,
    /// Write every row as comma-separated values
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    earlier: CompareArgs,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  rectify profile ops --only matmul
  rectify profile ops --device cpu --json > before.jsonl
  rectify profile ops --device cpu --compare before.jsonl";

/// An operation, as JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename = "operation")]
struct Line<'a> {
    #[serde(flatten)]
    measured: &'a Measured,
}

/// The end of the list.
#[derive(Serialize)]
#[serde(tag = "event", rename = "operations")]
struct Summary {
    device: String,
    hardware: String,
    operations: usize,
    wrong: usize,
    seconds: f64,
}

/// Measures, and prints each row as it is done.
pub fn run(args: &Args, measure: MeasureOperations) -> Result<ExitCode, Failure> {
    let (output, earlier) = (args.output, args.earlier.rows()?);
    let options = args.options()?;
    interrupt::listen().map_err(Failure::Run)?;
    let (start, mut rows, mut wrong, mut printed) = (Instant::now(), Vec::new(), Vec::new(), Ok(()));
    let (device, ceilings) = measure(args.device, &options, &mut |measured| {
        printed = print(&measured, output);
        if measured.error > 1.0 {
            wrong.push(format!("{} {} {}", measured.row.operation, measured.row.dtype, measured.row.sizes));
        }
        rows.push(measured.row);
        if printed.is_err() || interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    printed?;
    if rows.is_empty() {
        let only = args.only.as_deref().unwrap_or_default();
        return Err(Failure::Input(anyhow::anyhow!("no operation's name holds '{only}'")));
    }
    notice::of_choice(args.device, &device, output);
    let summary = Summary {
        device,
        hardware: ceilings.hardware,
        operations: rows.len(),
        wrong: wrong.len(),
        seconds: start.elapsed().as_secs_f64(),
    };
    end(&summary, output)?;
    if let Some(path) = &args.csv {
        let written = File::create(path).and_then(|file| write_csv(&rows, file));
        written.map_err(|cause| Error::io("write", path, cause))?;
    }
    if let Some(earlier) = earlier {
        // The times of one row differ by that much from run to run.
        print_line(&format!("\nagainst {} rows of the earlier run, where a time changed by 20 %:", earlier.len()))?;
        changes(&earlier, &rows, 0.2).iter().try_for_each(|line| print_line(line))?;
    }
    match wrong.as_slice() {
        [] => Ok(ExitCode::SUCCESS),
        _ => Err(Failure::Run(anyhow::anyhow!("wrong results: {}", wrong.join(", ")))),
    }
}

impl Args {
    fn options(&self) -> Result<Options, Failure> {
        const LEAST: usize = 1024;
        if self.sizes.iter().any(|&size| size < LEAST) {
            return Err(Failure::Input(anyhow::anyhow!("--sizes has to be at least {LEAST} elements")));
        }
        if let Some(dtype) = self.types.iter().find(|dtype| !dtype.is_float()) {
            return Err(Failure::Input(anyhow::anyhow!(
                "--types {dtype} is no floating point type: f32, f64, f16 or bf16"
            )));
        }
        let (sizes, dtypes, only) = (self.sizes.clone(), self.types.clone(), self.only.clone());
        Ok(Options { sizes, dtypes, only, seconds: self.seconds })
    }
}

fn print(measured: &Measured, output: OutputArgs) -> io::Result<()> {
    let Measured { row, spread, error, .. } = measured;
    match (output.json, output.quiet) {
        (true, false) => print_json(&Line { measured }),
        (false, false) => print_line(&format!(
            "{:38} {:5} {:>16}  {:>8} ±{:>4}  {:>7}B/s  {:>7}FLOP/s  {:>4} of its limit ({}){}",
            row.operation,
            row.dtype,
            row.sizes,
            si(row.seconds, "s"),
            format!("{:.0}%", 50.0 * spread),
            si(row.bytes_per_second(), ""),
            si(row.flops_per_second(), ""),
            format!("{:.0}%", 100.0 * row.efficiency()),
            row.bound.name(),
            if *error > 1.0 { "  WRONG" } else { "" },
        )),
        (_, true) => Ok(()),
    }
}

fn end(summary: &Summary, output: OutputArgs) -> io::Result<()> {
    match (output.json, output.quiet) {
        (true, _) => print_json(summary),
        (false, false) => {
            let Summary { device, hardware, operations, wrong, seconds } = summary;
            eprintln!("{operations} operations on {device} ({hardware}) in {seconds:.1} s, {wrong} wrong");
            Ok(())
        }
        (false, true) => Ok(()),
    }
}
