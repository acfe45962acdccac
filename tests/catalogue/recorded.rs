//! Values and derivatives against those of arbitrary precision in `tests/data/catalogue.txt`.

use rectify::{DType, Result};

use crate::{named, results, slopes};

/// How far values may be off, in units of the rounding error: 2^-53 in f64, 2^-24 in f32. Relative to the true number, or
/// to 1 if that is less and the formula is not [`RELATIVE`].
const VALUE: f64 = 5.0;
/// How far derivatives may be off.
const SLOPE: f64 = 16.0;
/// Those whose small values are as exact as the others.
const RELATIVE: &[&str] = &[
    "sigmoid",
    "tanh",
    "atan",
    "softsign",
    "isru",
    "softplus",
    "elu",
    "celu",
    "selu",
    "isrlu",
    "mish",
    "silu",
    "elish",
    "log_sigmoid",
    "sinc",
    "hypot",
    "exp10",
    "powx",
    "pow2o3",
    "pow3o2",
    "inv_sqrt",
    "inv_cbrt",
    "asinh",
    "acosh",
    "atanh",
    "erf_inv",
    "erfc_inv",
    "normal_cdf",
    "normal_quantile",
    "gamma",
];
/// Those that are less exact: of the value, and of the derivatives.
const LESS_EXACT: &[(&str, f64, f64)] = &[
    // 1 - s of a gate s near 1 is the difference of what is nearly equal, and x times it is small.
    ("silu", VALUE, 40.0),
    ("swish", VALUE, 40.0),
    ("parametric_swish", VALUE, 200.0),
    ("parametric_soft_exponential", VALUE, 40.0),
    // Their derivatives are exponentials of squares.
    ("erf_inv", VALUE, 100.0),
    ("erfc_inv", VALUE, 400.0),
    ("normal_quantile", VALUE, 800.0),
    ("normal_cdf", 8.0, SLOPE),
    ("gamma", 8.0, SLOPE),
];

/// The rows of a formula: its inputs, the value, and the derivative in each input.
struct Recorded {
    name: String,
    parameters: Vec<f64>,
    rows: Vec<Vec<f64>>,
}

fn recorded() -> Vec<Recorded> {
    let number = |field: &str| f64::from_bits(u64::from_str_radix(field, 16).unwrap());
    let mut formulas: Vec<Recorded> = Vec::new();
    for line in include_str!("../data/catalogue.txt").lines() {
        if let Some(head) = line.strip_prefix("formula ") {
            let mut words = head.split(' ');
            let name = words.next().unwrap().to_owned();
            let parameters = words.map(|word| word.parse().unwrap()).collect();
            formulas.push(Recorded { name, parameters, rows: vec![] });
        } else {
            formulas.last_mut().unwrap().rows.push(line.split(' ').map(number).collect());
        }
    }
    formulas
}

/// The largest error of a column of results, and the row it is in.
fn worst(got: &[f64], want: &[f64], dtype: DType, floor: f64) -> (f64, usize) {
    let epsilon = if dtype == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON } / 2.0;
    let error = |i: usize| {
        let overflows = dtype == DType::F32 && (want[i] as f32).is_infinite() && got[i] == f64::from(want[i] as f32);
        match (got[i] - want[i]).abs() / (epsilon * want[i].abs().max(floor)) {
            _ if overflows || got[i] == want[i] => 0.0,
            error if error.is_nan() => f64::INFINITY,
            error => error,
        }
    };
    (0..got.len()).map(|i| (error(i), i)).fold((0.0, 0), |a, b| if b.0 > a.0 { b } else { a })
}

#[test]
fn formulas_give_the_recorded_values_and_derivatives() -> Result<()> {
    let (table, mut failures) = (recorded(), Vec::new());
    assert!(table.len() > 65);
    for Recorded { name, parameters, rows } in &table {
        let list = parameters.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        let formula = named(&if list.is_empty() { name.clone() } else { format!("{name}({list})") });
        assert_eq!(formula.parameters()[..parameters.len()], parameters[..], "{name}");
        let usual = (name.as_str(), VALUE, SLOPE);
        let &(_, value, slope) = LESS_EXACT.iter().find(|(less, ..)| less == name).unwrap_or(&usual);
        // Below the smallest normal number of f32 nothing is relative.
        let floor = if RELATIVE.contains(&name.as_str()) { f64::from(f32::MIN_POSITIVE) } else { 1.0 };
        let inputs = formula.signature().inputs;
        for dtype in [DType::F64, DType::F32] {
            let exact =
                |row: &&Vec<f64>| dtype == DType::F64 || row[..inputs].iter().all(|&x| f64::from(x as f32) == x);
            let rows: Vec<&Vec<f64>> = rows.iter().filter(exact).collect();
            assert!(rows.len() > 40, "{name}");
            let column = |place: usize| rows.iter().map(|row| row[place]).collect::<Vec<f64>>();
            let columns: Vec<_> = (0..inputs).map(column).collect();
            let mut check = |what: &str, got: Vec<f64>, place: usize, floor: f64, bound: f64| {
                let (error, row) = worst(&got, &column(place), dtype, floor);
                println!("{name} {what} of {dtype}: {error:.2} at {:?}", &rows[row][..inputs]);
                if error > bound {
                    let at = &rows[row];
                    failures.push(format!("{name} {what} of {dtype}: {error:.2} > {bound} at {at:?}: {:e}", got[row]));
                }
            };
            check("value", results(&*formula, &columns, dtype)?, inputs, floor, value);
            for input in 0..inputs {
                let got = slopes(&*formula, &columns, input, dtype)?;
                check(&format!("slope {input}"), got, inputs + 1 + input, 1.0, slope);
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}
