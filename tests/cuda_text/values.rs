//! Every formula's function, compiled for the host, against the reference.

use std::fmt::Write;

use rectify::formula::philox::Stream;
use rectify::formula::{AnyFormula, Arguments, MAX_INPUTS, MAX_OUTPUTS, Precision, Role};

use super::compiler::Compiler;
use super::formulas;
use super::interval::{self, Interval};

/// Magnitudes of inputs, exact in f32: some of them where functions turn, overflow or vanish.
const MAGNITUDES: &[f32] = &[
    0.0, 1e-45, 1e-40, 1e-30, 1e-10, 1e-3, 0.25, 0.4375, 0.5, 0.75, 0.99999994, 1.0, 1.0000001, 1.5, 2.0, 2.5, 3.0,
    3.5, 5.5, 9.0, 17.5, 33.25, 80.0, 88.5, 89.0, 95.0, 103.0, 1e4, 1e8, 1.8e19, 1e20,
];
const EXTREMES: [f32; 3] = [f32::MIN_POSITIVE, f32::MAX, f32::INFINITY];
/// More of them in f64.
const MAGNITUDES_DOUBLE: [f64; 9] = [0.1, 5e-324, 1e-310, f64::MIN_POSITIVE, 650.0, 709.5, 720.0, 745.0, f64::MAX];

/// Formulas in which nothing cancels or overflows on the way, and no subnormal number is multiplied: however small a result
/// is, f32 must come close to the reference.
const WELL_CONDITIONED: &[&str] = &["sigmoid", "softplus", "elu"];
/// How close.
const WELL_CONDITIONED_ULPS: f64 = 8.0;

/// What stands for the CUDA compiler's own words and the prelude's constants, in C as in C++.
const HEAD: &str = "\
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#define __device__ static
#define REAL_NAN NAN
#define REAL_INFINITY INFINITY
";

fn values(precision: Precision) -> Vec<f64> {
    let single = MAGNITUDES.iter().chain(&EXTREMES).map(|&value| f64::from(value));
    let double = MAGNITUDES_DOUBLE.into_iter().filter(|_| precision == Precision::Double);
    single.chain(double).flat_map(|value| [value, -value]).chain([f64::NAN]).collect()
}

/// Rows of arguments: each pair of values is in the first two columns of one row, further columns are drawn.
fn table(precision: Precision) -> Vec<[f64; MAX_INPUTS]> {
    let (values, mut stream) = (values(precision), Stream::new(3, [0; 3]));
    let row = |row: usize| {
        let mut columns = [0.0; MAX_INPUTS].map(|_| values[stream.below(values.len() as u64) as usize]);
        columns[0] = values[row % values.len()];
        columns[1] = values[row / values.len() % values.len()];
        columns
    };
    (0..values.len().pow(2)).map(row).collect()
}

/// The rows that differ for a formula.
fn rows(formula: &dyn AnyFormula, precision: Precision) -> usize {
    let arguments = formula.signature().inputs + formula.signature().draws.len();
    values(precision).len().pow(arguments.min(2) as u32)
}

/// C for all formulas in one precision: their functions, and one that reads the table and writes their outputs.
fn program(formulas: &[Box<dyn AnyFormula>], precision: Precision) -> String {
    let (real, rows_of_table) = (precision.real(), table(precision).len());
    let mut text = format!("#define REAL {real}\n");
    let mut calls = String::new();
    for (index, formula) in formulas.iter().enumerate() {
        let signature = formula.signature();
        let function = formula.graph().cuda_source(signature, precision);
        let _ = writeln!(text, "#define formula {real}_{index}\n{function}#undef formula");
        let parameters: String = formula.parameters().iter().map(|value| format!("(REAL){value:?}, ")).collect();
        let _ = writeln!(
            calls,
            "    for (int row = 0; row < {rows}; row++) {{
        const REAL parameters[] = {{ {parameters}0 }};
        {real}_{index}(table[row], parameters, table[row] + {inputs}, outputs);
        fwrite(outputs, sizeof(REAL), {count}, stdout);
    }}",
            rows = rows(&**formula, precision),
            inputs = signature.inputs,
            count = signature.outputs
        );
    }
    let _ = writeln!(
        text,
        "static void {real}_all(void) {{
    static REAL table[{rows_of_table}][{MAX_INPUTS}];
    REAL outputs[{MAX_OUTPUTS}];
    if (fread(table, sizeof table, 1, stdin) != 1) return;
{calls}}}
#undef REAL"
    );
    text
}

#[test]
fn compiled_formulas_give_the_values_of_the_reference() {
    let formulas = formulas::all();
    let [single, double] = [Precision::Single, Precision::Double];
    let main = "int main(void) { float_all(); double_all(); return 0; }\n";
    let source = [HEAD, &program(&formulas, single), &program(&formulas, double), main].concat();
    let mut input = Vec::new();
    for value in table(single).iter().flatten() {
        input.extend((*value as f32).to_ne_bytes());
    }
    for value in table(double).iter().flatten() {
        input.extend(value.to_ne_bytes());
    }
    let output = Compiler::find().run(&source, &input);

    let mut rest = output.as_slice();
    for precision in [single, double] {
        let table = table(precision);
        for formula in &formulas {
            let graph = formula.graph();
            for row in &table[..rows(&**formula, precision)] {
                let results: Vec<f64> = (0..formula.signature().outputs).map(|_| next(&mut rest, precision)).collect();
                let (inputs, draws) = row.split_at(formula.signature().inputs);
                let parameters = formula.parameters().map(|value| interval::round(value, precision));
                let expected =
                    interval::outputs(&graph, precision, Arguments { inputs, parameters: &parameters, draws });
                let signature = formula.signature();
                let check = |result: f64, expected: Interval| {
                    assert!(
                        expected.contains(result),
                        "{} {:?} in {}: {result:e} for {:e}, expected {expected:?}",
                        signature.name,
                        signature.role,
                        precision.real(),
                        Numbers(&row[..signature.inputs + signature.draws.len()]),
                    );
                };
                results.iter().zip(expected).for_each(|(&result, expected)| check(result, expected));
                if signature.role == Role::Value && WELL_CONDITIONED.contains(&signature.name) {
                    let reference = formula.reference(inputs, draws)[0];
                    check(results[0], Interval::around(reference, precision, WELL_CONDITIONED_ULPS));
                }
            }
        }
    }
    assert!(rest.is_empty());
}

/// The graph is checked against the reference bit by bit, so that what holds for one holds for the other.
#[test]
fn graphs_give_the_bits_of_the_reference() {
    for formula in formulas::all() {
        let (graph, signature, parameters) = (formula.graph(), formula.signature(), formula.parameters());
        for row in &table(Precision::Double)[..rows(&*formula, Precision::Double)] {
            let (inputs, draws) = row.split_at(signature.inputs);
            let expected = formula.reference(inputs, draws);
            let results = graph.evaluate(Arguments { inputs, parameters: &parameters, draws });
            for (result, expected) in results.iter().zip(expected) {
                let same = result.to_bits() == expected.to_bits() || result.is_nan() && expected.is_nan();
                assert!(
                    same,
                    "{} {:?}: {result:e} for {:e}, the reference is {expected:e}",
                    signature.name,
                    signature.role,
                    Numbers(inputs)
                );
            }
        }
    }
}

/// Takes the next number off the program's output.
fn next(rest: &mut &[u8], precision: Precision) -> f64 {
    match precision {
        Precision::Single => f64::from(f32::from_ne_bytes(take(rest))),
        Precision::Double => f64::from_ne_bytes(take(rest)),
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (number, behind) = rest.split_first_chunk().expect("the program writes a number for each output");
    *rest = behind;
    *number
}

/// Numbers in a message.
struct Numbers<'a>(&'a [f64]);

impl std::fmt::LowerExp for Numbers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|number| write!(f, "{number:e} "))
    }
}
