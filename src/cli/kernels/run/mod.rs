//! `rectify kernels run`.

mod compare;
mod compiled;
mod given;
mod timed;

use std::path::PathBuf;
use std::process::ExitCode;

use rectify::device::probe_cuda;
use rectify::kernels::{Launch, names};
use rectify::tensor::CudaKernel;
use rectify::{Device, DeviceChoice, Error};

use super::super::failure::Failure;
use super::super::number::{real, whole};
use super::super::output::OutputArgs;
use super::KernelJobs;
use super::check::architecture;
use compare::Expectation;
use given::Form;

/// Compile a CUDA kernel of your own, run it, and see how fast it is and whether it is right
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The file of CUDA C++
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The kernel in it; may be left out where there is one alone
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
    /// What the kernel is given, once for each parameter: f32:1000 for random elements, f32:20x50, out:f32:1000 for zeros to
    /// write over, f32=2.5 for a number, file:x.npy for an array
    #[arg(long = "arg", value_name = "ARG", allow_hyphen_values = true)]
    given: Vec<Form>,
    /// Blocks along x, y and z; by default enough for a thread for each element of the largest tensor
    #[arg(long, value_name = "X[,Y[,Z]]", value_parser = sizes)]
    grid: Option<[u32; 3]>,
    /// Threads of a block along x, y and z
    #[arg(long, value_name = "X[,Y[,Z]]", value_parser = sizes, default_value = "256")]
    block: [u32; 3],
    /// Bytes of shared memory for a block, beside what the kernel declares
    #[arg(long, value_name = "BYTES", value_parser = whole::<u32>, default_value_t = 0)]
    shared: u32,
    /// How often it is run to be timed, on the same tensors each time
    #[arg(long, value_name = "N", value_parser = whole::<usize>, default_value_t = 20)]
    repeat: usize,
    /// The array that must come out
    #[arg(long, value_name = "FILE.npy", conflicts_with = "formula")]
    expect: Option<PathBuf>,
    /// The formula whose result must come out, of the const tensors in order: an activation or another of the catalogue
    #[arg(long, value_name = "NAME")]
    formula: Option<String>,
    /// The parameter whose elements are compared; by default the first that may be written
    #[arg(long, value_name = "NAME")]
    result: Option<String>,
    /// The difference that is accepted, relative to the element expected, or to 1 where that is smaller; by default as much as
    /// the type is coarse
    #[arg(long, value_name = "X", value_parser = real)]
    tolerance: Option<f64>,
    /// Bytes that have to be read and written; by default those of all tensors, each once
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    bytes: Option<u64>,
    /// Floating point operations
    #[arg(long, value_name = "N", value_parser = whole::<u64>, default_value_t = 0)]
    flops: u64,
    /// Hold the time against the least that the device can do it in, measured on it once, which takes some seconds
    #[arg(long)]
    ceilings: bool,
    /// Compile for these architectures and run nothing, which needs no GPU
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = architecture)]
    arch: Vec<u32>,
    /// Where to run: cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "cuda")]
    device: DeviceChoice,
    /// Print all that the compiler says, on standard error
    #[arg(long)]
    log: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  rectify kernels run examples/user_kernel.cu --arch sm_90
  rectify kernels run examples/user_kernel.cu --arg f32=2 --arg f32:1048576 --arg out:f32:1048576 --arg u32=1048576

Compiling needs NVRTC, of the CUDA toolkit or from `pip install nvidia-cuda-nvrtc`; RECTIFY_CUDA_PATH names its folder.";

/// Compiles, and where no architectures are asked for runs.
pub fn run(args: &Args, jobs: KernelJobs) -> Result<ExitCode, Failure> {
    let done = || -> Result<(), Failure> {
        let kernel = CudaKernel::from_file(&args.file, &entry(args)?)?;
        let launch = Launch::new([1; 3], args.block).shared_bytes(args.shared);
        for &architecture in &args.arch {
            compiled::compile(&kernel, launch, architecture, jobs)?.print(args)?;
        }
        if args.arch.is_empty() { launched(args, &kernel, launch, jobs) } else { Ok(()) }
    };
    done().map(|()| ExitCode::SUCCESS).inspect_err(|failure| tell_log(args, failure))
}

/// Runs the kernel once and looks at what came out, then again and again to time it.
fn launched(args: &Args, kernel: &CudaKernel, launch: Launch, jobs: KernelJobs) -> Result<(), Failure> {
    let device = Device::open(args.device)?;
    if let Some(architecture) = architecture_of(args.device) {
        match compiled::compile(kernel, launch, architecture, jobs) {
            Ok(compiled) => compiled.print(args)?,
            // A device that is newer than the compiler translates for itself.
            Err(Error::Device { rule, .. }) if !args.output.quiet => eprintln!("{rule}"),
            Err(error) => return Err(error.into()),
        }
    }
    let values = given::values(&args.given, kernel.kernel(), &device)?;
    let arguments = given::arguments(&args.given, &values, kernel.kernel());
    kernel.check(&arguments)?;
    let expectation = Expectation::new(args, kernel.kernel(), &values)?;
    let grid = args.grid.map_or_else(|| whole_grid(args.block, &values), Ok)?;
    let launch = Launch { grid, bytes: args.bytes, flops: args.flops, ..launch };
    kernel.launch(launch, &arguments)?;
    device.synchronize()?;
    let outcome = expectation.map(|expectation| expectation.compare(&values)).transpose()?;
    timed::time(args, kernel, launch, &arguments, &device)?.print(args)?;
    match outcome {
        Some(outcome) => outcome.print(args, kernel.kernel()),
        None => Ok(()),
    }
}

/// The kernel asked for, or the one there is.
fn entry(args: &Args) -> Result<String, Failure> {
    if let Some(entry) = &args.entry {
        return Ok(entry.clone());
    }
    let text = std::fs::read_to_string(&args.file).map_err(|cause| Error::io("read", &args.file, cause))?;
    let found = names(&text);
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => Err(input(format!("{}: there is no kernel in it", args.file.display()))),
        several => Err(input(format!("{}: --entry chooses one of {}", args.file.display(), several.join(", ")))),
    }
}

/// The architecture of a CUDA device.
fn architecture_of(choice: DeviceChoice) -> Option<u32> {
    let ordinal = match choice {
        DeviceChoice::Cuda(ordinal) => ordinal,
        DeviceChoice::Auto => 0,
        DeviceChoice::Cpu => return None,
    };
    let devices = probe_cuda().devices;
    let (major, minor) = devices.into_iter().find(|device| device.ordinal == ordinal)?.capability;
    Some(major * 10 + minor)
}

/// As many blocks as have a thread for each element of the largest tensor.
fn whole_grid(block: [u32; 3], values: &[given::Value]) -> Result<[u32; 3], Failure> {
    let most = values.iter().filter_map(|value| value.tensor()).map(|tensor| tensor.count()).max();
    match block {
        [threads, 1, 1] => Ok(Launch::over(most.unwrap_or(1).max(1), threads).grid),
        _ => Err(input("--grid is needed with a block of more than one axis".into())),
    }
}

/// What the compiler said of a text that it refused, where it was asked for.
fn tell_log(args: &Args, failure: &Failure) {
    if let Failure::Input(error) = failure
        && let Some(Error::Kernel(kernel)) = error.downcast_ref::<Error>()
        && let Some(log) = kernel.log.as_ref().filter(|_| args.log)
    {
        eprintln!("{log}");
    }
}

/// `16`, `16,8` or `16x8x2`.
fn sizes(text: &str) -> Result<[u32; 3], String> {
    let parts = text.split([',', 'x']).map(|part| part.parse().ok().filter(|&size| size > 0));
    let mut sizes = [1; 3];
    let read: Option<Vec<u32>> = parts.collect();
    let read = read.filter(|read| read.len() <= 3).ok_or("one to three whole numbers above 0 are needed")?;
    sizes[..read.len()].copy_from_slice(&read);
    Ok(sizes)
}

/// What was typed is not acceptable.
fn input(rule: String) -> Failure {
    Failure::Input(anyhow::anyhow!(rule))
}
