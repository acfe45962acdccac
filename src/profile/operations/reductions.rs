//! Sums, means and extremes along either axis, and of everything.

use super::Operation;
use super::arena::{Arena, Instance, numbers, sampled, share};
use crate::device::Reduction;
use crate::error::Result;
use crate::formula::catalogue::activation;
use crate::tensor::Tensor;

/// Columns of the matrices.
const COLUMNS: usize = 256;

/// Of rows, of columns and of all elements.
pub(super) fn all(size: usize) -> impl Iterator<Item = Operation> {
    let kinds = [
        ("sum", Reduction::Sum { scale: 1.0 }),
        ("mean", Reduction::Sum { scale: COLUMNS as f64 / size as f64 }),
        ("max", Reduction::Max),
        ("min", Reduction::Min),
    ];
    let axes = [("rows", [false, true]), ("columns", [true, false]), ("everything", [true, true])];
    kinds.into_iter().flat_map(move |(name, reduction)| {
        axes.map(|(of, reduced)| {
            Operation::new(format!("{name} of {of}"), move |arena| reduce(arena, size, reduction, reduced))
        })
    })
}

fn reduce(arena: &mut Arena, size: usize, reduction: Reduction, reduced: [bool; 2]) -> Result<Instance> {
    let sizes = [(size / COLUMNS).max(1), COLUMNS];
    let input = arena.operand(&sizes)?;
    let kept = [0, 1].map(|axis| if reduced[axis] { 1 } else { sizes[axis] });
    let output = arena.result(&kept)?;
    let (device, operands) = (arena.device.clone(), (input.clone(), output.clone()));
    let run = move || {
        let target = operands.1.broadcast_to(&sizes)?;
        device.backend().reduce(reduction, &activation::linear, &[operands.0.view()?], target.view()?)
    };
    Ok(Instance::new(&sizes, run, move || error(&input, &output, reduction, reduced)))
}

fn error(input: &Tensor, output: &Tensor, reduction: Reduction, reduced: [bool; 2]) -> Result<f64> {
    let (values, results) = (numbers(input)?, numbers(output)?);
    let [rows, columns] = [0, 1].map(|axis| input.shape().sizes()[axis]);
    let mut largest = 0.0f64;
    for place in sampled(results.len()) {
        let of_row = |row: usize| values[row * columns..(row + 1) * columns].iter().copied();
        let of_column = |column: usize| values.iter().skip(column).step_by(columns).copied();
        let reduced: Vec<f64> = match reduced {
            [false, _] => of_row(place).collect(),
            [true, false] => of_column(place).take(rows).collect(),
            [true, true] => values.clone(),
        };
        let (want, size) = match reduction {
            Reduction::Sum { scale } => {
                let magnitude: f64 = reduced.iter().map(|value| value.abs()).sum();
                (scale * reduced.iter().sum::<f64>(), scale * magnitude)
            }
            Reduction::Max => (reduced.iter().copied().fold(f64::NEG_INFINITY, f64::max), 1.0),
            Reduction::Min => (reduced.iter().copied().fold(f64::INFINITY, f64::min), 1.0),
        };
        largest = largest.max(share(output.dtype(), results[place], want, size));
    }
    Ok(largest)
}
