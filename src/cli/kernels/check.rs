//! `rectify kernels check`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use rectify::Error;
use rectify::kernels::{Example, Resources, Unit, warnings};
use serde::Serialize;

use super::super::failure::Failure;
use super::super::output::{OutputArgs, print_json, print_line};
use super::budget::{Budget, digests};
use super::in_order::in_order;
use super::{KernelJobs, chosen, name};

/// Compile every kernel with NVRTC, which needs no GPU, and fail where one warns, spills or grows
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The architectures to compile for
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = architecture,
          default_value = "sm_75,sm_80,sm_90,sm_100,sm_120")]
    arch: Vec<u32>,
    /// Check only those whose name holds this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Compile again only what changed since the table was written, sources or compiler, and every eighth of the rest
    #[arg(long)]
    changed: bool,
    /// Write the registers that kernels use to this file instead of holding them against the table built in
    #[arg(long, value_name = "FILE", conflicts_with = "only")]
    write_budget: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  rectify kernels check --arch sm_90 --only softmax
  rectify kernels check --changed --write-budget kernels/budget.txt

NVRTC comes with the CUDA toolkit or from `pip install nvidia-cuda-nvrtc`; RECTIFY_CUDA_PATH names its folder.";

/// Of what the table holds already, one unit in so many is compiled all the same, another one for each architecture.
const SAMPLE: usize = 8;

/// What came of compiling a unit.
#[derive(Serialize)]
#[serde(tag = "event", rename = "compiled")]
struct Checked {
    kernel: String,
    operands: String,
    architecture: String,
    #[serde(flatten)]
    used: Option<Resources>,
    /// Blocks that run on a multiprocessor at once.
    blocks: Option<u32>,
    /// The part of a multiprocessor's warps they are.
    occupancy: Option<f64>,
    image_bytes: usize,
    milliseconds: u64,
    problems: Vec<String>,
}

/// The end of the list.
#[derive(Serialize)]
#[serde(tag = "event", rename = "checked")]
struct Summary {
    compiled: usize,
    /// Those that the table holds, of the same sources and compiler.
    held: usize,
    with_problems: usize,
    seconds: f64,
}

pub fn run(args: &Args, jobs: KernelJobs) -> Result<ExitCode, Failure> {
    let examples = chosen(jobs.units, args.only.as_deref())?;
    let mut compiler = String::new();
    for &architecture in &args.arch {
        // Whether there is a compiler, and it knows the architecture, is not said once per kernel.
        compiler = (jobs.compile)(&Unit::new("nothing", &[], &[]), architecture)?.compiler;
    }
    let (table, digests) = (Budget::committed(), digests(&examples, &compiler));
    let mut measured = Budget::default();
    let (mut work, mut held) = (Vec::new(), 0);
    for (nth, &arch) in args.arch.iter().enumerate() {
        for (place, example) in examples.iter().enumerate() {
            let kernel = example.unit.kernel.as_str();
            let is_held = args.changed && args.only.is_none() && table.holds(kernel, &digests[kernel], arch);
            if !is_held || args.write_budget.is_none() && (place + nth) % SAMPLE == 0 {
                work.push((example, arch));
            } else {
                measured.keep(&table, kernel, arch);
                held += 1;
            }
        }
    }
    let budget = if args.write_budget.is_some() { None } else { Some(&table) };
    let width = examples.iter().map(|example| name(example).chars().count()).max().unwrap_or(0);
    let (start, mut with_problems) = (Instant::now(), 0);
    in_order(
        &work,
        |&(example, arch)| check(example, arch, jobs, budget),
        |index, checked| {
            if let Some(used) = checked.used {
                measured.add(&checked.kernel, &digests[checked.kernel.as_str()], work[index].1, used);
            }
            with_problems += usize::from(!checked.problems.is_empty());
            checked.print(args.output, width)
        },
    )?;
    let summary = Summary { compiled: work.len(), held, with_problems, seconds: start.elapsed().as_secs_f64() };
    if args.output.json {
        print_json(&summary)?;
    } else if !args.output.quiet {
        eprintln!(
            "{} compiled in {:.1} s, {with_problems} with problems; {held} not compiled again: the budget holds them",
            summary.compiled, summary.seconds,
        );
    }
    if let Some(path) = &args.write_budget {
        fs::write(path, measured.to_string()).map_err(|cause| Error::io("write", path, cause))?;
    }
    match with_problems {
        0 => Ok(ExitCode::SUCCESS),
        _ => Err(Failure::Run(anyhow::anyhow!("{with_problems} of {} units have problems", work.len()))),
    }
}

fn check(example: &Example, architecture: u32, jobs: KernelJobs, budget: Option<&Budget>) -> Checked {
    let start = Instant::now();
    let compiled = (jobs.compile)(&example.unit, architecture);
    let milliseconds = start.elapsed().as_millis() as u64;
    let log = compiled.as_ref().map_or("", |compiled| compiled.log.as_str());
    let mut problems: Vec<String> = warnings(log).map(str::to_owned).collect();
    let resources = Resources::from_log(log);
    match (&compiled, resources) {
        (Err(error), _) => problems.push(error.to_string()),
        (Ok(_), None) => problems.push("the compiler does not say what it uses".into()),
        (Ok(_), Some(used)) => {
            if used.spilled_bytes > 0 {
                problems.push(format!("spills {} bytes", used.spilled_bytes));
            }
            problems.extend(budget.and_then(|budget| budget.excess(&example.unit.kernel, architecture, used)));
        }
    }
    let threads = example.unit.threads();
    let occupancy = resources.zip(threads).and_then(|(resources, threads)| resources.occupancy(architecture, threads));
    Checked {
        kernel: example.unit.kernel.clone(),
        operands: example.operands.clone(),
        architecture: format!("sm_{architecture}"),
        used: resources,
        blocks: occupancy.map(|(blocks, _)| blocks),
        occupancy: occupancy.map(|(_, part)| part),
        image_bytes: compiled.map_or(0, |compiled| compiled.image.len()),
        milliseconds,
        problems,
    }
}

impl Checked {
    fn print(&self, output: OutputArgs, width: usize) -> Result<(), Failure> {
        let name = format!("{} {}", self.kernel, self.operands);
        match (output.json, output.quiet) {
            (true, false) => print_json(self)?,
            (false, false) => {
                let number =
                    |part: fn(Resources) -> u32| self.used.map_or("-".to_owned(), |used| part(used).to_string());
                print_line(&format!(
                    "{name:width$}  {:6} {:>3} registers {:>5} B shared {:>4} {:>5} ms",
                    self.architecture,
                    number(|used| used.registers),
                    number(|used| used.shared_bytes),
                    self.occupancy.map_or("-".to_owned(), |part| format!("{:.0}%", 100.0 * part)),
                    self.milliseconds,
                ))?;
            }
            (_, true) => {}
        }
        if !output.json {
            self.problems.iter().for_each(|problem| eprintln!("{name} {}: {problem}", self.architecture));
        }
        Ok(())
    }
}

/// `sm_90` as 90.
pub(super) fn architecture(text: &str) -> Result<u32, String> {
    let number = text.strip_prefix("sm_").unwrap_or(text).parse();
    number.map_err(|_| format!("'{text}' is not an architecture such as sm_90"))
}
