//! What cuBLASLt does along with a product, and what is done where it refuses. The driver is simulated.
#![cfg(all(feature = "cuda", target_os = "linux"))]

mod layers;
mod simulated;

use std::sync::{Mutex, MutexGuard, PoisonError};

use layers::{Network, check, layer, values};
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

#[test]
fn what_is_refused_is_done_after_the_product() -> Result<()> {
    let (_turn, control) = turn();
    for refused in [BIAS, RELU_AUX_BIAS, GELU_AUX_BIAS, DRELU_BGRAD, DGELU_BGRAD, BGRADA, DEFAULT, -1] {
        control.refuse_epilogue(refused);
        for activation in [Activation::Relu, Activation::GeluTanh] {
            // A problem that was asked for before has its plan: these sizes are of this refusal alone.
            let rows = 40 + (refused + 1) as usize;
            check(&simulated::device(), ([6, 24, 17, 5], rows), DType::F32, true, activation)?;
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
    for earlier in [false, true] {
        used_twice(earlier)?;
    }
    Ok(())
}

/// With the other use of the layer's result recorded before the next layer, or after it.
fn used_twice(earlier: bool) -> Result<()> {
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
        let other = if earlier { Some(hidden.square()?) } else { None };
        let next = layer(&hidden, &w2, &b2, Activation::Linear)?;
        let sum = next.add(&other.map_or_else(|| hidden.square(), Ok)?)?;
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
