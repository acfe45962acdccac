//! What is written down about the calls of a device, on the CPU and on CUDA, against counts by hand.

#[macro_use]
mod devices;

use rectify::device::{Call, Lane, Work};
use rectify::formula::Seed;
use rectify::{DType, Device, Result, Tensor};

fn ones(sizes: &[usize], dtype: DType) -> Tensor {
    Tensor::full(sizes, 1.0, dtype, &devices::device()).unwrap()
}
