//! Every formula of the catalogue, element by element.

use rectify::device::Seed;
use rectify::formula::{AnyFormula, Arguments, Precision, Role, catalogue};
use rectify::{DType, Device, Result, Tensor};

use crate::bound::{Bound, in_single};
use crate::devices::{device, on_cuda};
use crate::{Pair, drawn, interval, numbers, rounded};

/// Numbers of elements: alone, fewer than a vector, and no multiple of one.
const SIZES: [usize; 3] = [1, 7, LARGEST];
const LARGEST: usize = 1001;

const SEED: Seed = Seed { key: 7, stream: 3 };

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
    outputs: Vec<Tensor>,
    what: String,
}

impl Launched {
    fn new(formula: &dyn AnyFormula, dtype: DType, layout: Layout, size: usize) -> Result<Self> {
        let signature = formula.signature();
        let input = |place: usize| {
            let key = place as u64;
            match (layout, place) {
                // The derivative itself, to hold it to the error that is stated.
                (Layout::Contiguous, 1) if size == LARGEST && Bound::stated(signature).is_some() => {
                    Pair::new(&vec![1.0; size], &[size], dtype)
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
        Ok(Self { formula: formula.boxed(), inputs, outputs, what })
    }

    /// Compares what came out with the numbers that rounding may lead to.
    fn check(&self) -> Result<()> {
        let formula = &*self.formula;
        let (graph, parameters, dtype) = (formula.graph(), formula.parameters(), self.outputs[0].dtype());
        let precision = Precision::of([dtype]);
        let parameters = parameters.map(|value| interval::round(value, precision));
        let inputs: Vec<Vec<f64>> = self.inputs.iter().map(numbers).collect::<Result<_>>()?;
        let outputs: Vec<Vec<f64>> = self.outputs.iter().map(numbers).collect::<Result<_>>()?;
        for element in 0..outputs[0].len() {
            let inputs: Vec<f64> = inputs.iter().map(|input| input[element]).collect();
            let arguments = Arguments { inputs: &inputs, parameters: &parameters, draws: &[] };
            for (output, expected) in outputs.iter().zip(interval::outputs(&graph, precision, arguments)) {
                let (result, expected) = (output[element], expected.map(|end| rounded(end, dtype)));
                assert!(expected.contains(result), "{}: {result:e} for {inputs:?}, not {expected:?}", self.what);
            }
        }
        self.check_bound(&inputs, &outputs[0]);
        Ok(())
    }

    /// Holds an activation and its derivative to the error that they state.
    fn check_bound(&self, inputs: &[Vec<f64>], output: &[f64]) {
        let (signature, dtype) = (self.formula.signature(), self.outputs[0].dtype());
        let Some([value, derivative]) = Bound::stated(signature) else { return };
        let parameters = &self.formula.parameters()[..signature.parameters.len()];
        let same = if dtype == DType::F64 { None } else { Some(in_single(signature.name, parameters)) };
        let (reference, bound) = match signature.role {
            Role::Value => (same, value),
            Role::Gradient(0) if inputs[1].iter().all(|&gradient| gradient == 1.0) => {
                (same.and_then(|formula| formula.gradient(0)), derivative)
            }
            _ => return,
        };
        let reference = reference.as_deref().unwrap_or(&*self.formula);
        for (element, &result) in output.iter().enumerate() {
            let inputs: Vec<f64> = inputs.iter().map(|input| input[element]).collect();
            let error = bound.error(result, reference.reference(&inputs, &[])[0], dtype);
            assert!(error <= bound.units, "{}: {error:.2} > {bound:?} for {inputs:?}", self.what);
        }
    }
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
    let all: Vec<_> = catalogue::all().filter(|formula| formula.signature().draws.is_empty()).collect();
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
