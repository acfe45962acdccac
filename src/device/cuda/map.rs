//! Maps: a formula applied to every element, in one launch.

use smallvec::SmallVec;

use super::queue::{Arguments, Grid, Key, Queue};
use crate::device::backend::Seed;
use crate::device::view::View;
use crate::error::Result;
use crate::formula::AnyFormula;
use crate::formula::unit::{Operand, THREADS, ToldAtRun, Walk, map_blocks, told_map_unit};

/// The kinds of map, by whether scalars and key are told when they run.
const FAMILIES: [[&str; 2]; 2] = [["map", "map, key told"], ["map, scalars told", "map, both told"]];

/// Applies `formula` to the inputs, broadcast to the outputs' shape.
pub fn run(
    queue: &mut Queue<'_>,
    formula: &dyn AnyFormula,
    inputs: &[View<'_>],
    outputs: &[View<'_>],
    seed: Seed,
) -> Result<()> {
    let operands: SmallVec<[Operand<'_>; 8]> = inputs.iter().chain(outputs).map(Operand::from).collect();
    let (inputs, outputs) = operands.split_at(inputs.len());
    launch(queue, formula, &Walk::new(inputs, outputs), operands.iter().map(|operand| operand.address), seed)
}

/// Applies `formula` along a walk of operands at these addresses, the inputs first.
pub fn launch(
    queue: &mut Queue<'_>,
    formula: &dyn AnyFormula,
    walk: &Walk,
    addresses: impl Iterator<Item = u64>,
    seed: Seed,
) -> Result<()> {
    let pattern = &walk.pattern;
    if walk.count() == 0 {
        return Ok(());
    }
    let mut arguments = Arguments::new();
    for address in addresses {
        arguments.pointer(address);
    }
    match formula.told_at() {
        Some(address) => _ = arguments.pointer(address),
        None => {
            for &value in &formula.parameters()[..formula.signature().parameters.len()] {
                arguments.real(pattern.precision(), value);
            }
        }
    }
    match seed.key_at {
        Some(address) => arguments.pointer(address),
        None => arguments.u64(seed.key),
    };
    arguments.u32(seed.stream).words(&walk.words);
    let told = ToldAtRun { scalars: formula.told_at().is_some(), key: seed.key_at.is_some() };
    let key = Key {
        family: FAMILIES[usize::from(told.scalars)][usize::from(told.key)],
        formula: Some(formula.key()),
        details: pattern.bytes(),
    };
    // A grid that is not as large as wanted takes more steps.
    let blocks = map_blocks(pattern, walk.count()).min(i32::MAX as usize);
    queue.launch(key, || told_map_unit(formula, pattern, told), Grid::new(blocks as u32, THREADS as u32), &arguments)
}
