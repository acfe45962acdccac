//! Tensor operations against plain loops in f64.

use half::{bf16, f16};
use rectify::{DType, Element, Result, Tensor};

use devices::{Sample, device, fresh, is_cuda, on_devices, settled};
use host::Host;

mod cast;
mod create;
#[path = "../devices/mod.rs"]
mod devices;
mod elementwise;
mod errors;
mod host;
mod index;
mod matmul;
mod normalize;
mod reduce;
mod rows;
mod views;

const FLOATS: [DType; 4] = [DType::F64, DType::F32, DType::F16, DType::Bf16];
const INTEGERS: [DType; 4] = [DType::U8, DType::U32, DType::I32, DType::I64];

/// How far a result may be from the exact one, relative to the magnitudes that went into it: a few roundings.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-14,
        DType::F32 => 5e-7,
        DType::F16 => 6e-4,
        DType::Bf16 => 5e-3,
        _ => 0.0,
    }
}

/// Calls `$then!` with the Rust type of an element type.
macro_rules! with_type {
    ($dtype:expr, $type:ident => $body:expr) => {
        match $dtype {
            DType::F64 => {
                type $type = f64;
                $body
            }
            DType::F32 => {
                type $type = f32;
                $body
            }
            DType::F16 => {
                type $type = f16;
                $body
            }
            DType::Bf16 => {
                type $type = bf16;
                $body
            }
            DType::U8 => {
                type $type = u8;
                $body
            }
            DType::U32 => {
                type $type = u32;
                $body
            }
            DType::I32 => {
                type $type = i32;
                $body
            }
            DType::I64 => {
                type $type = i64;
                $body
            }
        }
    };
}

/// A tensor of numbers converted on the host, so that no operation of the crate has touched them.
fn tensor(numbers: &[f64], sizes: &[usize], dtype: DType) -> Result<Tensor> {
    with_type!(dtype, E => {
        let elements: Vec<E> = numbers.iter().map(|&number| E::from_f64(number)).collect();
        Tensor::from_slice(&elements, sizes, &device())
    })
}

/// The elements, converted on the host.
fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    with_type!(tensor.dtype(), E => Ok(tensor.to_vec::<E>()?.into_iter().map(Element::to_f64).collect()))
}

/// The tensor as an array of the host, where operations are loops.
fn host(tensor: &Tensor) -> Result<Host> {
    Ok(Host::new(tensor.shape(), numbers(tensor)?))
}

/// Numbers between -2 and 2 without a pattern that a wrong stride would repeat.
fn scattered(count: usize) -> Vec<f64> {
    (0..count).map(|i| ((i * 2_654_435_761) % 4093) as f64 / 1023.0 - 2.0).collect()
}

/// Checks a result of any type against exact numbers and the magnitudes that went into each.
fn assert_near(got: &Tensor, want: &[f64], magnitudes: &[f64], what: &str) -> Result<()> {
    let tolerance = tolerance(got.dtype());
    let got = numbers(got)?;
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, ((&got, &want), magnitude)) in got.iter().zip(want).zip(magnitudes).enumerate() {
        let near = got == want || (got - want).abs() <= tolerance * magnitude.abs() || got.is_nan() && want.is_nan();
        assert!(near, "{what}: element {i} is {got}, not {want}");
    }
    Ok(())
}
