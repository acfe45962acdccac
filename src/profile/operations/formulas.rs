//! Formulas over all elements, copies and conversions.

use std::sync::Arc;

use super::Operation;
use super::arena::{Arena, Instance, numbers, sampled, share};
use crate::device::{Seed, View};
use crate::dtype::DType;
use crate::error::Result;
use crate::formula::{AnyFormula, catalogue};
use crate::tensor::Tensor;

/// Every formula and gradient of the catalogue, then copies.
pub(super) fn all(size: usize) -> impl Iterator<Item = Operation> {
    catalogue::all().map(move |formula| map(formula, size)).chain(copies(size))
}

fn map(formula: Box<dyn AnyFormula>, size: usize) -> Operation {
    let formula: Arc<dyn AnyFormula> = formula.into();
    Operation::new(format!("map {}", formula.signature().full_name()), move |arena| {
        let signature = formula.signature();
        let inputs: Vec<Tensor> = (0..signature.inputs).map(|_| arena.operand(&[size])).collect::<Result<_>>()?;
        let outputs: Vec<Tensor> = (0..signature.outputs).map(|_| arena.result(&[size])).collect::<Result<_>>()?;
        let (device, seed) = (arena.device.clone(), Seed::new(2, 3));
        let (of_run, operands) = (formula.clone(), (inputs.clone(), outputs.clone()));
        let run = move || device.backend().map(&*of_run, &views(&operands.0)?, &views(&operands.1)?, seed);
        let formula = formula.clone();
        let error = move || match formula.signature().draws {
            [] => exact_error(&*formula, &inputs, &outputs),
            _ => drawn_error(&*formula, &inputs, &outputs[0], seed),
        };
        Ok(Instance::new(&[size], run, error))
    })
}

/// The largest error against the formula in f64, at some places.
fn exact_error(formula: &dyn AnyFormula, inputs: &[Tensor], outputs: &[Tensor]) -> Result<f64> {
    let values: Vec<Vec<f64>> = inputs.iter().map(numbers).collect::<Result<_>>()?;
    let results: Vec<Vec<f64>> = outputs.iter().map(numbers).collect::<Result<_>>()?;
    let mut largest = 0.0f64;
    for place in sampled(outputs[0].count()) {
        let arguments: Vec<f64> = values.iter().map(|values| values[place]).collect();
        let wanted = formula.reference(&arguments, &[]);
        for (nth, results) in results.iter().enumerate() {
            let size = wanted[nth].abs() + sensitivity(formula, &arguments, nth);
            largest = largest.max(share(outputs[0].dtype(), results[place], wanted[nth], size));
        }
    }
    Ok(largest)
}

/// How far an output moves with its inputs, for a move of their own size: where a formula cancels, no rounding of what goes in
/// can be told from one of what comes out.
fn sensitivity(formula: &dyn AnyFormula, arguments: &[f64], output: usize) -> f64 {
    const STEP: f64 = 1e-7;
    let want = formula.reference(arguments, &[])[output];
    let mut moved = arguments.to_vec();
    let mut sum = 0.0;
    for (nth, &argument) in arguments.iter().enumerate() {
        moved[nth] = argument * (1.0 + STEP);
        let change = (formula.reference(&moved, &[])[output] - want).abs() / STEP;
        sum += if change.is_finite() { change } else { 0.0 };
        moved[nth] = argument;
    }
    sum
}

/// The largest error against the CPU in f64, which draws the same numbers to the rounding: where one decides, a few elements
/// may fall on the other side.
fn drawn_error(formula: &dyn AnyFormula, inputs: &[Tensor], output: &Tensor, seed: Seed) -> Result<f64> {
    const OTHERS: usize = 1000;
    let cpu = crate::Device::cpu();
    let exact = |tensor: &Tensor| tensor.to_device(&cpu)?.cast(DType::F64);
    let inputs: Vec<Tensor> = inputs.iter().map(exact).collect::<Result<_>>()?;
    let want = Tensor::zeros(&[output.count()], DType::F64, &cpu)?;
    cpu.backend().map(formula, &views(&inputs)?, &[want.view()?], seed)?;
    let pairs = numbers(output)?.into_iter().zip(numbers(&want)?);
    let mut shares: Vec<f64> = pairs.map(|(got, want)| share(output.dtype(), got, want, want)).collect();
    shares.sort_by(f64::total_cmp);
    Ok(shares[shares.len() - 1 - shares.len() / OTHERS])
}

fn views(tensors: &[Tensor]) -> Result<Vec<View<'_>>> {
    tensors.iter().map(Tensor::view).collect()
}

fn copies(size: usize) -> impl Iterator<Item = Operation> {
    let side = size.isqrt();
    let whole = Operation::new("copy", move |arena| {
        let (from, to) = (arena.operand(&[size])?, arena.result(&[size])?);
        copy(arena, from, to)
    });
    let turned = Operation::new("copy transposed", move |arena| {
        let (from, to) = (arena.operand(&[side, side])?.transpose(0, 1)?, arena.result(&[side, side])?);
        copy(arena, from, to)
    });
    let casts = [DType::F32, DType::F64, DType::Bf16, DType::F16].map(move |dtype| {
        Operation::new(format!("copy to {dtype}"), move |arena| {
            let from = arena.operand(&[size])?;
            let to = Tensor::zeros(&[size], dtype, &arena.device)?;
            copy(arena, from, to)
        })
    });
    [whole, turned].into_iter().chain(casts)
}

fn copy(arena: &Arena, from: Tensor, to: Tensor) -> Result<Instance> {
    let (device, operands, sizes) = (arena.device.clone(), (from.clone(), to.clone()), to.shape().sizes().to_vec());
    let run = move || device.backend().copy(operands.0.view()?, operands.1.view()?);
    let error = move || {
        let pairs = numbers(&to)?.into_iter().zip(numbers(&from)?);
        Ok(pairs.map(|(got, want)| share(to.dtype(), got, want, want)).fold(0.0, f64::max))
    };
    Ok(Instance::new(&sizes, run, error))
}
