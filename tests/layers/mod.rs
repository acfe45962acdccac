//! Linear layers with their activations, forwards and backwards.

#![allow(dead_code, reason = "each test uses a part of it")]

use rectify::device::Seed;
use rectify::nn::Activation;
use rectify::{DType, Device, Result, Tape, Tensor, Var};

/// A network of three layers whose parameters are parts of one buffer each, or leaves of their own.
pub struct Network {
    pub layers: Vec<[Tensor; 2]>,
    pub input: Tensor,
    pub seed: Tensor,
    pub parts: bool,
}

impl Network {
    /// Units of the input, of both hidden layers and of the output, and the rows.
    pub fn new(sizes: [usize; 4], rows: usize, dtype: DType, parts: bool, device: &Device) -> Result<Self> {
        let drawn = |sizes: &[usize], stream: u32| {
            Tensor::uniform(sizes, -1.0, 1.0, DType::F64, Seed::new(5, stream), &Device::cpu())?
                .cast(dtype)?
                .to_device(device)
        };
        let layer = |(i, units): (usize, &[usize])| {
            let stream = 2 * i as u32;
            let count = units[0] * units[1];
            let flat = drawn(&[count + units[1]], stream)?;
            let bias = flat.slice(0, count..count + units[1])?;
            Ok([flat.slice(0, 0..count)?.reshape(units)?, bias])
        };
        let layers = sizes.windows(2).enumerate().map(layer).collect::<Result<_>>()?;
        let (input, seed) = (drawn(&[rows, sizes[0]], 20)?, drawn(&[rows, sizes[3]], 21)?);
        Ok(Self { layers, input, seed, parts })
    }

    /// The same numbers in f64 on the CPU.
    fn in_f64(&self) -> Result<Self> {
        let wide = |tensor: &Tensor| tensor.cast(DType::F64)?.to_device(&Device::cpu());
        let layers = self.layers.iter().map(|[weight, bias]| Ok([wide(weight)?, wide(bias)?]));
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            input: wide(&self.input)?,
            seed: wide(&self.seed)?,
            parts: self.parts,
        })
    }

    /// The result and the gradients of all parameters and of the input.
    pub fn run(&self, activation: Activation) -> Result<Vec<Vec<f64>>> {
        let tape = Tape::new();
        let leaf = |tensor: &Tensor| match self.parts {
            true => tape.parameter(tensor),
            false => tape.variable(tensor),
        };
        let input = tape.variable(&self.input)?;
        let mut leaves = vec![input.clone()];
        let mut x = input;
        for (i, [weight, bias]) in self.layers.iter().enumerate() {
            let (weight, bias) = (leaf(weight)?, leaf(bias)?);
            let last = i + 1 == self.layers.len();
            x = layer(&x, &weight, &bias, if last { Activation::Linear } else { activation })?;
            leaves.extend([weight, bias]);
        }
        let result = x.tensor().cast(DType::F64)?.to_vec()?;
        let gradients = x.backward_with(&self.seed)?;
        let gradients = leaves.iter().map(|leaf| values(gradients.of(leaf)));
        std::iter::once(Ok(result)).chain(gradients).collect()
    }
}

pub fn values(gradient: Option<&Tensor>) -> Result<Vec<f64>> {
    gradient.expect("the result depends on every leaf").cast(DType::F64)?.to_vec()
}

pub fn layer(x: &Var, weight: &Var, bias: &Var, activation: Activation) -> Result<Var> {
    use rectify::formula::catalogue::activation as formula;
    match activation {
        Activation::Relu => x.linear(weight, bias, formula::relu),
        Activation::GeluTanh => x.linear(weight, bias, formula::gelu_tanh),
        _ => x.linear(weight, bias, formula::linear),
    }
}

/// How far a tensor may be from what f64 gives, as the norm of the difference over the norm, of 0.1 at least. In 16 bits a sum may round to the
/// other side of 0, and a row more or less count towards a gradient.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-13,
        DType::F32 => 1e-5,
        DType::F16 => 0.02,
        _ => 0.1,
    }
}

/// Compares a CUDA device with the CPU in f64.
pub fn check(
    cuda: &Device,
    (sizes, rows): ([usize; 4], usize),
    dtype: DType,
    parts: bool,
    activation: Activation,
) -> Result<()> {
    let there = Network::new(sizes, rows, dtype, parts, cuda)?;
    let here = there.in_f64()?.run(activation)?;
    let there = there.run(activation)?;
    assert_eq!(here.len(), there.len());
    for (which, (here, there)) in here.iter().zip(&there).enumerate() {
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
        let apart = norm(&mut here.iter().zip(there).map(|(a, b)| a - b)) / norm(&mut here.iter().copied()).max(0.1);
        assert!(
            here.len() == there.len() && apart < tolerance(dtype),
            "{activation} in {dtype}, {sizes:?}, {rows} rows, tensor {which}: {apart} apart"
        );
    }
    Ok(())
}
