//! `rectify devices`.

use std::path::PathBuf;
use std::process::ExitCode;

use rectify::report::figures::bytes;
use serde::Serialize;

use super::failure::{Failure, one_line};
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
    /// The libraries that GPUs are used through.
    pub libraries: Vec<LibraryDescription>,
    /// What a person should know besides, such as why there is no GPU.
    pub notes: Vec<String>,
}

/// One device.
#[derive(Default, Serialize)]
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
    /// A GPU's identifier, as nvidia-smi prints it.
    pub uuid: Option<String>,
    /// A GPU's place on the PCI bus.
    pub bus: Option<String>,
}

/// A library, and the reason where it cannot be used.
#[derive(Serialize)]
#[serde(tag = "event", rename = "library")]
pub struct LibraryDescription {
    /// Its name: `libcuda`.
    pub library: String,
    /// Its version, where it tells.
    pub version: Option<String>,
    /// The file it was loaded from.
    pub path: Option<PathBuf>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// Lists what `find` finds.
pub fn run(args: &Args, find: fn() -> DeviceList) -> Result<ExitCode, Failure> {
    let DeviceList { devices, libraries, notes } = find();
    if args.output.json {
        devices.iter().try_for_each(print_json)?;
        libraries.iter().try_for_each(print_json)?;
    } else if !args.output.quiet {
        let heads = ["device", "name", "features", "memory", "bus", "uuid"].map(String::from);
        table(heads, devices.iter().map(device_row)).iter().try_for_each(|line| print_line(line))?;
        if !libraries.is_empty() {
            print_line("")?;
            let heads = ["library", "version", "file"].map(String::from);
            table(heads, libraries.iter().map(library_row)).iter().try_for_each(|line| print_line(line))?;
        }
    }
    if !args.output.quiet {
        notes.iter().for_each(|note| eprintln!("{}", one_line(note)));
    }
    Ok(ExitCode::SUCCESS)
}

fn table<const N: usize>(heads: [String; N], rows: impl Iterator<Item = [String; N]>) -> Vec<String> {
    let rows: Vec<_> = std::iter::once(heads).chain(rows).collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect()
}

fn device_row(description: &DeviceDescription) -> [String; 6] {
    let memory = match (description.memory_bytes, description.free_bytes) {
        (Some(all), Some(free)) => format!("{} ({} free)", bytes(all), bytes(free)),
        (Some(all), None) => bytes(all),
        _ => String::new(),
    };
    let DeviceDescription { device, name, features, bus, uuid, .. } = description;
    let [bus, uuid] = [bus, uuid].map(|text| text.clone().unwrap_or_default());
    [device.clone(), name.clone(), features.clone(), memory, bus, uuid]
}

fn library_row(description: &LibraryDescription) -> [String; 3] {
    let LibraryDescription { library, version, path, problem } = description;
    let file = path.as_ref().map(|path| path.display().to_string());
    let place = problem.as_deref().map(one_line).or(file).unwrap_or_default();
    [library.clone(), version.clone().unwrap_or_default(), place]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["cuda:0", "NVIDIA H200", "f"], ["cpu", "Å", ""]].map(|row| row.map(String::from));
        let lines = table(["device", "name", "features"].map(String::from), rows.into_iter());
        assert_eq!(lines, ["device  name         features", "cuda:0  NVIDIA H200  f", "cpu     Å"]);
    }

    #[test]
    fn memory_and_the_bus_are_shown_where_they_are_known() {
        let device = DeviceDescription { memory_bytes: Some(2048), free_bytes: Some(1024), ..Default::default() };
        assert_eq!(device_row(&device)[3..], ["2.00 KiB (1.00 KiB free)", "", ""]);
    }

    #[test]
    fn a_library_shows_its_file_or_its_problem() {
        let library = |path: Option<&str>, problem: Option<&str>| LibraryDescription {
            library: "libcuda".into(),
            version: None,
            path: path.map(PathBuf::from),
            problem: problem.map(String::from),
        };
        assert_eq!(library_row(&library(Some("/lib/x"), None))[2], "/lib/x");
        assert_eq!(library_row(&library(None, Some("not\nfound")))[2], "not found");
    }
}
