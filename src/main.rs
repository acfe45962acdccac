//! The command line of rectify.

mod cli;

use std::ops::ControlFlow;
use std::process::ExitCode;

use rectify::device::{CudaDevice, CudaLibrary, compile_unit, probe_cuda};
use rectify::formula::lanes::Isa;
use rectify::formula::unit;
use rectify::kernels::{self, Example};
use rectify::memory::ExitReport;
use rectify::profile::Ceilings;
use rectify::profile::operations::{Measured, Options, measure};
use rectify::{Device, DeviceChoice, Result, train};

fn main() -> ExitCode {
    // Dropped last: what is alive then was left behind.
    let _leaks = std::env::var_os("RECTIFY_LEAKS").map(|_| ExitReport::new());
    let kernels = cli::KernelJobs { units, compile: compile_unit };
    let profile = cli::ProfileJobs { train: train::profile, operations };
    let (train, evaluate, predict) = (train::run, train::evaluate, train::predict);
    cli::main(&cli::Jobs { train, evaluate, predict, devices, kernels, profile })
}

fn operations(
    choice: DeviceChoice,
    options: &Options,
    each: &mut dyn FnMut(Measured) -> ControlFlow<()>,
) -> Result<(String, Ceilings)> {
    let device = Device::open(choice)?;
    let ceilings = Ceilings::of(&device)?;
    measure(&device, &ceilings, options, each)?;
    Ok((device.name(), ceilings))
}

fn units() -> Result<Vec<Example>> {
    Ok([unit::examples()?, kernels::examples()].concat())
}

fn devices() -> cli::DeviceList {
    let probe = probe_cuda();
    let capacity = Device::cpu().memory().capacity();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = cli::DeviceDescription {
        device: "cpu".into(),
        name: std::env::consts::ARCH.into(),
        features: format!("{:?}, {threads} threads", Isa::current()).to_lowercase(),
        memory_bytes: capacity.map(|(_, total)| total as u64),
        free_bytes: capacity.map(|(free, _)| free as u64),
        ..Default::default()
    };
    cli::DeviceList {
        devices: probe.devices.into_iter().map(described).chain([cpu]).collect(),
        libraries: probe.libraries.into_iter().map(found).collect(),
        notes: probe.problem.into_iter().collect(),
    }
}

fn described(
    CudaDevice { ordinal, name, uuid, bus, capability, multiprocessors, memory }: CudaDevice,
) -> cli::DeviceDescription {
    let (major, minor) = capability;
    cli::DeviceDescription {
        device: format!("cuda:{ordinal}"),
        name,
        features: format!("compute capability {major}.{minor}, {multiprocessors} multiprocessors"),
        memory_bytes: Some(memory as u64),
        free_bytes: None,
        uuid: Some(uuid),
        bus: Some(bus),
    }
}

fn found(CudaLibrary { name, path, version, problem }: CudaLibrary) -> cli::LibraryDescription {
    cli::LibraryDescription { library: name, version, path, problem }
}
