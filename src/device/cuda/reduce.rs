//! Reductions: one launch for what blocks can reduce at once, one more for the results of pieces.

use smallvec::SmallVec;

use super::map;
use super::queue::{Arguments, Grid, Key, Queue};
use crate::device::backend::{Reduction, Seed};
use crate::device::view::View;
use crate::error::Result;
use crate::formula::AnyFormula;
use crate::formula::catalogue::{activation, create};
use crate::formula::unit::{Combine, Operand, Reduce, THREADS, Walk, reduce_unit};

/// Reduces the formula's results along the axes where `output` has stride 0.
pub fn run(
    queue: &mut Queue<'_>,
    reduction: Reduction,
    formula: &dyn AnyFormula,
    inputs: &[View<'_>],
    output: View<'_>,
) -> Result<()> {
    let (combine, scale) = match reduction {
        Reduction::Sum { scale } => (Combine::Sum, scale),
        Reduction::Max => (Combine::Max, 1.0),
        Reduction::Min => (Combine::Min, 1.0),
    };
    let target = Operand::from(&output);
    if output.shape().count() == 0 {
        let value = combine.identity() * scale;
        let walk = Walk::kept(target);
        return map::launch(queue, &create::constant { value }, &walk, [target.address].into_iter(), Seed::default());
    }
    let operands: SmallVec<[Operand<'_>; 8]> = inputs.iter().map(Operand::from).collect();
    let addresses: SmallVec<[u64; 8]> = operands.iter().map(|operand| operand.address).collect();
    stage(queue, (combine, scale), formula, &addresses, &Reduce::new(&operands, target), target.address)
}

/// Reduces to the output, or to the results of pieces and these to the output.
fn stage(
    queue: &mut Queue<'_>,
    (combine, scale): (Combine, f64),
    formula: &dyn AnyFormula,
    inputs: &[u64],
    reduce: &Reduce,
    output: u64,
) -> Result<()> {
    let Some(pieces) = reduce.pieces() else {
        return launch(queue, (combine, scale), formula, inputs, reduce, output);
    };
    let results = queue.scratch(pieces.bytes())?;
    launch(queue, (combine, 1.0), formula, inputs, reduce, results.address())?;
    let next = pieces.reduce(results.address(), output);
    stage(queue, (combine, scale), &activation::linear, &[results.address()], &next, output)
}

fn launch(
    queue: &mut Queue<'_>,
    (combine, scale): (Combine, f64),
    formula: &dyn AnyFormula,
    inputs: &[u64],
    reduce: &Reduce,
    output: u64,
) -> Result<()> {
    let precision = reduce.pattern().precision();
    let (cut, walk) = reduce.words();
    let mut arguments = Arguments::new();
    for &address in inputs.iter().chain([&output]) {
        arguments.pointer(address);
    }
    for &value in &formula.parameters()[..formula.signature().parameters.len()] {
        arguments.real(precision, value);
    }
    arguments.real(precision, scale).words(&cut).words(walk);
    let family = match combine {
        Combine::Sum => "reduce_sum",
        Combine::Max => "reduce_max",
        Combine::Min => "reduce_min",
    };
    let key = Key { family, formula: Some(formula.key()), details: reduce.bytes() };
    let grid = Grid::new(reduce.blocks() as u32, THREADS as u32);
    queue.launch(key, || reduce_unit(combine, formula, reduce), grid, &arguments)
}
