//! What is timed: one list, for criterion and for the comparison with PyTorch, which knows the same names.
//!
//! Inputs are random and drawn once; every closure is one operation from inputs to a result that is dropped.

mod elementwise;
mod matmul;
mod overhead;
mod rows;
mod train;

use std::env;
use std::sync::OnceLock;

use rectify::device::Seed;
use rectify::{DType, Device, DeviceChoice, Result, Tensor};

/// Something to time, by name: `group/what` or `group/what/size`.
pub struct Workload {
    pub name: String,
    /// Makes the inputs and gives the operation on them.
    pub prepare: Box<dyn Fn() -> Result<Operation>>,
}

/// One run of what is timed.
pub type Operation = Box<dyn FnMut() -> Result<()>>;

impl Workload {
    fn new(name: impl Into<String>, prepare: impl Fn() -> Result<Operation> + 'static) -> Self {
        Self { name: name.into(), prepare: Box::new(prepare) }
    }
}

/// Every workload, in the order they are listed.
pub fn all() -> Vec<Workload> {
    [matmul::all(), elementwise::all(), rows::all(), overhead::all(), train::all()].into_iter().flatten().collect()
}

/// The device that everything runs on: the CPU, or the one that `RECTIFY_BENCH_DEVICE` names, such as `cuda:0`.
pub fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| {
        let named = env::var("RECTIFY_BENCH_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
        named.parse::<DeviceChoice>().and_then(Device::open).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// Normal numbers. The key tells the inputs of one operation apart.
fn random(sizes: &[usize], key: u64) -> Result<Tensor> {
    Tensor::normal(sizes, 0.0, 1.0, DType::F32, Seed::new(key, 0), device())
}

/// Labels below `classes`. Shape `[rows]`.
fn labels(rows: usize, classes: usize) -> Result<Tensor> {
    let labels: Vec<i64> = (0..rows).map(|row| (row * 7919 % classes) as i64).collect();
    Tensor::from_slice(&labels, &[rows], device())
}
