//! Every operation of a device, checked and then timed.
//!
//! Operands lie in arenas of random numbers larger than any cache, another place in each run: a device is timed on
//! what it finds in memory, as in a program that works on more than one tensor.

mod arena;
mod formulas;
mod normalize;
mod products;
mod reductions;
mod rows;

use std::ops::ControlFlow;

use super::ceilings::Ceilings;
use super::rows::{Grouping, Row, rows as together};
use crate::device::{Call, Device};
use crate::dtype::DType;
use crate::error::{Error, Result};
use arena::{Arena, Instance};

/// What to measure, and for how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// Elements of elementwise operations, reductions and rows.
    pub sizes: Vec<usize>,
    /// Element types. The largest size is tried with the first of them alone.
    pub dtypes: Vec<DType>,
    /// Only operations whose name holds this.
    pub only: Option<String>,
    /// Seconds of computing for each, at least.
    pub seconds: f64,
}

impl Default for Options {
    fn default() -> Self {
        let dtypes = vec![DType::F32, DType::F64, DType::Bf16, DType::F16];
        Self { sizes: vec![1 << 16, 1 << 22], dtypes, only: None, seconds: 0.02 }
    }
}

/// An operation that was checked and timed.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Measured {
    /// One run of it: its median time, and what there was to do.
    #[serde(flatten)]
    pub row: Row,
    /// How many runs.
    pub runs: usize,
    /// The middle half of the times, as a share of the median.
    pub spread: f64,
    /// The largest error against the reference, as a share of what is allowed: at most 1 where it is right.
    pub error: f64,
}

/// An operation on operands of one size and type.
struct Operation {
    name: String,
    prepare: Prepare,
}

/// Takes operands for one run.
type Prepare = Box<dyn Fn(&mut Arena) -> Result<Instance>>;

/// The fewest and the most runs of an operation.
const RUNS: (usize, usize) = (5, 200);

/// Checks and times every operation there is, and hands over each as it is done, until told to stop.
///
/// # Errors
/// The device fails, or has too little memory for the arenas: 64 bytes for each element of the largest
/// size in f32, at least 256 MiB.
pub fn measure(
    device: &Device,
    ceilings: &Ceilings,
    options: &Options,
    each: &mut dyn FnMut(Measured) -> ControlFlow<()>,
) -> Result<()> {
    let largest = options.sizes.iter().copied().max().unwrap_or(0);
    let ceilings = &ceilings.beyond_caches();
    for (nth, &dtype) in options.dtypes.iter().enumerate() {
        let mut arena = Arena::new(device, dtype, largest)?;
        for &size in options.sizes.iter().filter(|&&size| nth == 0 || size < largest || options.sizes.len() == 1) {
            for operation in all(size, dtype).filter(|operation| operation.is_meant(options)) {
                let measured = operation.measure(&mut arena, ceilings, options.seconds)?;
                if each(measured).is_break() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Every operation on about so many elements of a type.
fn all(size: usize, dtype: DType) -> impl Iterator<Item = Operation> {
    formulas::all(size).chain(reductions::all(size)).chain(rows::all(size)).chain(products::all(size, dtype))
}

impl Operation {
    fn new(name: impl Into<String>, prepare: impl Fn(&mut Arena) -> Result<Instance> + 'static) -> Self {
        Self { name: name.into(), prepare: Box::new(prepare) }
    }

    fn is_meant(&self, options: &Options) -> bool {
        options.only.as_ref().is_none_or(|only| self.name.contains(only.as_str()))
    }

    fn measure(&self, arena: &mut Arena, ceilings: &Ceilings, seconds: f64) -> Result<Measured> {
        let first = (self.prepare)(arena)?;
        (first.run)()?;
        arena.device.synchronize()?;
        let error = (first.error)()?;
        let recording = arena.device.record()?;
        let mut runs: Vec<Vec<Call>> = Vec::new();
        let mut spent = 0.0;
        while runs.len() < RUNS.0 || spent < seconds && runs.len() < RUNS.1 {
            let instance = (self.prepare)(arena)?;
            (instance.run)()?;
            let calls = recording.take()?;
            spent += time(&calls);
            runs.push(calls);
        }
        drop(recording);
        runs.sort_by(|a, b| time(a).total_cmp(&time(b)));
        let middle = runs.len() / 2;
        let median = time(&runs[middle]);
        let spread = (time(&runs[runs.len() * 3 / 4]) - time(&runs[runs.len() / 4])) / median;
        let parts = together(&runs[middle], ceilings, Grouping::Call).into_iter();
        let row =
            parts.reduce(Row::and).ok_or_else(|| Error::argument("profile", format!("{} does nothing", self.name)))?;
        let row = Row { label: String::new(), operation: self.name.clone(), sizes: first.sizes, ..row };
        Ok(Measured { row, runs: runs.len(), spread, error })
    }
}

fn time(calls: &[Call]) -> f64 {
    calls.iter().map(|call| call.device.seconds).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_computed_is_wrong() -> Result<()> {
        let device = Device::cpu_from(crate::memory::Host);
        let mut arena = Arena::new(&device, DType::F32, 1024)?;
        // What takes nothing in may give zeros; so does a gradient of steps.
        let names = [
            "matmul", "softmax", "sum of", "max of", "argmax", "gather", "scatter", "copy", "cross", "map gelu",
            "map add",
        ];
        let mut seen = 0;
        for operation in
            all(4096, DType::F32).filter(|operation| names.iter().any(|name| operation.name.starts_with(name)))
        {
            let instance = (operation.prepare)(&mut arena)?;
            assert!((instance.error)()? > 1.0, "{} passes with a result of zeros", operation.name);
            (instance.run)()?;
            assert!((instance.error)()? <= 1.0, "{}", operation.name);
            seen += 1;
        }
        assert!(seen > 30, "{seen}");
        Ok(())
    }
}
