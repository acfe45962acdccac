//! Units as programs use them: what there is to list, and to check a compiler with.

use std::collections::HashSet;

use super::{
    Combine, Copy, Example, Operand, Reduce, ToldAtRun, Unit, Walk, copy_unit, map_unit, reduce_unit, told_map_unit,
    transpose_unit,
};
use crate::dtype::DType;
use crate::error::Result;
use crate::formula::any::AnyFormula;
use crate::formula::catalogue::{self, activation, arithmetic};
use crate::kernels::{COPY, MAP, REDUCE, TRANSPOSE};
use crate::shape::{Layout, Shape};

/// Floating point types, the most frequent first.
const FLOATS: [DType; 4] = [DType::F32, DType::F16, DType::Bf16, DType::F64];
/// Types of one size each.
const SIZES: [DType; 4] = [DType::U8, DType::Bf16, DType::F32, DType::F64];

/// Maps of every formula in every floating point type, and of some over other layouts; conversions, reductions and copies.
///
/// # Errors
/// None: the layouts are valid.
pub fn examples() -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    maps(&mut examples)?;
    reductions(&mut examples)?;
    copies(&mut examples)?;
    // Some differ in sizes alone.
    let mut seen = HashSet::new();
    examples.retain(|example| seen.insert(example.unit.text.clone()));
    Ok(examples)
}

/// A matrix of several tiles.
fn whole() -> Result<Layout> {
    Ok(Layout::contiguous(Shape::new(&[1088, 160])?))
}

/// The same without gaps along the other axis.
fn turned() -> Result<Layout> {
    Layout::contiguous(Shape::new(&[160, 1088])?).transpose(0, 1)
}

/// A part of the columns of another matrix.
fn part() -> Result<Layout> {
    Layout::contiguous(Shape::new(&[1088, 200])?).slice(1, 4, 164)
}

/// One of the rows or columns that a matrix of these sizes has, for all of them.
fn repeated(rows: usize, columns: usize) -> Result<Layout> {
    Layout::contiguous(Shape::new(&[rows, columns])?).broadcast_to("map", whole()?.shape())
}

fn operand(dtype: DType, layout: &Layout) -> Operand<'_> {
    Operand { dtype, layout, address: 0 }
}

fn maps(examples: &mut Vec<Example>) -> Result<()> {
    let whole = whole()?;
    let example = |formula: &dyn AnyFormula, operands: String, walk: &Walk| Example {
        family: MAP.name,
        operands,
        unit: map_unit(formula, &walk.pattern),
    };
    for formula in catalogue::all() {
        for dtype in FLOATS {
            let operands = [operand(dtype, &whole)].repeat(formula.signature().inputs + formula.signature().outputs);
            let (inputs, outputs) = operands.split_at(formula.signature().inputs);
            let walk = Walk::new(inputs, outputs);
            examples.push(example(&*formula, dtype.to_string(), &walk));
            if let Some(unit) = told(&*formula, &walk) {
                examples.push(Example { family: MAP.name, operands: format!("{dtype}, told"), unit });
            }
        }
    }
    let mut add = |formula, operands, walk: &Walk| examples.push(example(formula, operands, walk));
    let layouts =
        [("row", repeated(1, 160)?), ("column", repeated(1088, 1)?), ("turned", turned()?), ("part", part()?)];
    for dtype in FLOATS {
        let target = operand(dtype, &whole);
        for (name, layout) in &layouts {
            let walk = Walk::new(&[target, operand(dtype, layout)], &[target]);
            add(&arithmetic::add, format!("{dtype}, {dtype} {name}"), &walk);
        }
        let walk = Walk::new(&[target, target], &[operand(dtype, &layouts[3].1)]);
        add(&arithmetic::add, format!("{dtype}, {dtype} into part"), &walk);
    }
    for from in DType::ALL {
        for to in DType::ALL.into_iter().filter(|&to| to != from) {
            let walk = Walk::new(&[operand(from, &whole)], &[operand(to, &whole)]);
            add(&activation::linear, format!("{from} to {to}"), &walk);
        }
    }
    Ok(())
}

/// The unit of a captured step, where it differs: an update's scalars are told when it runs, and so is the key of draws.
fn told(formula: &dyn AnyFormula, walk: &Walk) -> Option<Unit> {
    let is_update = catalogue::update::ALL.iter().any(|update| update.key() == formula.key());
    let told = ToldAtRun { scalars: is_update, key: !formula.signature().draws.is_empty() };
    (told != ToldAtRun::default()).then(|| told_map_unit(formula, &walk.pattern, told))
}

fn reductions(examples: &mut Vec<Example>) -> Result<()> {
    let (whole, turned) = (whole()?, turned()?);
    let long = Layout::contiguous(Shape::new(&[1 << 20])?);
    let all = Layout::contiguous(Shape::new(&[1])?).broadcast_to("sum", long.shape())?;
    let mut add = |operands, unit| examples.push(Example { family: REDUCE.name, operands, unit });
    for dtype in FLOATS {
        for combine in [Combine::Sum, Combine::Max, Combine::Min] {
            let cases = [
                ("rows", &whole, repeated(1088, 1)?),
                ("columns", &whole, repeated(1, 160)?),
                ("turned rows", &turned, repeated(1088, 1)?),
                ("everything", &long, all.clone()),
            ];
            for (name, from, to) in cases {
                let reduce = Reduce::new(&[operand(dtype, from)], operand(dtype, &to));
                let operands = format!("{dtype} {name}");
                add(operands, reduce_unit(combine, &activation::linear, &reduce));
                if let Some(next) = reduce.pieces().map(|pieces| pieces.reduce(0, 0)) {
                    let operands = format!("{dtype} {name}, results of pieces");
                    add(operands, reduce_unit(combine, &activation::linear, &next));
                }
            }
        }
        let mean = repeated(1088, 1)?;
        let inputs = [operand(dtype, &whole), operand(dtype, &mean)];
        let reduce = Reduce::new(&inputs, operand(dtype, &mean));
        let unit = reduce_unit(Combine::Sum, &arithmetic::squared_difference, &reduce);
        add(format!("{dtype} rows, {dtype} column"), unit);
    }
    Ok(())
}

fn copies(examples: &mut Vec<Example>) -> Result<()> {
    let (whole, turned, part) = (whole()?, turned()?, part()?);
    let odd = Layout::contiguous(Shape::new(&[161, 1089])?).transpose(0, 1)?.slice(0, 1, 1089)?.slice(1, 1, 161)?;
    for dtype in SIZES {
        for (name, from) in [("part", &part), ("turned", &turned), ("turned part", &odd)] {
            let (family, unit) = match Copy::new(operand(dtype, from), operand(dtype, &whole)) {
                Copy::Bytes(_) => continue,
                Copy::Tiles(transpose) => (TRANSPOSE.name, transpose_unit(&transpose)),
                Copy::Vectors(walk) => (COPY.name, copy_unit(&walk)),
            };
            examples.push(Example { family, operands: format!("{} bytes {name}", dtype.size()), unit });
        }
    }
    Ok(())
}
