//! Values and derivatives against those of arbitrary precision in `tests/data/catalogue.txt`.

use rectify::formula::Signature;
use rectify::{DType, Result};

use super::bound::Bound;
use crate::{named, results, slopes};

/// How far values may be off where their documentation does not say so: relative to the true number, or to 1 if that is less and the
/// formula is not [`RELATIVE`].
const VALUE: f64 = 5.0;
/// How far derivatives may be off.
const SLOPE: f64 = 16.0;
/// Those whose small values are as exact as the others.
const RELATIVE: &[&str] = &[
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
    // Their derivatives are exponentials of squares.
    ("erf_inv", VALUE, 100.0),
    ("erfc_inv", VALUE, 400.0),
    ("normal_quantile", VALUE, 800.0),
    ("normal_cdf", 8.0, SLOPE),
    ("gamma", 8.0, SLOPE),
];

/// How far a formula's value, its first derivative and the others may be off.
fn bounds(signature: &Signature) -> Vec<Bound> {
    Bound::stated(signature).unwrap_or_else(|| {
        let usual = (signature.name, VALUE, SLOPE);
        let &(_, value, slope) = LESS_EXACT.iter().find(|(less, ..)| *less == signature.name).unwrap_or(&usual);
        let of_one = !RELATIVE.contains(&signature.name);
        let slope = Bound { units: slope, of_one: true };
        vec![Bound { units: value, of_one }, slope, slope]
    })
}

/// The rows of a formula: its inputs, the value, and the derivative in each input.
pub struct Recorded {
    pub name: String,
    pub parameters: Vec<f64>,
    pub rows: Vec<Vec<f64>>,
}

/// The formulas of a recording.
pub fn read(text: &str) -> Vec<Recorded> {
    let number = |field: &str| f64::from_bits(u64::from_str_radix(field, 16).unwrap());
    let mut formulas: Vec<Recorded> = Vec::new();
    for line in text.lines() {
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
pub fn worst(bound: Bound, got: &[f64], want: &[f64], dtype: DType) -> (f64, usize) {
    let errors = (0..got.len()).map(|i| (bound.error(got[i], want[i], dtype), i));
    errors.fold((0.0, 0), |worst, one| if one.0 > worst.0 { one } else { worst })
}

#[test]
fn formulas_give_the_recorded_values_and_derivatives() -> Result<()> {
    let (table, mut failures) = (read(include_str!("../data/catalogue.txt")), Vec::new());
    assert!(table.len() > 65);
    for Recorded { name, parameters, rows } in &table {
        let list = parameters.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        let formula = named(&if list.is_empty() { name.clone() } else { format!("{name}({list})") });
        assert_eq!(formula.parameters()[..parameters.len()], parameters[..], "{name}");
        let bounds = bounds(formula.signature());
        let inputs = formula.signature().inputs;
        for dtype in [DType::F64, DType::F32] {
            let exact =
                |row: &&Vec<f64>| dtype == DType::F64 || row[..inputs].iter().all(|&x| f64::from(x as f32) == x);
            let rows: Vec<&Vec<f64>> = rows.iter().filter(exact).collect();
            assert!(rows.len() > 40, "{name}");
            let column = |place: usize| rows.iter().map(|row| row[place]).collect::<Vec<f64>>();
            let columns: Vec<_> = (0..inputs).map(column).collect();
            let mut check = |what: &str, got: Vec<f64>, place: usize, bound: Bound| {
                let (error, row) = worst(bound, &got, &column(place), dtype);
                println!("{name} {what} of {dtype}: {error:.2} at {:?}", &rows[row][..inputs]);
                if error > bound.units {
                    let at = &rows[row];
                    failures
                        .push(format!("{name} {what} of {dtype}: {error:.2} > {bound:?} at {at:?}: {:e}", got[row]));
                }
            };
            check("value", results(&*formula, &columns, dtype)?, inputs, bounds[0]);
            for input in 0..inputs {
                let got = slopes(&*formula, &columns, input, dtype)?;
                check(&format!("slope {input}"), got, inputs + 1 + input, bounds[(1 + input).min(2)]);
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}
