//! Activations where they turn, overflow or end.

use rectify::formula::AnyFormula;
use rectify::formula::catalogue::activation;
use rectify::{Activation, DType, Result};

use crate::{named, results, slopes};

const FLOATS: [DType; 2] = [DType::F32, DType::F64];
const INFINITE: f64 = f64::INFINITY;

/// Every activation of one number.
fn activations() -> impl Iterator<Item = Box<dyn AnyFormula>> {
    Activation::ALL.iter().map(|activation| activation.formula())
}

/// Those whose parameters are inputs.
fn parametric() -> impl Iterator<Item = Box<dyn AnyFormula>> {
    let all = activation::parametric().filter(|formula| formula.signature().draws.is_empty());
    all.map(|formula| formula.boxed())
}

fn name(formula: &dyn AnyFormula) -> &'static str {
    formula.signature().name
}

/// Both signs of what is far out, close in, and where exponentials overflow.
fn far_and_near() -> Vec<f64> {
    [0.0, 1e-30, 1.0, 88.0, 709.0, 1e30, INFINITE].into_iter().flat_map(|x| [x, -x]).collect()
}

#[test]
fn no_edge_makes_a_value_or_a_derivative_nan() -> Result<()> {
    let parameters = [0.5, 0.75];
    for formula in activations().chain(parametric()) {
        let inputs = formula.signature().inputs;
        let mut columns = vec![far_and_near()];
        columns.extend((1..inputs).map(|i| vec![parameters[i - 1]; far_and_near().len()]));
        for dtype in FLOATS {
            let mut all = vec![("value".to_owned(), results(&*formula, &columns, dtype)?)];
            for input in 0..inputs {
                all.push((format!("slope {input}"), slopes(&*formula, &columns, input, dtype)?));
            }
            for (what, values) in all {
                for (x, value) in columns[0].iter().zip(values) {
                    let no_limit = name(&*formula) == "sin" && x.is_infinite();
                    assert_eq!(value.is_nan(), no_limit, "{} {what} of {dtype} at {x:e}: {value}", name(&*formula));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn nan_gives_nan() -> Result<()> {
    for formula in activations().chain(parametric()) {
        let columns: Vec<_> =
            (0..formula.signature().inputs).map(|i| vec![if i == 0 { f64::NAN } else { 0.5 }]).collect();
        for dtype in FLOATS {
            assert!(results(&*formula, &columns, dtype)?[0].is_nan(), "{} of {dtype}", name(&*formula));
        }
    }
    Ok(())
}

/// The value and the derivative at minus infinity, then at infinity.
#[test]
fn limits_are_reached() -> Result<()> {
    let (none, half_pi) = (f64::NAN, std::f64::consts::FRAC_PI_2);
    let limits: &[(&str, [f64; 4])] = &[
        ("step", [0.0, 0.0, 1.0, 0.0]),
        ("linear", [-INFINITE, 1.0, INFINITE, 1.0]),
        ("relu", [0.0, 0.0, INFINITE, 1.0]),
        ("leaky_relu(0.25)", [-INFINITE, 0.25, INFINITE, 1.0]),
        ("clipped_relu(6)", [0.0, 0.0, 6.0, 0.0]),
        ("shifted_relu(1)", [0.0, 0.0, INFINITE, 1.0]),
        ("threshold(1, -2)", [-2.0, 0.0, INFINITE, 1.0]),
        ("hard_shrink(0.5)", [-INFINITE, 1.0, INFINITE, 1.0]),
        ("soft_shrink(0.5)", [-INFINITE, 1.0, INFINITE, 1.0]),
        ("hard_sigmoid", [0.0, 0.0, 1.0, 0.0]),
        ("hard_tanh", [-1.0, 0.0, 1.0, 0.0]),
        ("srelu(-1, 0.25, 1, 0.5)", [-INFINITE, 0.25, INFINITE, 0.5]),
        ("apl(0.5, 0, 0.25, 1)", [INFINITE, -0.75, INFINITE, 1.0]),
        ("sigmoid", [0.0, 0.0, 1.0, 0.0]),
        ("tanh", [-1.0, 0.0, 1.0, 0.0]),
        ("atan", [-half_pi, 0.0, half_pi, 0.0]),
        ("softsign", [-1.0, 0.0, 1.0, 0.0]),
        ("sqnl", [-1.0, 0.0, 1.0, 0.0]),
        ("isru(4)", [-0.5, 0.0, 0.5, 0.0]),
        ("soboleva(1, 1, 1, 1)", [-1.0, 0.0, 1.0, 0.0]),
        ("gaussian", [0.0; 4]),
        ("sin", [none; 4]),
        ("sinc", [0.0; 4]),
        ("softplus", [0.0, 0.0, INFINITE, 1.0]),
        ("elu(1.5)", [-1.5, 0.0, INFINITE, 1.0]),
        ("gelu", [0.0, 0.0, INFINITE, 1.0]),
        ("gelu_tanh", [0.0, 0.0, INFINITE, 1.0]),
        ("silu", [0.0, 0.0, INFINITE, 1.0]),
        ("selu", [-1.758_099_340_847_376_6, 0.0, INFINITE, 1.050_700_987_355_480_5]),
        ("celu(2)", [-2.0, 0.0, INFINITE, 1.0]),
        ("delu(1, 2, 1.25643)", [-0.5, 0.0, INFINITE, 1.0]),
        ("hard_swish", [0.0, 0.0, INFINITE, 1.0]),
        ("mish", [0.0, 0.0, INFINITE, 1.0]),
        ("elish", [0.0, 0.0, INFINITE, 1.0]),
        ("bent_identity", [-INFINITE, 0.5, INFINITE, 1.5]),
        ("log_sigmoid", [-INFINITE, 1.0, 0.0, 0.0]),
        ("tanh_shrink", [-INFINITE, 1.0, INFINITE, 1.0]),
        ("lisht", [INFINITE, -1.0, INFINITE, 1.0]),
        ("swish(2)", [0.0, 0.0, INFINITE, 1.0]),
        ("sharp_softplus(2)", [0.0, 0.0, INFINITE, 1.0]),
        ("squareplus(4)", [0.0, 0.0, INFINITE, 1.0]),
        ("isrlu(4)", [-0.5, 0.0, INFINITE, 1.0]),
        ("soft_exponential(0.5)", [-1.5, 0.0, INFINITE, INFINITE]),
    ];
    assert_eq!(limits.len(), Activation::ALL.len());
    for (formula, expected) in limits {
        for dtype in FLOATS {
            let ends = [vec![-INFINITE, INFINITE]];
            let (values, slopes) =
                (results(&*named(formula), &ends, dtype)?, slopes(&*named(formula), &ends, 0, dtype)?);
            let got = [values[0], slopes[0], values[1], slopes[1]];
            let near =
                |(got, want): (f64, f64)| got == want || (got - want).abs() < 1e-7 || got.is_nan() && want.is_nan();
            assert!(got.into_iter().zip(*expected).all(near), "{formula} of {dtype}: {got:?}");
        }
    }
    Ok(())
}

/// A place, the value there, and the derivative.
type Kink = (f64, f64, f64);

/// At a kink the derivative is that of the left side; beside a jump that of the side the value belongs to.
#[test]
fn kinks_have_the_derivative_that_is_documented() -> Result<()> {
    let kinks: &[(&str, &[Kink])] = &[
        ("step", &[(0.0, 1.0, 0.0)]),
        ("relu", &[(0.0, 0.0, 0.0), (-0.0, 0.0, 0.0)]),
        ("leaky_relu(0.25)", &[(0.0, 0.0, 0.25)]),
        ("clipped_relu(6)", &[(0.0, 0.0, 0.0), (6.0, 6.0, 1.0)]),
        ("shifted_relu(1)", &[(1.0, 0.0, 0.0)]),
        ("threshold(1, -2)", &[(1.0, -2.0, 0.0)]),
        ("hard_shrink(0.5)", &[(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0)]),
        ("soft_shrink(0.5)", &[(-0.5, 0.0, 1.0), (0.5, 0.0, 0.0)]),
        ("hard_sigmoid", &[(-3.0, 0.0, 0.0), (3.0, 1.0, 1.0 / 6.0)]),
        ("hard_tanh", &[(-1.0, -1.0, 0.0), (1.0, 1.0, 1.0)]),
        ("hard_swish", &[(-3.0, 0.0, 0.0), (3.0, 3.0, 1.5)]),
        ("srelu(-1, 0.25, 2, 0.5)", &[(-1.0, -1.0, 0.25), (2.0, 2.0, 1.0)]),
        ("apl(0.5, 0, 0.25, 1)", &[(0.0, 0.25, -0.75), (1.0, 1.0, 0.75)]),
        ("sqnl", &[(-2.0, -1.0, 0.0), (0.0, 0.0, 1.0), (2.0, 1.0, 0.0)]),
        ("elu(2)", &[(0.0, 0.0, 2.0)]),
        ("selu", &[(0.0, 0.0, 1.758_099_340_847_376_6)]),
        ("celu(2)", &[(0.0, 0.0, 1.0)]),
        ("delu(1, 2, 1.25)", &[(1.25, 1.245_171_478_730_923, 1.745_171_478_730_923)]),
        ("elish", &[(0.0, 0.0, 0.5)]),
        ("sinc", &[(0.0, 1.0, 0.0)]),
        ("squareplus(4)", &[(0.0, 1.0, 0.5)]),
        ("squareplus(0)", &[(0.0, 0.0, 0.0), (-3.0, 0.0, 0.0), (3.0, 3.0, 1.0)]),
        ("isrlu(1)", &[(0.0, 0.0, 1.0)]),
        ("soft_exponential(0)", &[(0.0, 0.0, 1.0), (-3.0, -3.0, 1.0)]),
    ];
    for (formula, places) in kinks {
        for &(x, value, slope) in *places {
            for dtype in FLOATS {
                let (got, got_slope) =
                    (results(&*named(formula), &[vec![x]], dtype)?, slopes(&*named(formula), &[vec![x]], 0, dtype)?);
                let near = (got[0] - value).abs() < 2e-6 && (got_slope[0] - slope).abs() < 2e-6;
                assert!(near, "{formula} of {dtype} at {x}: {got:?} and {got_slope:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn rectifiers_give_exact_zeros() -> Result<()> {
    let rectifiers: &[(&str, f64)] = &[
        ("relu", 0.0),
        ("clipped_relu(6)", 0.0),
        ("shifted_relu(0.3)", 0.3),
        ("hard_sigmoid", -3.0),
        ("hard_swish", -3.0),
        ("squareplus(0)", 0.0),
    ];
    for (formula, end) in rectifiers {
        for dtype in FLOATS {
            let zeros = results(&*named(formula), &[vec![*end, end - 1e-3, -3.1, -1e4, -INFINITE]], dtype)?;
            assert!(zeros.iter().all(|zero| zero.to_bits() == 0), "{formula} of {dtype}: {zeros:?}");
        }
    }
    for dtype in FLOATS {
        let inside = [vec![-0.5, -0.3, -0.0, 1e-20, 0.5]];
        for shrink in ["hard_shrink(0.5)", "soft_shrink(0.5)"] {
            assert!(results(&*named(shrink), &inside, dtype)?.iter().all(|&zero| zero == 0.0), "{shrink} of {dtype}");
        }
    }
    Ok(())
}

/// What a squashing function keeps within these ends, never falling.
#[test]
fn squashing_functions_rise_within_their_range() -> Result<()> {
    let half_pi = std::f64::consts::FRAC_PI_2;
    let squashing: &[(&str, f64, f64)] = &[
        ("step", 0.0, 1.0),
        ("sigmoid", 0.0, 1.0),
        ("hard_sigmoid", 0.0, 1.0),
        ("tanh", -1.0, 1.0),
        ("hard_tanh", -1.0, 1.0),
        ("soboleva(1, 1, 1, 1)", -1.0, 1.0),
        ("softsign", -1.0, 1.0),
        ("sqnl", -1.0, 1.0),
        ("isru(0.25)", -2.0, 2.0),
        ("atan", -half_pi, half_pi),
        ("clipped_relu(6)", 0.0, 6.0),
        ("softplus", 0.0, INFINITE),
        ("sharp_softplus(3)", 0.0, INFINITE),
        ("squareplus(4)", 0.0, INFINITE),
        ("elu(1)", -1.0, INFINITE),
        ("celu(1.5)", -1.5, INFINITE),
        ("selu", -1.7581, INFINITE),
        ("isrlu(1)", -1.0, INFINITE),
        ("log_sigmoid", -INFINITE, 0.0),
        ("bent_identity", -INFINITE, INFINITE),
        ("tanh_shrink", -INFINITE, INFINITE),
    ];
    let rising: Vec<f64> = (-40_000..=40_000).map(|i| f64::from(i) / 1024.0).collect();
    for (formula, low, high) in squashing {
        for (dtype, epsilon) in [(DType::F32, f64::from(f32::EPSILON)), (DType::F64, f64::EPSILON)] {
            let values = results(&*named(formula), std::slice::from_ref(&rising), dtype)?;
            let within = values.iter().all(|y| (*low - epsilon * 2.0..=*high + epsilon * 2.0).contains(y));
            assert!(within, "{formula} of {dtype} leaves its range");
            for (pair, x) in values.windows(2).zip(&rising) {
                let slack = 4.0 * epsilon * pair[0].abs().max(if *formula == "tanh_shrink" { 1.0 } else { 0.0 });
                assert!(pair[1] >= pair[0] - slack, "{formula} of {dtype} falls after {x}: {pair:?}");
            }
        }
    }
    Ok(())
}

/// The least values of the functions that dip below 0.
#[test]
fn dips_are_as_deep_as_documented() -> Result<()> {
    let dips: &[(&str, f64)] = &[
        ("gelu", -0.169_971),
        ("gelu_tanh", -0.170_041),
        ("silu", -0.278_465),
        ("swish(2)", -0.139_232),
        ("hard_swish", -0.375),
        ("mish", -0.308_843),
        ("elish", -0.171_573),
        ("sinc", -0.217_234),
    ];
    let grid: Vec<f64> = (-60_000..=60_000).map(|i| f64::from(i) / 4096.0).collect();
    for (formula, least) in dips {
        let values = results(&*named(formula), std::slice::from_ref(&grid), DType::F64)?;
        let found = values.into_iter().fold(INFINITE, f64::min);
        assert!((found - least).abs() < 2e-6, "{formula}: {found}");
    }
    Ok(())
}
