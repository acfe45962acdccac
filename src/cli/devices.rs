//! `rectify devices`.

use std::process::ExitCode;

use rectify::report::figures::bytes;
use serde::Serialize;

use super::failure::Failure;
use super::output::{OutputArgs, print_json, print_line};

/// Show the devices that can compute
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Example:
  rectify devices --json";

/// What was found.
pub struct DeviceList {
    /// The devices, best first.
    pub devices: Vec<DeviceDescription>,
    /// What a person should know besides, such as why there is no GPU.
    pub notes: Vec<String>,
}

/// One device.
#[derive(Serialize)]
#[serde(tag = "event", rename = "device")]
pub struct DeviceDescription {
    /// Its name on the command line: `cpu`, `cuda:0`.
    pub device: String,
    /// What it is: the processor's or the card's name.
    pub name: String,
    /// What it can do: `avx512, 16 threads`, `compute capability 9.0`.
    pub features: String,
    /// Its memory in bytes, where known.
    pub memory_bytes: Option<u64>,
    /// How much of it is free, where known.
    pub free_bytes: Option<u64>,
}

/// Lists what `find` finds.
pub fn run(args: &Args, find: fn() -> DeviceList) -> Result<ExitCode, Failure> {
    let DeviceList { devices, notes } = find();
    if args.output.json {
        devices.iter().try_for_each(print_json)?;
    } else if !args.output.quiet {
        table(&devices).iter().try_for_each(|line| print_line(line))?;
    }
    if !args.output.quiet {
        notes.iter().for_each(|note| eprintln!("{note}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(devices: &[DeviceDescription]) -> Vec<String> {
    let heads = ["device", "name", "features", "memory"].map(String::from);
    let rows: Vec<_> = std::iter::once(heads).chain(devices.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let [device, name, features] = [0, 1, 2].map(width);
    let line = |row: &[String; 4]| format!("{:device$}  {:name$}  {:features$}  {}", row[0], row[1], row[2], row[3]);
    rows.iter().map(|row| line(row).trim_end().to_string()).collect()
}

fn row(description: &DeviceDescription) -> [String; 4] {
    let memory = match (description.memory_bytes, description.free_bytes) {
        (Some(all), Some(free)) => format!("{} ({} free)", bytes(all), bytes(free)),
        (Some(all), None) => bytes(all),
        _ => String::new(),
    };
    [description.device.clone(), description.name.clone(), description.features.clone(), memory]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let device = |device: &str, name: &str, memory_bytes| DeviceDescription {
            device: device.into(),
            name: name.into(),
            features: "f".into(),
            memory_bytes,
            free_bytes: Some(1024),
        };
        let lines = table(&[device("cuda:0", "NVIDIA H200", Some(2048)), device("cpu", "Å", None)]);
        assert_eq!(
            lines,
            [
                "device  name         features  memory",
                "cuda:0  NVIDIA H200  f         2.00 KiB (1.00 KiB free)",
                "cpu     Å            f",
            ]
        );
    }
}
