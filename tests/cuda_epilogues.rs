//! What cuBLASLt does along with a product: each epilogue against the CPU, taken and refused. The driver is simulated.
#![cfg(all(feature = "cuda", target_os = "linux"))]

mod simulated;

use std::sync::{Mutex, MutexGuard, PoisonError};

use rectify::device::Seed;
use rectify::nn::Activation;
use rectify::{DType, Device, Result, Tape, Tensor, Var};
use simulated::Control;

/// cuBLASLt's numbers of its epilogues.
const DEFAULT: i32 = 1;
const BIAS: i32 = 4;
const RELU_AUX_BIAS: i32 = 134;
const GELU_AUX_BIAS: i32 = 164;
const DRELU: i32 = 136;
const DRELU_BGRAD: i32 = 152;
const DGELU_BGRAD: i32 = 208;
const BGRADA: i32 = 256;

/// One test at a time: what is refused is refused to all.
fn turn() -> (MutexGuard<'static, ()>, Control) {
    static TURN: Mutex<()> = Mutex::new(());
    (TURN.lock().unwrap_or_else(PoisonError::into_inner), simulated::control())
}

/// Units of the input, of both hidden layers and of the output, and the rows: none a multiple of anything, all multiples of
/// everything, and single ones.
const SIZES: [([usize; 4], usize); 4] =
    [([5, 7, 130, 3], 9), ([16, 128, 64, 16], 32), ([3, 1, 1, 1], 1), ([4, 250, 8, 9], 1)];

/// A network of three layers whose parameters are parts of one buffer each, or leaves of their own.
struct Network {
    layers: Vec<[Tensor; 2]>,
    input: Tensor,
    seed: Tensor,
    parts: bool,
}

impl Network {
    fn new(sizes: [usize; 4], rows: usize, dtype: DType, parts: bool, device: &Device) -> Result<Self> {
        let drawn = |sizes: &[usize], stream: u32| {
            Tensor::uniform(sizes, -1.0, 1.0, DType::F64, Seed { key: 5, stream }, &Device::cpu())?
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

    /// The result and the gradients of all parameters and of the input.
    fn run(&self, activation: Activation) -> Result<Vec<Vec<f64>>> {
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

fn values(gradient: Option<&Tensor>) -> Result<Vec<f64>> {
    gradient.expect("the result depends on every leaf").cast(DType::F64)?.to_vec()
}

fn layer(x: &Var, weight: &Var, bias: &Var, activation: Activation) -> Result<Var> {
    use rectify::formula::catalogue::activation as formula;
    match activation {
        Activation::Relu => x.linear(weight, bias, formula::relu),
        Activation::GeluTanh => x.linear(weight, bias, formula::gelu_tanh),
        _ => x.linear(weight, bias, formula::linear),
    }
}

/// How far values of one element type may be apart, in units of their size. In 8 bits of mantissa a sum may round to the other
/// side of 0, and a row more or less count towards a gradient.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-12,
        DType::F32 => 2e-5,
        DType::F16 => 1e-2,
        _ => 0.2,
    }
}

fn check(sizes: [usize; 4], rows: usize, dtype: DType, parts: bool, activation: Activation) -> Result<()> {
    let run = |device: &Device| Network::new(sizes, rows, dtype, parts, device)?.run(activation);
    let (here, there) = (run(&Device::cpu())?, run(&simulated::device())?);
    assert_eq!(here.len(), there.len());
    for (which, (here, there)) in here.iter().zip(&there).enumerate() {
        let size = here.iter().fold(1f64, |size, x| size.max(x.abs()));
        let apart = here.iter().zip(there).map(|(a, b)| (a - b).abs() / size).fold(0.0, f64::max);
        assert!(
            here.len() == there.len() && apart < tolerance(dtype),
            "{activation} in {dtype}, {sizes:?}, {rows} rows, tensor {which}: {apart} apart"
        );
    }
    Ok(())
}

#[test]
fn every_epilogue_gives_what_the_cpu_gives() -> Result<()> {
    let (_turn, control) = turn();
    for (sizes, rows) in SIZES {
        for dtype in [DType::F32, DType::F16, DType::Bf16, DType::F64] {
            for activation in [Activation::Relu, Activation::GeluTanh, Activation::Linear] {
                check(sizes, rows, dtype, true, activation)?;
            }
        }
    }
    check(SIZES[0].0, SIZES[0].1, DType::F32, false, Activation::Relu)?;
    check(SIZES[0].0, SIZES[0].1, DType::F32, false, Activation::GeluTanh)?;
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn what_is_refused_is_done_after_the_product() -> Result<()> {
    let (_turn, control) = turn();
    for refused in [BIAS, RELU_AUX_BIAS, GELU_AUX_BIAS, DRELU_BGRAD, DGELU_BGRAD, BGRADA, DEFAULT, -1] {
        control.refuse_epilogue(refused);
        for activation in [Activation::Relu, Activation::GeluTanh] {
            // A problem that was asked for before has its plan: these sizes are of this refusal alone.
            let rows = 40 + (refused + 1) as usize;
            check([6, 24, 17, 5], rows, DType::F32, true, activation)?;
        }
        control.refuse_epilogue(0);
    }
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn the_way_back_through_relu_and_gelu_launches_nothing_beside_the_products() -> Result<()> {
    let (_turn, control) = turn();
    let device = simulated::device();
    for (activation, refused) in [(Activation::Relu, DRELU_BGRAD), (Activation::GeluTanh, DGELU_BGRAD)] {
        let step = |rows: usize| -> Result<(u64, usize)> {
            let network = Network::new([8, 64, 32, 4], rows, DType::F32, true, &device)?;
            device.synchronize()?;
            control.reset();
            let tape = Tape::new();
            let mut x = Var::constant(&network.input);
            for (i, [weight, bias]) in network.layers.iter().enumerate() {
                let (weight, bias) = (tape.parameter(weight)?, tape.parameter(bias)?);
                x = layer(&x, &weight, &bias, if i == 2 { Activation::Linear } else { activation })?;
            }
            x.backward_with(&network.seed)?;
            device.synchronize()?;
            Ok((control.count("cublasLtMatmul"), control.launches().len()))
        };
        assert_eq!(step(33)?, (8, 0), "{activation}: three products forwards, five backwards, and nothing else");
        control.refuse_epilogue(refused);
        assert_eq!(step(34)?, (8, 4), "{activation}: a map and a sum for each of two hidden layers");
        control.refuse_epilogue(0);
    }
    // Without biases there are no sums to go along.
    let network = Network::new([8, 64, 32, 4], 35, DType::F32, true, &device)?;
    control.reset();
    let tape = Tape::new();
    let mut x = Var::constant(&network.input);
    for [weight, bias] in &network.layers {
        x = layer(&x, &tape.variable(weight)?, &Var::constant(bias), Activation::Relu)?;
    }
    control.refuse_epilogue(DRELU);
    x.backward_with(&network.seed)?;
    control.refuse_epilogue(0);
    assert_eq!(control.launches().len(), 3, "DRELU was asked for and refused in two layers; the last has a map anyway");
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

#[test]
fn a_result_that_is_used_twice_gets_both_gradients() -> Result<()> {
    let (_turn, control) = turn();
    let run = |device: &Device| -> Result<Vec<Vec<f64>>> {
        let network = Network::new([5, 12, 12, 3], 6, DType::F64, true, device)?;
        let network = Network { layers: cast(&network.layers)?, input: network.input.cast(DType::F32)?, ..network };
        let tape = Tape::new();
        let [[w1, b1], [w2, b2], _] = &network.layers[..] else { unreachable!("three layers") };
        let leaves = [w1, b1, w2, b2].map(|tensor| tape.parameter(tensor));
        let [w1, b1, w2, b2] = leaves;
        let (w1, b1, w2, b2) = (w1?, b1?, w2?, b2?);
        let hidden = layer(&Var::constant(&network.input), &w1, &b1, Activation::Relu)?;
        let sum = layer(&hidden, &w2, &b2, Activation::Linear)?.add(&hidden)?;
        let gradients = sum.square()?.sum(&[0, 1])?.backward()?;
        [&w1, &b1, &w2, &b2].into_iter().map(|leaf| values(gradients.of(leaf))).collect()
    };
    let (here, there) = (run(&Device::cpu())?, run(&simulated::device())?);
    for (here, there) in here.iter().zip(&there) {
        let size = here.iter().fold(1f64, |size, x| size.max(x.abs()));
        assert!(here.iter().zip(there).all(|(a, b)| (a - b).abs() / size < 1e-5), "{here:?} {there:?}");
    }
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}

fn cast(layers: &[[Tensor; 2]]) -> Result<Vec<[Tensor; 2]>> {
    layers.iter().map(|[weight, bias]| Ok([weight.cast(DType::F32)?, bias.cast(DType::F32)?])).collect()
}
