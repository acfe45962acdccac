//! The operations on rows and on slices by index: softmax and what belongs to it, and the largest, here.

use super::arena::{Arena, Instance, numbers, sampled, share};
use super::{Operation, normalize};
use crate::device::{Device, Kernel};
use crate::dtype::DType;
use crate::error::Result;
use crate::tensor::Tensor;

/// Columns of the matrices: classes, or the width of an embedding.
pub(super) const COLUMNS: usize = 128;

pub(super) fn all(size: usize) -> impl Iterator<Item = Operation> {
    let rows = (size / COLUMNS).max(1);
    let named = move |name: &str, prepare: fn(&mut Arena, usize) -> Result<Instance>| {
        Operation::new(name, move |arena| prepare(arena, rows))
    };
    [
        named("softmax", |arena, rows| softmax(arena, rows, false)),
        named("log_softmax", |arena, rows| softmax(arena, rows, true)),
        named("softmax_backward", |arena, rows| softmax_backward(arena, rows, false)),
        named("log_softmax_backward", |arena, rows| softmax_backward(arena, rows, true)),
        named("layer_norm", |arena, rows| normalize::forward(arena, rows, true)),
        named("rms_norm", |arena, rows| normalize::forward(arena, rows, false)),
        named("layer_norm_backward", |arena, rows| normalize::backward(arena, rows, true)),
        named("rms_norm_backward", |arena, rows| normalize::backward(arena, rows, false)),
        named("cross_entropy", cross_entropy),
        named("argmax", argmax),
        named("gather", gather),
        named("scatter_add", scatter_add),
    ]
    .into_iter()
}

fn softmax(arena: &mut Arena, rows: usize, log: bool) -> Result<Instance> {
    let sizes = [rows, COLUMNS];
    let (x, y) = (arena.operand(&sizes)?, arena.result(&sizes)?);
    let (device, operands) = (arena.device.clone(), (x.clone(), y.clone()));
    let run =
        move || device.backend().launch(Kernel::Softmax { log, input: operands.0.view()?, output: operands.1.view()? });
    Ok(Instance::new(&sizes, run, move || {
        let want = |row: &[f64]| softmax_of(row, log);
        row_errors(&x, &y, want)
    }))
}

fn softmax_backward(arena: &mut Arena, rows: usize, log: bool) -> Result<Instance> {
    let sizes = [rows, COLUMNS];
    let (y, dy, dx) = (arena.operand(&sizes)?, arena.operand(&sizes)?, arena.result(&sizes)?);
    let (device, operands) = (arena.device.clone(), (y.clone(), dy.clone(), dx.clone()));
    let run = move || {
        let (output, gradient) = (operands.0.view()?, operands.1.view()?);
        let input_gradient = operands.2.view()?;
        device.backend().launch(Kernel::SoftmaxBackward { log, output, gradient, input_gradient })
    };
    Ok(Instance::new(&sizes, run, move || {
        let (y, dy, results) = (numbers(&y)?, numbers(&dy)?, numbers(&dx)?);
        let mut largest = 0.0f64;
        for row in sampled(y.len() / COLUMNS) {
            let at = |values: &'_ [f64], column: usize| values[row * COLUMNS + column];
            let terms = (0..COLUMNS).map(|c| if log { at(&dy, c) } else { at(&y, c) * at(&dy, c) });
            let sum: f64 = terms.clone().sum();
            let size: f64 = terms.map(f64::abs).sum();
            for c in 0..COLUMNS {
                let (y, dy) = (at(&y, c), at(&dy, c));
                let (want, factor) = if log { (dy - y.exp() * sum, y.exp()) } else { (y * (dy - sum), y) };
                largest = largest.max(share(dx.dtype(), at(&results, c), want, size * factor));
            }
        }
        Ok(largest)
    }))
}

fn cross_entropy(arena: &mut Arena, rows: usize) -> Result<Instance> {
    let sizes = [rows, COLUMNS];
    let (x, dx, losses) = (arena.operand(&sizes)?, arena.result(&sizes)?, arena.result(&[rows])?);
    let (device, labels) = (arena.device.clone(), arena.indices(rows, COLUMNS)?);
    let (operands, truth) = ((x.clone(), dx.clone(), losses.clone()), labels.clone());
    let run = move || {
        let (logits, gradient, losses) = (operands.0.view()?, Some(operands.1.view()?), operands.2.view()?);
        device.backend().launch(Kernel::CrossEntropy { logits, labels: labels.view()?, losses, gradient, scale: 1.0 })
    };
    Ok(Instance::new(&sizes, run, move || {
        let (x, dx, truth) = (numbers(&x)?, numbers(&dx)?, truth.to_device(&Device::cpu())?.to_vec::<i64>()?);
        let dtype = losses.dtype();
        let losses = numbers(&losses)?;
        let mut largest = 0.0f64;
        for row in sampled(losses.len()) {
            let (logits, label) = (&x[row * COLUMNS..(row + 1) * COLUMNS], truth[row] as usize);
            largest = largest.max(share(dtype, losses[row], -softmax_of(logits, true)[label], 5.0));
            for (column, probability) in softmax_of(logits, false).into_iter().enumerate() {
                let want = probability - f64::from(u8::from(column == label));
                largest = largest.max(share(dtype, dx[row * COLUMNS + column], want, want));
            }
        }
        Ok(largest)
    }))
}

fn argmax(arena: &mut Arena, rows: usize) -> Result<Instance> {
    let sizes = [rows, COLUMNS];
    let (x, y) = (arena.operand(&sizes)?, Tensor::zeros(&[rows], DType::I64, &arena.device)?);
    let (device, operands) = (arena.device.clone(), (x.clone(), y.clone()));
    let run = move || device.backend().launch(Kernel::ArgMax { input: operands.0.view()?, output: operands.1.view()? });
    Ok(Instance::new(&sizes, run, move || {
        let (x, places) = (numbers(&x)?, y.to_device(&Device::cpu())?.to_vec::<i64>()?);
        let is_right = |row: usize| {
            let row_of = &x[row * COLUMNS..(row + 1) * COLUMNS];
            let largest = row_of.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row_of.iter().position(|&value| value == largest) == usize::try_from(places[row]).ok()
        };
        Ok(if sampled(places.len()).all(is_right) { 0.0 } else { f64::INFINITY })
    }))
}

fn gather(arena: &mut Arena, rows: usize) -> Result<Instance> {
    let sizes = [rows, COLUMNS];
    let (x, y) = (arena.operand(&[1, rows, COLUMNS])?, arena.result(&[1, rows, COLUMNS])?);
    let (device, indices) = (arena.device.clone(), arena.indices(rows, rows)?);
    let (operands, places) = ((x.clone(), y.clone()), indices.clone());
    let run = move || {
        let (input, output) = (operands.0.view()?, operands.1.view()?);
        device.backend().launch(Kernel::Gather { input, indices: indices.view()?, output })
    };
    Ok(Instance::new(&sizes, run, move || {
        let (x, y, places) = (numbers(&x)?, numbers(&y)?, places.to_device(&Device::cpu())?.to_vec::<i64>()?);
        let row_of = |values: &'_ [f64], row: usize| values[row * COLUMNS..(row + 1) * COLUMNS].to_vec();
        let is_right = |row: usize| row_of(&y, row) == row_of(&x, places[row] as usize);
        Ok(if sampled(places.len()).all(is_right) { 0.0 } else { f64::INFINITY })
    }))
}

fn scatter_add(arena: &mut Arena, rows: usize) -> Result<Instance> {
    let sizes = [rows, COLUMNS];
    let to_rows = rows.div_ceil(4);
    let (dy, dx) = (arena.operand(&[1, rows, COLUMNS])?, arena.result(&[1, to_rows, COLUMNS])?);
    let (device, indices) = (arena.device.clone(), arena.indices(rows, to_rows)?);
    let (operands, places) = ((dy.clone(), dx.clone()), indices.clone());
    let run = move || {
        let (gradient, input_gradient) = (operands.0.view()?, operands.1.view()?);
        device.backend().launch(Kernel::ScatterAdd { gradient, indices: indices.view()?, input_gradient })
    };
    Ok(Instance::new(&sizes, run, move || {
        let dtype = dx.dtype();
        let (dy, dx, places) = (numbers(&dy)?, numbers(&dx)?, places.to_device(&Device::cpu())?.to_vec::<i64>()?);
        let mut want = vec![(0.0, 0.0f64); dx.len()];
        for (row, &place) in places.iter().enumerate() {
            for column in 0..COLUMNS {
                let (sum, size) = &mut want[place as usize * COLUMNS + column];
                *sum += dy[row * COLUMNS + column];
                *size += dy[row * COLUMNS + column].abs();
            }
        }
        let shares = dx.iter().zip(want).map(|(&got, (want, size))| share(dtype, got, want, size));
        Ok(shares.fold(0.0, f64::max))
    }))
}

/// The largest error of rows of results against what is wanted of rows of inputs.
fn row_errors(inputs: &Tensor, results: &Tensor, want: impl Fn(&[f64]) -> Vec<f64>) -> Result<f64> {
    let (x, y) = (numbers(inputs)?, numbers(results)?);
    let mut largest = 0.0f64;
    for row in sampled(x.len() / COLUMNS) {
        let range = row * COLUMNS..(row + 1) * COLUMNS;
        let pairs = y[range.clone()].iter().zip(want(&x[range]));
        largest = pairs.map(|(&got, want)| share(results.dtype(), got, want, want)).fold(largest, f64::max);
    }
    Ok(largest)
}

fn softmax_of(row: &[f64], log: bool) -> Vec<f64> {
    let sum: f64 = row.iter().map(|x| x.exp()).sum();
    row.iter().map(|x| if log { x - sum.ln() } else { x.exp() / sum }).collect()
}
