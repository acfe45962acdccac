//! What is timed: one list, for criterion and for the comparison `benches/compare`, whose other sides know the same names.
//!
//! Every side makes the same inputs (`protocol/inputs.rs`), once; every closure is one operation from inputs to results, which
//! are dropped unless somebody looks.

mod activations;
mod chains;
mod floors;
mod layers;
mod matmul;
mod overhead;
mod rows;
mod train;
mod update;

use std::env;
use std::sync::OnceLock;

use rectify::{DType, Device, DeviceChoice, Result, Tensor};

use crate::protocol::{self, Operation, inputs};

/// Something to time, by name: `group/what/size`.
pub struct Workload {
    pub name: String,
    /// Makes the inputs and gives the operation on them.
    pub prepare: Box<dyn Fn() -> protocol::Result<Operation>>,
    /// Whether one run takes so long that hundreds are too many: `benches/compare` times it, criterion does not.
    #[allow(dead_code, reason = "criterion alone asks")]
    pub is_large: bool,
}

impl Workload {
    fn new(name: impl Into<String>, prepare: impl Fn() -> protocol::Result<Operation> + 'static) -> Self {
        Self { name: name.into(), prepare: Box::new(prepare), is_large: false }
    }

    /// The same, not for criterion if so.
    fn large(self, is_large: bool) -> Self {
        Self { is_large, ..self }
    }
}

/// Every workload, in the order they are listed.
pub fn all() -> Vec<Workload> {
    let groups = [
        floors::all(),
        matmul::all(),
        layers::all(),
        activations::all(),
        chains::all(),
        rows::all(),
        update::all(),
        train::all(),
        overhead::all(),
    ];
    groups.into_iter().flatten().collect()
}

/// The device that everything runs on: the CPU, or the one that `RECTIFY_BENCH_DEVICE` names, such as `cuda:0`.
pub fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| {
        let named = env::var("RECTIFY_BENCH_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
        named.parse::<DeviceChoice>().and_then(Device::open).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// An operation of these results.
fn gives<const N: usize>(mut run: impl FnMut() -> Result<[Tensor; N]> + 'static) -> protocol::Result<Operation> {
    Ok(Box::new(move |seen| {
        let results = run()?;
        Ok(seen.look(|| results.iter().map(elements).collect::<Result<_>>())?)
    }))
}

fn elements(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.cast(DType::F32)?.contiguous()?.to_vec()
}

/// Whether that is a GPU, which some sizes are larger for.
fn is_gpu() -> bool {
    env::var("RECTIFY_BENCH_DEVICE").is_ok_and(|name| name != "cpu")
}

/// Inputs of this shape. The key tells those of one operation apart.
fn values(sizes: &[usize], key: u64) -> Result<Tensor> {
    Tensor::from_slice(&inputs::values(sizes.iter().product(), key), sizes, device())
}

/// The same, each times a factor.
fn scaled(sizes: &[usize], key: u64, factor: f64) -> Result<Tensor> {
    Tensor::from_slice(&inputs::scaled(sizes.iter().product(), key, factor as f32), sizes, device())
}

/// Labels below `classes`. Shape `[rows]`.
fn labels(rows: usize, classes: usize) -> Result<Tensor> {
    Tensor::from_slice(&inputs::labels(rows, classes), &[rows], device())
}
