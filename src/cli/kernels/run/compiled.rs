//! What the compiler made of a kernel.

use rectify::kernels::{BlockLimits, Launch, Resources, warnings};
use rectify::report::figures::percent;
use rectify::tensor::CudaKernel;
use rectify::{Error, Result};
use serde::Serialize;

use super::super::super::failure::Failure;
use super::super::super::output::{print_json, print_line};
use super::super::KernelJobs;
use super::Args;

/// A kernel for an architecture.
#[derive(Serialize)]
#[serde(tag = "event", rename = "compiled")]
pub struct Compiled {
    kernel: String,
    file: String,
    line: usize,
    parameters: Vec<String>,
    architecture: String,
    #[serde(flatten)]
    used: Option<Resources>,
    /// Threads of a block.
    threads: u64,
    /// Blocks that run on a multiprocessor at once.
    blocks: Option<u32>,
    /// The part of a multiprocessor's warps they are.
    occupancy: Option<f64>,
    image_bytes: usize,
    log: String,
}

/// Compiles a kernel, and holds the launch against what the architecture has.
pub fn compile(kernel: &CudaKernel, launch: Launch, architecture: u32, jobs: KernelJobs) -> Result<Compiled> {
    let kernel = kernel.kernel();
    let compiled = (jobs.compile)(kernel.unit(), architecture)?;
    let used = Resources::of_kernel(&compiled.log, kernel.name());
    let declared_bytes = used.map_or(0, |used| used.shared_bytes);
    let shared_bytes = Resources::most_shared_bytes(architecture).unwrap_or(u32::MAX);
    let limits = BlockLimits { threads: u32::MAX, declared_bytes, shared_bytes }.promised(kernel.most_threads());
    if let Some(rule) = launch.fault(limits) {
        let rule = format!("cannot be launched on sm_{architecture} with {rule}");
        return Err(Error::kernel(kernel.name(), kernel.file(), Some(kernel.line()), rule));
    }
    let in_all = used.map(|used| Resources { shared_bytes: used.shared_bytes + launch.shared_bytes, ..used });
    let occupancy = in_all.and_then(|used| used.occupancy(architecture, launch.threads() as u32));
    Ok(Compiled {
        kernel: kernel.name().into(),
        file: kernel.file().into(),
        line: kernel.line(),
        parameters: kernel.parameters().iter().map(ToString::to_string).collect(),
        architecture: format!("sm_{architecture}"),
        used,
        threads: launch.threads(),
        blocks: occupancy.map(|(blocks, _)| blocks),
        occupancy: occupancy.map(|(_, part)| part),
        image_bytes: compiled.image.len(),
        log: compiled.log,
    })
}

impl Compiled {
    pub fn print(&self, args: &Args) -> Result<(), Failure> {
        match (args.output.json, args.output.quiet) {
            (true, false) => print_json(self)?,
            (false, false) => print_line(&self.line())?,
            (_, true) => {}
        }
        if args.log {
            eprintln!("{}", self.log);
        } else if !args.output.json {
            warnings(&self.log).for_each(|warning| eprintln!("{warning}"));
        }
        Ok(())
    }

    fn line(&self) -> String {
        let Self { kernel, architecture, used, threads, blocks, occupancy, .. } = self;
        let name = format!("{kernel} {architecture}");
        let Some(Resources { registers, shared_bytes, spilled_bytes }) = used else {
            return format!("{name}: the compiler does not say what it uses");
        };
        let used = format!("{registers} registers, {shared_bytes} B shared, {spilled_bytes} B spilled");
        match blocks.zip(*occupancy) {
            Some((blocks, part)) => {
                format!("{name}: {used}; {blocks} blocks of {threads} threads at once, {} of the warps", percent(part))
            }
            None => format!("{name}: {used}"),
        }
    }
}
