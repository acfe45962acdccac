//! Every activation is as exact as its documentation says.

use std::process::Command;

use half::{bf16, f16};
use rectify::formula::AnyFormula;
use rectify::formula::lanes::Isa;
use rectify::{DType, Result};

use super::bound::{Bound, in_single};
use super::recorded::{Recorded, read, worst};
use crate::{named, results, slopes};

/// What is compared with what, of one activation in one element type.
struct Case<'a> {
    formula: &'a dyn AnyFormula,
    dtype: DType,
    x: Vec<f64>,
    /// The true values and derivatives.
    wanted: [Vec<f64>; 2],
}

impl<'a> Case<'a> {
    /// With values of arbitrary precision.
    fn recorded(formula: &'a dyn AnyFormula, rows: &[Vec<f64>]) -> Self {
        let column = |place: usize| rows.iter().map(|row| row[place]).collect::<Vec<f64>>();
        Self { formula, dtype: DType::F64, x: column(0), wanted: [column(1), column(2)] }
    }

    /// With the reference in f64, by far more exact than what is computed in 32 bits.
    fn referred(formula: &'a dyn AnyFormula, dtype: DType, x: Vec<f64>) -> Self {
        let gradient = formula.gradient(0).expect("a derivative");
        let values = x.iter().map(|&x| formula.reference(&[x], &[])[0]).collect();
        let slopes = x.iter().map(|&x| gradient.reference(&[x, 1.0], &[])[0]).collect();
        Self { formula, dtype, x, wanted: [values, slopes] }
    }

    /// What of this is less exact than stated.
    fn failures(&self) -> Result<Vec<String>> {
        let Self { formula, dtype, x, .. } = self;
        let signature = formula.signature();
        let stated = Bound::stated(signature).unwrap_or_else(|| panic!("{} states no error", signature.name));
        let columns = std::slice::from_ref(x);
        let values = results(*formula, columns, *dtype)?;
        let mut found = vec![("value", 0, values.clone()), ("derivative", 1, slopes(*formula, columns, 0, *dtype)?)];
        // Of an output that was rounded to 16 bits the derivative is another one.
        if let Some(gradient) = formula.gradient_from_output().filter(|_| dtype.size() > 2) {
            found.push(("derivative from the output", 1, results(&*gradient, &[values, vec![1.0; x.len()]], *dtype)?));
        }
        let mut failures = Vec::new();
        for (what, place, got) in found {
            let bound = stated[place];
            let (error, i) = worst(bound, &got, &self.wanted[place], *dtype);
            println!("{} {what} of {dtype}: {error:.2} at {:e}", signature.name, x[i]);
            if error > bound.units {
                let (got, want) = (got[i], self.wanted[place][i]);
                let place = format!("{} {what} of {dtype} at {:e}", signature.name, x[i]);
                failures.push(format!("{place}: {error:.2} > {bound:?}: {got:e}, not {want:e}"));
            }
        }
        Ok(failures)
    }
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

/// Every number of 16 bits.
fn halves(dtype: DType) -> Vec<f64> {
    let number =
        |bits| if dtype == DType::F16 { f16::from_bits(bits).to_f64() } else { bf16::from_bits(bits).to_f64() };
    (0..=u16::MAX).map(number).filter(|x| x.is_finite()).collect()
}

#[test]
fn activations_are_as_exact_as_they_say() -> Result<()> {
    let table = read(include_str!("../data/activations.txt"));
    assert_eq!(table.len(), rectify::Activation::ALL.len());
    let mut failures = Vec::new();
    for Recorded { name, parameters, rows } in &table {
        let (formula, single) = (named(name), in_single(name, parameters));
        assert_eq!(formula.parameters()[..parameters.len()], parameters[..], "{name}");
        let places: Vec<f64> = rows.iter().map(|row| row[0]).collect();
        failures.extend(Case::recorded(&*formula, rows).failures()?);
        failures.extend(Case::referred(&*single, DType::F32, singles(&places)).failures()?);
        for dtype in [DType::F16, DType::Bf16] {
            failures.extend(Case::referred(&*single, dtype, halves(dtype)).failures()?);
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
