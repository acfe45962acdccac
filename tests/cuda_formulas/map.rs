//! Every formula of the catalogue, element by element.

use std::ops::RangeInclusive;

use rectify::device::Seed;
use rectify::formula::{AnyFormula, Arguments, Draw, Precision, Role, catalogue};
use rectify::{DType, Device, Result, Tensor};

use crate::bound::{Bound, in_single};
use crate::devices::{device, on_cuda};
use crate::{Pair, drawn, interval, numbers, rounded};

/// Numbers of elements: alone, fewer than a vector, and no multiple of one.
const SIZES: [usize; 3] = [1, 7, LARGEST];
const LARGEST: usize = 1001;

const SEED: Seed = Seed::new(7, 3);

/// How the operands lie.
#[derive(Debug, Clone, Copy)]
enum Layout {
    Contiguous,
    /// Three columns: the first input turned, the second a row, the third a column.
    Mixed,
}

/// A formula whose kernel is on its way.
struct Launched {
    formula: Box<dyn AnyFormula>,
    inputs: Vec<Tensor>,
    draws: Vec<Tensor>,
    outputs: Vec<Tensor>,
    what: String,
}

impl Launched {
    fn new(formula: &dyn AnyFormula, dtype: DType, layout: Layout, size: usize) -> Result<Self> {
        let signature = formula.signature();
        let input = |place: usize| {
            let key = place as u64;
            match (layout, place) {
                (Layout::Contiguous, 1..) if size == LARGEST && Bound::stated(signature).is_some() => {
                    let is_gradient = signature.role != Role::Value && place + 1 == signature.inputs;
                    // The derivative itself, to hold it to the error that is stated.
                    let numbers = if is_gradient { vec![1.0; size] } else { parameters(size, key) };
                    Pair::new(&numbers, &[size], dtype)
                }
                (Layout::Contiguous, _) => Pair::new(&drawn(size, key), &[size], dtype),
                (_, 0) => Pair::new(&drawn(3 * size, key), &[3, size], dtype)?.view(|base| base.transpose(0, 1)),
                (_, 1) => Pair::new(&drawn(3, key), &[3], dtype),
                (_, 2) => Pair::new(&drawn(size, key), &[size, 1], dtype),
                _ => Pair::new(&drawn(3 * size, key), &[size, 3], dtype),
            }
        };
        let inputs: Vec<Pair> = (0..signature.inputs).map(input).collect::<Result<_>>()?;
        let sizes = match layout {
            Layout::Contiguous => vec![size],
            Layout::Mixed => vec![size, 3],
        };
        let outputs = outputs(formula, inputs.iter().map(|pair| &pair.device), &sizes, dtype, &device())?;
        let what = format!("{} {:?} of {size} {dtype}, {layout:?}", signature.name, signature.role);
        let inputs = inputs.iter().map(|pair| pair.host.broadcast_to(&sizes)).collect::<Result<_>>()?;
        // The very draws: 0 and 1 are exact.
        let single = if dtype == DType::F64 { dtype } else { DType::F32 };
        let draw = |_| Tensor::uniform(&sizes, 0.0, 1.0, single, SEED, &Device::cpu());
        let draws = signature.draws.iter().map(draw).collect::<Result<_>>()?;
        Ok(Self { formula: formula.boxed(), inputs, draws, outputs, what })
    }

    /// Compares what came out with the numbers that rounding may lead to.
    fn check(&self) -> Result<()> {
        let formula = &*self.formula;
        let (graph, parameters, dtype) = (formula.graph(), formula.parameters(), self.outputs[0].dtype());
        let precision = Precision::of([dtype]);
        let parameters = parameters.map(|value| interval::round(value, precision));
        let inputs: Vec<Vec<f64>> = self.inputs.iter().map(numbers).collect::<Result<_>>()?;
        let draws: Vec<Vec<f64>> = self.draws.iter().map(numbers).collect::<Result<_>>()?;
        let outputs: Vec<Vec<f64>> = self.outputs.iter().map(numbers).collect::<Result<_>>()?;
        for element in 0..outputs[0].len() {
            let [inputs, draws] = [&inputs, &draws].map(|all| column(all, element));
            let arguments = Arguments { inputs: &inputs, parameters: &parameters, draws: &draws };
            for (output, expected) in outputs.iter().zip(interval::outputs(&graph, precision, arguments)) {
                let (result, expected) = (output[element], expected.map(|end| rounded(end, dtype)));
                assert!(expected.contains(result), "{}: {result:e} for {inputs:?}, not {expected:?}", self.what);
            }
        }
        self.check_bound(&inputs, &draws, &outputs[0]);
        Ok(())
    }

    /// Holds an activation and its derivatives to the error that they state.
    fn check_bound(&self, inputs: &[Vec<f64>], draws: &[Vec<f64>], output: &[f64]) {
        let (signature, dtype) = (self.formula.signature(), self.outputs[0].dtype());
        let Some(stated) = Bound::stated(signature) else { return };
        let (reference, bound, parameters) = match signature.role {
            Role::Value => (in_single(&*self.formula), stated[0], 1..signature.inputs),
            Role::Gradient(input) => {
                let single = in_single(&*self.formula);
                // Without run-time scalars that is the gradient as it was.
                (single.gradient(input).unwrap_or(single), stated[(1 + input).min(2)], 1..signature.inputs - 1)
            }
            _ => return,
        };
        let reference = if dtype == DType::F64 { &*self.formula } else { &*reference };
        for (element, &result) in output.iter().enumerate() {
            let [inputs, draws] = [inputs, draws].map(|all| column(all, element));
            // The derivative itself, and parameters that it is stated for.
            let is_derivative = signature.role == Role::Value || inputs[parameters.end] == 1.0;
            if is_derivative && inputs[parameters.clone()].iter().all(|parameter| USUAL.contains(parameter)) {
                let error = bound.error(result, reference.reference(&inputs, &draws)[0], dtype);
                assert!(error <= bound.units, "{}: {error:.2} > {bound:?} for {inputs:?}", self.what);
            }
        }
    }
}

/// What all of them have for one element.
fn column(all: &[Vec<f64>], element: usize) -> Vec<f64> {
    all.iter().map(|numbers| numbers[element]).collect()
}

/// Parameters among inputs for which the errors of activations are stated.
const USUAL: RangeInclusive<f64> = 0.5..=1.0;

/// Parameters, half of them usual ones.
fn parameters(count: usize, key: u64) -> Vec<f64> {
    let mut all = drawn(count, key);
    all.iter_mut().step_by(2).enumerate().for_each(|(i, one)| *one = 0.5 + (i * key as usize % 5) as f64 / 8.0);
    all
}

/// What a formula writes on a device.
fn outputs<'a>(
    formula: &dyn AnyFormula,
    inputs: impl Iterator<Item = &'a Tensor>,
    sizes: &[usize],
    dtype: DType,
    device: &Device,
) -> Result<Vec<Tensor>> {
    let make = |_| Tensor::zeros(sizes, dtype, device);
    let outputs: Vec<Tensor> = (0..formula.signature().outputs).map(make).collect::<Result<_>>()?;
    Tensor::update(formula, &inputs.collect::<Vec<_>>(), &outputs.iter().collect::<Vec<_>>(), SEED)?;
    Ok(outputs)
}

/// Launches the formulas, so that their kernels are compiled side by side, and then looks at the results.
fn check(dtype: DType, every: usize, first: usize) -> Result<()> {
    let all: Vec<_> =
        catalogue::all().filter(|formula| matches!(formula.signature().draws, [] | [Draw::Uniform])).collect();
    let mut launched = Vec::new();
    for (place, formula) in all.iter().enumerate().skip(first).step_by(every) {
        for size in SIZES {
            launched.push(Launched::new(&**formula, dtype, Layout::Contiguous, size)?);
        }
        if (place / every).is_multiple_of(5) {
            launched.push(Launched::new(&**formula, dtype, Layout::Mixed, 333)?);
        }
    }
    let tried = launched.len();
    launched.iter().try_for_each(Launched::check)?;
    let left = all.len() - (all.len() - first).div_ceil(every);
    println!("{dtype}: {tried} launches; {left} of {} formulas left out, to bound the time of compilation", all.len());
    Ok(())
}

#[test]
fn every_formula_in_f64() -> Result<()> {
    on_cuda(|| check(DType::F64, 1, 0))
}

#[test]
fn every_formula_in_f32() -> Result<()> {
    on_cuda(|| check(DType::F32, 1, 0))
}

#[test]
fn formulas_in_f16() -> Result<()> {
    on_cuda(|| check(DType::F16, 6, 0))
}

#[test]
fn formulas_in_bf16() -> Result<()> {
    on_cuda(|| check(DType::Bf16, 6, 3))
}

/// The numbers drawn are those of the CPU, wherever the generator's functions round alike.
#[test]
fn what_is_drawn_does_not_depend_on_the_device() -> Result<()> {
    on_cuda(|| {
        for formula in catalogue::all().filter(|formula| !formula.signature().draws.is_empty()) {
            for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-14), (DType::Bf16, 1e-2)] {
                let inputs = Pair::new(&drawn(1001, 1), &[1001], dtype)?;
                let count = formula.signature().inputs;
                let on = |tensor: &Tensor, device: &Device| -> Result<Vec<f64>> {
                    let inputs = std::iter::repeat_n(tensor, count);
                    numbers(&outputs(&*formula, inputs, &[1001], dtype, device)?[0])
                };
                let pairs = on(&inputs.device, &device())?.into_iter().zip(on(&inputs.host, &Device::cpu())?);
                for (got, want) in pairs {
                    let same = got == want || got.is_nan() && want.is_nan();
                    let near = same || (got - want).abs() <= tolerance * want.abs().max(1.0);
                    assert!(near, "{} of {dtype}: {got:e}, not {want:e}", formula.signature().name);
                }
            }
        }
        Ok(())
    })
}
