//! Results on standard output.

use std::io::{self, Write};

use serde::Serialize;

/// How much to say, and to whom.
#[derive(clap::Args, Clone, Copy)]
pub struct OutputArgs {
    /// Print one JSON object per line on standard output
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors; with --json, only the last object
    #[arg(long, short)]
    pub quiet: bool,
}

/// Prints a line at once, so that a reader at the other end of a pipe never waits for it.
pub fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Prints an object on a line.
pub fn print_json(object: &impl Serialize) -> io::Result<()> {
    print_line(&serde_json::to_string(object)?)
}
