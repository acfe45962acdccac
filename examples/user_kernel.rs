//! A kernel of one's own in CUDA C++, with a kernel for the way back: an activation like any other, held against the same
//! activation as a formula.

use rectify::device::Seed;
use rectify::kernels::Launch;
use rectify::tensor::{Argument, CudaKernel};
use rectify::{DType, Device, DeviceChoice, Result, Tape, Tensor, Var, formula};

const TEXT: &str = include_str!("user_kernel.cu");
const THREADS: u32 = 256;

formula! {
    /// x + sin(a x)^2 / a.
    fn snake_formula(x; a) = x + (x * a).sin().square() / a
}

/// x + sin(a x)^2 / a, by kernels.
pub fn snake(x: &Var, a: f32) -> Result<Var> {
    Var::custom("snake", &[x], |tensors| {
        let x = tensors[0].contiguous()?;
        let y = Tensor::zeros(x.shape(), DType::F32, x.device())?;
        let (launch, count) = (Launch::over(x.count(), THREADS), x.count() as u32);
        let arguments = [(&x).into(), Argument::output(&y), a.into(), count.into()];
        CudaKernel::from_source(TEXT, "snake")?.launch(launch, &arguments)?;
        let back = move |gradient: &Tensor, _wanted: &[bool]| {
            let (gradient, of_x) = (gradient.contiguous()?, Tensor::zeros(x.shape(), DType::F32, x.device())?);
            let arguments = [(&x).into(), (&gradient).into(), Argument::output(&of_x), a.into(), count.into()];
            CudaKernel::from_source(TEXT, "snake_gradient")?.launch(launch, &arguments)?;
            Ok(vec![Some(of_x)])
        };
        Ok((y, back))
    })
}

/// How far the kernels are at most from the formula, and from its derivative.
pub fn run(count: usize, device: &Device) -> Result<[f64; 2]> {
    let (a, seed) = (0.5, Seed::new(1, 0));
    let x = Tensor::uniform(&[count], -6.0, 6.0, DType::F32, seed, device)?;
    let through = |function: &dyn Fn(&Var) -> Result<Var>| -> Result<[Tensor; 2]> {
        let tape = Tape::new();
        let leaf = tape.variable(&x)?;
        let y = function(&leaf)?;
        let gradients = y.square()?.sum(&[])?.backward()?;
        let of_x =
            gradients.of(&leaf).map_or_else(|| Tensor::zeros(&[count], DType::F32, device), |of| Ok(of.clone()))?;
        Ok([y.into_tensor(), of_x])
    };
    let kernels = through(&|x| snake(x, a as f32))?;
    let formula = through(&|x| x.map(snake_formula { a }))?;
    let difference = |i: usize| -> Result<f64> { kernels[i].sub(&formula[i])?.abs()?.max(&[])?.item() };
    Ok([difference(0)?, difference(1)?])
}

fn main() -> Result<()> {
    let device = Device::open(DeviceChoice::Cuda(0))?;
    let [value, gradient] = run(1 << 20, &device)?;
    println!("from the formula at most {value:.1e}, from its derivative at most {gradient:.1e}");
    Ok(())
}
