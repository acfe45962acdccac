//! `rectify kernels list`.

use std::process::ExitCode;

use rectify::Result;
use rectify::kernels::{self, Example};
use serde::Serialize;

use super::super::failure::Failure;
use super::super::output::{OutputArgs, print_json, print_line};
use super::{chosen, name};

/// List the units of CUDA C++ that kernels are compiled from
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// List only those whose name holds this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Example:
  rectify kernels list --only softmax";

/// One unit.
#[derive(Serialize)]
#[serde(tag = "event", rename = "kernel")]
struct Listed {
    family: &'static str,
    kernel: String,
    operands: String,
    bytes_moved: &'static str,
    threads: Option<u32>,
    lines: usize,
    /// Of the text, as hexadecimal digits.
    hash: String,
}

pub fn run(args: &Args, units: fn() -> Result<Vec<Example>>) -> Result<ExitCode, Failure> {
    let examples = chosen(units, args.only.as_deref())?;
    if args.output.json {
        examples.into_iter().map(Listed::from).try_for_each(|listed| print_json(&listed))?;
    } else if !args.output.quiet {
        let width = examples.iter().map(|example| name(example).chars().count()).max().unwrap_or(0);
        for example in &examples {
            print_line(&format!("{:width$}  {:4} lines", name(example), example.unit.text.lines().count()))?;
        }
        eprintln!("{} units", examples.len());
    }
    Ok(ExitCode::SUCCESS)
}

impl From<Example> for Listed {
    fn from(example: Example) -> Self {
        let source = kernels::ALL.iter().find(|source| source.name == example.family);
        Self {
            family: example.family,
            bytes_moved: source.map_or("", |source| source.bytes_moved()),
            threads: example.unit.threads(),
            lines: example.unit.text.lines().count(),
            hash: format!("{:016x}", kernels::hash(&example.unit.text)),
            kernel: example.unit.kernel,
            operands: example.operands,
        }
    }
}
