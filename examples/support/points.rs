//! The function of four numbers that "Deep Learning from Scratch to GPU" (Djuric 2019) learns from part 14 on.

use rectify::device::Seed;
use rectify::{DType, Device, Result, Tensor, formula};

formula! {
    /// sin a + cos b + tanh c + d².
    fn sum_of_four(a, b, c, d) = a.sin() + b.cos() + c.tanh() + d * d
}

/// Points uniform on [0, 1)⁴ and the function there. Shapes [points, 4] and [points, 1].
///
/// # Errors
/// An element type that is not floating point, or memory runs out.
pub fn points(count: usize, dtype: DType, key: u64, device: &Device) -> Result<[Tensor; 2]> {
    let x = Tensor::uniform(&[count, 4], 0.0, 1.0, dtype, Seed::new(key, 0), device)?;
    let column = |nth| x.slice(1, nth..nth + 1);
    let y = Tensor::zip(sum_of_four, [&column(0)?, &column(1)?, &column(2)?, &column(3)?])?;
    Ok([x, y])
}
