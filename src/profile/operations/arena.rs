//! Where operands lie while operations are timed.

use crate::device::{Device, Seed};
use crate::dtype::DType;
use crate::error::Result;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Random numbers of one type, and room for results: each operand is another part of it.
pub(super) struct Arena {
    pub device: Device,
    numbers: Tensor,
    room: Tensor,
    /// Where the next operand and the next result begin.
    next: [usize; 2],
}

/// An operation on the operands of one run.
pub(super) struct Instance {
    /// The sizes, as a table shows them.
    pub sizes: String,
    /// Computes once.
    pub run: Box<dyn Fn() -> Result<()>>,
    /// The largest error of what was computed, as a share of what is allowed.
    pub error: Box<dyn Fn() -> Result<f64>>,
}

/// More than the caches of any device hold.
const BYTES: usize = 128 << 20;
/// Operands begin at multiples of so many elements.
const ALIGNMENT: usize = 64;

impl Arena {
    /// One for operations of up to so many elements.
    pub fn new(device: &Device, dtype: DType, largest: usize) -> Result<Self> {
        let elements = (BYTES / dtype.size()).max(8 * largest);
        let numbers = Tensor::uniform(&[elements], -2.0, 2.0, dtype, Seed::new(1, 0), device)?;
        let room = Tensor::zeros(&[elements], dtype, device)?;
        Ok(Self { device: device.clone(), numbers, room, next: [0; 2] })
    }

    /// Random numbers from -2 to 2.
    pub fn operand(&mut self, sizes: &[usize]) -> Result<Tensor> {
        part(&self.numbers, &mut self.next[0], sizes)
    }

    /// Where a result goes.
    pub fn result(&mut self, sizes: &[usize]) -> Result<Tensor> {
        part(&self.room, &mut self.next[1], sizes)
    }

    /// Whole numbers below `end`, of type I64: the same ones each time.
    pub fn indices(&self, count: usize, end: usize) -> Result<Tensor> {
        let indices: Vec<i64> = (0..count).map(|place| (place * 7919 % end) as i64).collect();
        Tensor::from_slice(&indices, &[count], &self.device)
    }
}

fn part(whole: &Tensor, next: &mut usize, sizes: &[usize]) -> Result<Tensor> {
    let count = Shape::new(sizes)?.count();
    if *next + count > whole.count() {
        *next = 0;
    }
    let part = whole.slice(0, *next..*next + count)?.reshape(sizes);
    *next = (*next + count).next_multiple_of(ALIGNMENT);
    part
}

impl Instance {
    pub fn new(
        sizes: &[usize],
        run: impl Fn() -> Result<()> + 'static,
        error: impl Fn() -> Result<f64> + 'static,
    ) -> Self {
        let sizes = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
        Self { sizes, run: Box::new(run), error: Box::new(error) }
    }
}

/// The elements as they are, in f64.
pub(super) fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_device(&Device::cpu())?.cast(DType::F64)?.to_vec()
}

/// How far a result of this type may be from the exact one, for numbers of about this size.
pub(super) fn allowed(dtype: DType, size: f64) -> f64 {
    let roundings = match dtype {
        DType::F64 => 1e-12,
        DType::F16 => 4e-3,
        DType::Bf16 => 3e-2,
        _ => 2e-5,
    };
    roundings * (1.0 + size.abs())
}

/// The difference of two numbers as a share of what is allowed where what went in was of about this size.
pub(super) fn share(dtype: DType, got: f64, want: f64, size: f64) -> f64 {
    let overflows = dtype == DType::F16 && want.abs() > 65504.0 && got.is_infinite() && got.signum() == want.signum();
    if got == want || got.is_nan() && want.is_nan() || overflows {
        return 0.0;
    }
    let share = (got - want).abs() / allowed(dtype, size);
    if share.is_nan() { f64::INFINITY } else { share }
}

/// Some places of so many: the first, the last and some between.
pub(super) fn sampled(count: usize) -> impl Iterator<Item = usize> {
    const SAMPLES: usize = 512;
    let step = count.div_ceil(SAMPLES).max(1);
    (0..count).step_by(step).chain(count.checked_sub(1))
}
