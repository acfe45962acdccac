//! The command line of rectify.

mod cli;

use std::process::ExitCode;

use rectify::device::{compile_unit, probe_cuda};
use rectify::formula::lanes::Isa;
use rectify::formula::unit;
use rectify::kernels::{self, Example};
use rectify::{Device, Result, train};

fn main() -> ExitCode {
    let kernels = cli::KernelJobs { units, compile: compile_unit };
    cli::main(&cli::Jobs { train: train::run, evaluate: train::evaluate, devices, kernels })
}

fn units() -> Result<Vec<Example>> {
    Ok([unit::examples()?, kernels::examples()].concat())
}

fn devices() -> cli::DeviceList {
    let capacity = Device::cpu().memory().capacity();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = cli::DeviceDescription {
        device: "cpu".into(),
        name: std::env::consts::ARCH.into(),
        features: format!("{:?}, {threads} threads", Isa::current()).to_lowercase(),
        memory_bytes: capacity.map(|(_, total)| total as u64),
        free_bytes: capacity.map(|(free, _)| free as u64),
    };
    cli::DeviceList { devices: vec![cpu], notes: probe_cuda().problem.into_iter().collect() }
}
