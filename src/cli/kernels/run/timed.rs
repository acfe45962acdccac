//! How long a kernel takes.

use rectify::kernels::Launch;
use rectify::profile::{Bound, Ceilings};
use rectify::report::figures;
use rectify::tensor::{Argument, CudaKernel};
use rectify::{Device, Result};
use serde::Serialize;

use super::super::super::failure::Failure;
use super::super::super::output::{print_json, print_line};
use super::Args;

/// A kernel run again and again. Times are the device's own.
#[derive(Serialize)]
#[serde(tag = "event", rename = "ran")]
pub struct Timed {
    kernel: String,
    device: String,
    grid: [u32; 3],
    block: [u32; 3],
    runs: usize,
    median_seconds: Option<f64>,
    least_seconds: Option<f64>,
    most_seconds: Option<f64>,
    bytes: u64,
    /// By the median.
    gigabytes_per_second: Option<f64>,
    flops: u64,
    teraflops_per_second: Option<f64>,
    /// The least it can take on this device, and what sets that, where it was asked for.
    floor_seconds: Option<f64>,
    bound: Option<Bound>,
}

/// Runs a kernel on the same tensors each time.
pub fn time(
    args: &Args,
    kernel: &CudaKernel,
    launch: Launch,
    arguments: &[Argument<'_>],
    device: &Device,
) -> Result<Timed> {
    let ceilings = args.ceilings.then(|| Ceilings::of(device)).transpose()?;
    let recording = device.record()?;
    (0..args.repeat).try_for_each(|_| kernel.launch(launch, arguments))?;
    let calls = recording.take()?;
    let mut seconds: Vec<f64> = calls.iter().map(|call| call.device.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(seconds.len() / 2).copied();
    let work = kernel.work(launch, arguments);
    let rate =
        |amount: u64, unit: f64| median.filter(|&median| median > 0.0).map(|median| amount as f64 / median / unit);
    let floor = calls.first().zip(ceilings).map(|(call, ceilings)| ceilings.floor(call));
    Ok(Timed {
        kernel: kernel.kernel().name().into(),
        device: device.name(),
        grid: launch.grid,
        block: launch.block,
        runs: args.repeat,
        median_seconds: median,
        least_seconds: seconds.first().copied(),
        most_seconds: seconds.last().copied(),
        bytes: work.bytes(),
        gigabytes_per_second: rate(work.bytes(), 1e9),
        flops: work.flops,
        teraflops_per_second: rate(work.flops, 1e12),
        floor_seconds: floor.map(|(_, seconds)| seconds),
        bound: floor.map(|(bound, _)| bound),
    })
}

impl Timed {
    pub fn print(&self, args: &Args) -> Result<(), Failure> {
        match (args.output.json, args.output.quiet) {
            (true, false) => print_json(self)?,
            (false, false) => print_line(&self.line())?,
            (_, true) => {}
        }
        Ok(())
    }

    fn line(&self) -> String {
        let (grid, block) = (sizes(self.grid), sizes(self.block));
        let mut line = format!("{} {}: {grid} blocks of {block} threads", self.kernel, self.device);
        if let (Some(median), Some(least), Some(most)) = (self.median_seconds, self.least_seconds, self.most_seconds) {
            let [median, least, most] = [median, least, most].map(microseconds);
            line += &format!(", {}: {median} us, from {least} to {most}", figures::counted(self.runs, "run"));
        }
        if let Some(rate) = self.gigabytes_per_second {
            line += &format!("; {}, {} GB/s", figures::bytes(self.bytes), figures::rate(rate));
        }
        if let Some(rate) = self.teraflops_per_second.filter(|_| self.flops > 0) {
            line += &format!("; {rate:.3} TFLOP/s");
        }
        if let (Some(floor), Some(bound)) = (self.floor_seconds, self.bound) {
            line += &format!("; at best {} us, by {}", microseconds(floor), bound.name());
        }
        line
    }
}

fn microseconds(seconds: f64) -> String {
    format!("{:.2}", seconds * 1e6)
}

/// `4096`, or `8 x 4 x 1` where there is more than one axis.
fn sizes(sizes: [u32; 3]) -> String {
    match sizes {
        [x, 1, 1] => figures::grouped(x.into()),
        [x, y, z] => format!("{x} x {y} x {z}"),
    }
}
