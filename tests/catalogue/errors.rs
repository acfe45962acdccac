//! Every activation is as exact as its documentation says.

use std::process::Command;

use half::{bf16, f16};
use rectify::device::Seed;
use rectify::formula::catalogue::activation;
use rectify::formula::lanes::Isa;
use rectify::formula::{AnyFormula, Draw};
use rectify::{DType, Device, Result, Tensor};

use super::bound::{Bound, in_single, rounded};
use super::recorded::{Recorded, read, worst};
use crate::{named, results, slopes};

/// What is compared with what, of one activation in one element type.
struct Case<'a> {
    formula: &'a dyn AnyFormula,
    dtype: DType,
    inputs: Vec<Vec<f64>>,
    /// The true values, and the derivatives in each input.
    wanted: Vec<Vec<f64>>,
}

impl<'a> Case<'a> {
    /// With values of arbitrary precision.
    fn recorded(formula: &'a dyn AnyFormula, rows: &[Vec<f64>]) -> Self {
        let mut inputs: Vec<Vec<f64>> =
            (0..rows[0].len()).map(|place| rows.iter().map(|row| row[place]).collect()).collect();
        let wanted = inputs.split_off(formula.signature().inputs);
        Self { formula, dtype: DType::F64, inputs, wanted }
    }

    /// With the reference in f64, by far more exact than what is computed in 32 bits.
    fn referred(formula: &'a dyn AnyFormula, dtype: DType, inputs: Vec<Vec<f64>>) -> Result<Self> {
        let draws = drawn(formula, inputs[0].len())?;
        let of = |formula: &dyn AnyFormula| -> Vec<f64> {
            let element = |i: usize| {
                // A gradient's last input is 1.
                let arguments: Vec<f64> = inputs.iter().map(|input| input[i]).chain([1.0]).collect();
                let draws: Vec<f64> = draws.iter().map(|draws| draws[i]).collect();
                formula.reference(&arguments, &draws)[0]
            };
            (0..inputs[0].len()).map(element).collect()
        };
        let gradient = |input| of(&*formula.gradient(input).expect("a derivative"));
        let wanted = [of(formula)].into_iter().chain((0..inputs.len()).map(gradient)).collect();
        Ok(Self { formula, dtype, inputs, wanted })
    }

    /// What of this is less exact than stated.
    fn failures(&self) -> Result<Vec<String>> {
        let Self { formula, dtype, inputs, .. } = self;
        let signature = formula.signature();
        let stated = Bound::stated(signature).unwrap_or_else(|| panic!("{} states no error", signature.name));
        let values = results(*formula, inputs, *dtype)?;
        let mut found = vec![("value".to_owned(), 0, values.clone())];
        for input in 0..inputs.len() {
            found.push((format!("derivative {input}"), 1 + input, slopes(*formula, inputs, input, *dtype)?));
        }
        // Of an output that was rounded to 16 bits the derivative is another one.
        if let Some(gradient) = formula.gradient_from_output().filter(|_| dtype.size() > 2) {
            let ones = vec![1.0; values.len()];
            found.push(("derivative from the output".into(), 1, results(&*gradient, &[values, ones], *dtype)?));
        }
        let mut failures = Vec::new();
        for (what, place, got) in found {
            let (bound, wanted) = (stated[place.min(2)], &self.wanted[place]);
            let (error, i) = worst(bound, &got, wanted, *dtype);
            let at: Vec<f64> = inputs.iter().map(|input| input[i]).collect();
            let place = format!("{} {what} of {dtype} at {at:?}", signature.name);
            println!("{place}: {error:.2}");
            if error > bound.units {
                failures.push(format!("{place}: {error:.2} > {bound:?}: {:e}, not {:e}", got[i], wanted[i]));
            }
        }
        Ok(failures)
    }
}

/// What a formula draws in 32 bits and in 16 under the seed of [`results`].
fn drawn(formula: &dyn AnyFormula, count: usize) -> Result<Vec<Vec<f64>>> {
    let draw = |_| {
        let uniform = Tensor::uniform(&[count], 0.0, 1.0, DType::F32, Seed::default(), &Device::cpu())?;
        uniform.cast(DType::F64)?.to_vec()
    };
    assert!(matches!(formula.signature().draws, [] | [Draw::Uniform]));
    formula.signature().draws.iter().map(draw).collect()
}

/// Numbers with parameters beside them that take turns, as the element type has them.
fn beside(parameters: &[&[f64]], dtype: DType, x: Vec<f64>) -> Vec<Vec<f64>> {
    let column = |place: usize| {
        let turns = parameters.iter().cycle().map(|set| rounded(set[place], dtype));
        turns.take(x.len()).collect()
    };
    let columns: Vec<_> = (0..parameters[0].len()).map(column).collect();
    [x].into_iter().chain(columns).collect()
}

/// Numbers of f32 of every sign and exponent, and close to these places.
fn singles(places: &[f64]) -> Vec<f64> {
    let everywhere = (0..=u32::MAX).step_by(8191).map(f32::from_bits);
    let close = places.iter().flat_map(|&place| {
        let bits = (place as f32).to_bits();
        (bits.saturating_sub(500)..bits.saturating_add(500)).map(f32::from_bits)
    });
    // Where functions bend.
    let middle = (-100_000..=100_000).map(|i| i as f32 / 5003.0);
    everywhere.chain(close).chain(middle).filter(|x| x.is_finite()).map(f64::from).collect()
}

/// Every number of 16 bits, as often as it takes.
fn halves(dtype: DType, times: usize) -> Vec<f64> {
    let number =
        |bits| if dtype == DType::F16 { f16::from_bits(bits).to_f64() } else { bf16::from_bits(bits).to_f64() };
    let finite = (0..=u16::MAX).map(number).filter(|x| x.is_finite());
    finite.flat_map(|x| std::iter::repeat_n(x, times)).collect()
}

#[test]
fn activations_are_as_exact_as_they_say() -> Result<()> {
    let table = read(include_str!("../data/activations.txt"));
    assert_eq!(table.len(), rectify::Activation::ALL.len() + activation::parametric().count());
    let mut failures = Vec::new();
    for Recorded { name, parameters, rows } in &table {
        let formula = named(name);
        let single = in_single(&*formula);
        assert_eq!(formula.parameters()[..parameters.len()], parameters[..], "{name}");
        let places: Vec<f64> = rows.iter().map(|row| row[0]).collect();
        // The parameters that are inputs.
        let mut sets: Vec<&[f64]> = rows.iter().map(|row| &row[1..formula.signature().inputs]).collect();
        sets.dedup();
        failures.extend(Case::recorded(&*formula, rows).failures()?);
        let numbers = [DType::F16, DType::Bf16].map(|dtype| (dtype, halves(dtype, sets.len())));
        for (dtype, x) in [(DType::F32, singles(&places))].into_iter().chain(numbers) {
            failures.extend(Case::referred(&*single, dtype, beside(&sets, dtype, x))?.failures()?);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Each instruction set has a process of its own, for it is chosen once.
#[test]
fn no_instruction_set_is_less_exact() {
    for isa in Isa::available().filter(|&isa| isa != Isa::current()) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "catalogue::errors::activations_are_as_exact_as_they_say"]);
        let output = command.env("RECTIFY_ISA", isa.name()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{isa}: {said}");
    }
}
