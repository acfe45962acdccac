//! `rectify profile replay`.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use rectify::Error;
use rectify::memory::{Bytes, Host, Memory, Options, Replay, Replayed};
use rectify::report::figures::si;
use serde::Serialize;

use super::super::failure::Failure;
use super::super::number::whole;
use super::super::output::{OutputArgs, print_json, print_line};

/// Allocate and release as a program did, without the program: the time and the waste of the pool
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What `rectify profile memory --csv` wrote
    file: PathBuf,
    /// How often, each time in a memory of its own; the fastest counts
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole::<usize>)]
    repeat: usize,
    /// Take every buffer from the system by itself
    #[arg(long)]
    no_pool: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Example:
  rectify profile memory --csv step.csv && rectify profile replay step.csv";

/// What it came to, as JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename = "replay")]
struct Line {
    #[serde(flatten)]
    replayed: Replayed,
    pooled: bool,
}

/// Reads the file and replays it.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let file = File::open(&args.file).map_err(|cause| Error::io("read", &args.file, cause))?;
    let replay = Replay::read(&args.file.display().to_string(), file)?;
    let options = Options { pooled: !args.no_pool, ..Options::default() };
    let mut fastest: Option<Replayed> = None;
    for _ in 0..args.repeat.max(1) {
        let replayed = replay.run(&Memory::with(Host, options))?;
        fastest = fastest.filter(|fastest| fastest.seconds <= replayed.seconds).or(Some(replayed));
    }
    let Some(replayed) = fastest else { return Ok(ExitCode::SUCCESS) };
    let Replayed { events, seconds, peak_bytes, reserved_bytes, driver_allocations } = replayed;
    if args.output.json {
        print_json(&Line { replayed, pooled: options.pooled })?;
    } else if !args.output.quiet {
        print_line(&format!(
            "{events} allocations and releases in {}, {} each; {} at the peak, {} taken from the system in {driver_allocations} calls",
            si(seconds, "s"),
            si(seconds / events.max(1) as f64, "s"),
            Bytes(peak_bytes),
            Bytes(reserved_bytes),
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
