//! New tensors: filled, counted, drawn at random.

use std::sync::atomic::{AtomicU32, Ordering};

use super::Tensor;
use crate::device::{Device, Seed};
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::formula::catalogue::create;
use crate::shape::Shape;

/// Where random tensors get their seeds from: each draw takes the next stream of one key.
///
/// A generator of the same key gives the same tensors in the same order, on any device and any number of threads.
#[derive(Debug)]
pub struct Generator {
    key: u64,
    stream: AtomicU32,
}

impl Generator {
    /// A generator with this key, before its first draw.
    pub fn new(key: u64) -> Self {
        Self { key, stream: AtomicU32::new(0) }
    }

    /// The seed of the next tensor.
    pub fn next(&self) -> Seed {
        Seed::new(self.key, self.stream.fetch_add(1, Ordering::Relaxed))
    }
}

impl Tensor {
    /// Zeros.
    ///
    /// # Errors
    /// The shape is not possible, or memory runs out; as for every tensor made below.
    pub fn zeros(sizes: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        Self::full(sizes, 0.0, dtype, device)
    }

    /// The same value everywhere, converted to `dtype`.
    pub fn full(sizes: &[usize], value: f64, dtype: DType, device: &Device) -> Result<Self> {
        Self::drawn(&create::constant { value }, sizes, dtype, Seed::default(), device)
    }

    /// 0, 1, 2, ... `count - 1`. Shape `[count]`.
    pub fn arange(count: usize, dtype: DType, device: &Device) -> Result<Self> {
        // F64 counts exactly as far as there is memory.
        let tensor = Self::uninitialized(Shape::new(&[count])?, DType::F64, device)?;
        Self::update(&create::position, &[], &[&tensor], Seed::default())?;
        tensor.cast(dtype)
    }

    /// These elements, row-major.
    ///
    /// # Errors
    /// The number of elements is not that of the shape.
    pub fn from_slice<E: Element>(elements: &[E], sizes: &[usize], device: &Device) -> Result<Self> {
        let shape = Shape::new(sizes)?;
        if elements.len() != shape.count() {
            let rule = format!("needs {} elements, {} were given", shape.count(), elements.len());
            return Err(Error::shape("from_slice", &[&shape], rule));
        }
        let tensor = Self::uninitialized(shape, E::DTYPE, device)?;
        device.backend().upload(E::as_bytes(elements), tensor.buffer())?;
        Ok(tensor)
    }

    /// Uniform on [low, high), then rounded to `dtype`, which may give `high`: seldom in f32, often in 16 bits.
    pub fn uniform(sizes: &[usize], low: f64, high: f64, dtype: DType, seed: Seed, device: &Device) -> Result<Self> {
        Self::drawn(&create::uniform { low, high }, sizes, dtype, seed, device)
    }

    /// Normal with this mean and standard deviation.
    pub fn normal(
        sizes: &[usize],
        mean: f64,
        deviation: f64,
        dtype: DType,
        seed: Seed,
        device: &Device,
    ) -> Result<Self> {
        Self::drawn(&create::normal { mean, deviation }, sizes, dtype, seed, device)
    }

    /// A formula without inputs, for every element.
    fn drawn(formula: &dyn AnyFormula, sizes: &[usize], dtype: DType, seed: Seed, device: &Device) -> Result<Self> {
        let tensor = Self::uninitialized(Shape::new(sizes)?, dtype, device)?;
        device.backend().map(formula, &[], &[tensor.view()?], seed)?;
        Ok(tensor)
    }
}
