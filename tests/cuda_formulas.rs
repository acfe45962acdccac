//! Kernels of formulas, run on a CUDA device, against their references.

mod devices;

#[path = "catalogue/bound.rs"]
mod bound;
#[path = "cuda_text/interval.rs"]
mod interval;

mod cuda_formulas {
    mod map;
    mod reduce;
}

use half::{bf16, f16};
use rectify::formula::philox::Stream;
use rectify::{DType, Device, Result, Tensor};

const FLOATS: [DType; 4] = [DType::F64, DType::F32, DType::F16, DType::Bf16];

/// The same tensor on the host and on the device.
struct Pair {
    host: Tensor,
    device: Tensor,
}

impl Pair {
    /// Numbers that are rounded to the element type on the host.
    fn new(numbers: &[f64], sizes: &[usize], dtype: DType) -> Result<Self> {
        let host = Tensor::from_slice(numbers, sizes, &Device::cpu())?.cast(dtype)?;
        let device = host.to_device(&devices::device())?;
        Ok(Self { host, device })
    }

    fn view(&self, view: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self { host: view(&self.host)?, device: view(&self.device)? })
    }
}

/// The elements of a tensor of any device, in f64.
fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_device(&Device::cpu())?.cast(DType::F64)?.to_vec()
}

/// The nearest number of an element type, by way of f32 for 16 bits: `from_f64` overlooks the last bits.
fn rounded(number: f64, dtype: DType) -> f64 {
    match dtype {
        DType::F32 => f64::from(number as f32),
        DType::F16 => f16::from_f32(number as f32).to_f64(),
        DType::Bf16 => bf16::from_f32(number as f32).to_f64(),
        _ => number,
    }
}

/// Numbers between -4 and 4, and among them some where functions turn, overflow or have no value.
fn drawn(count: usize, key: u64) -> Vec<f64> {
    const EDGES: [f64; 16] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        1e-3,
        -1e-6,
        17.5,
        -33.25,
        88.5,
        -95.0,
        720.0,
        1e4,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let mut stream = Stream::new(key, [0; 3]);
    let mut number = |_| match stream.below(64) {
        place @ 0..16 => EDGES[place as usize],
        _ => stream.below(1 << 20) as f64 / f64::from(1 << 17) - 4.0,
    };
    (0..count).map(&mut number).collect()
}
