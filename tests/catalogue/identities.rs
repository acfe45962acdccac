//! Functions that std has too, special arguments, and what one formula must have in common with another.

use rectify::device::Seed;
use rectify::formula::philox::Stream;
use rectify::{DType, Device, Result, Tape, Tensor, Var};

use crate::{named, results, slopes};

const INFINITE: f64 = f64::INFINITY;

/// Numbers of many sizes and both signs, exact in f32, and a few that are special.
fn numbers(count: usize, key: u64) -> Vec<f64> {
    let mut stream = Stream::new(key, [0; 3]);
    let mut number = |i: usize| {
        let size = 2f64.powi(stream.below(20) as i32 - 8) * (stream.below(1 << 20) as f64 / f64::from(1 << 20) + 0.5);
        let x = f64::from(size as f32) * if stream.below(2) == 0 { 1.0 } else { -1.0 };
        [x, 6.0, -3.0, 0.25, 1.5, x.round()][if i.is_multiple_of(3) { stream.below(6) as usize } else { 0 }]
    };
    (0..count).map(&mut number).collect()
}

#[test]
fn remainders_are_exact() -> Result<()> {
    let (a, b) = (numbers(20_000, 1), numbers(20_000, 2));
    let b: Vec<f64> = b.into_iter().map(|b| if b == 0.0 { 1.0 } else { b }).collect();
    for dtype in [DType::F64, DType::F32] {
        let (fmod, nearest) = (
            results(&*named("fmod"), &[a.clone(), b.clone()], dtype)?,
            results(&*named("remainder"), &[a.clone(), b.clone()], dtype)?,
        );
        for i in 0..a.len() {
            assert_eq!(fmod[i], a[i] % b[i], "fmod({}, {}) of {dtype}", a[i], b[i]);
            assert_eq!(nearest[i], libm::remainder(a[i], b[i]), "remainder({}, {}) of {dtype}", a[i], b[i]);
        }
        let (a, b) = (
            vec![5.0, -5.0, INFINITE, 5.0, 1e30, f64::NAN, 7.0],
            vec![INFINITE, -INFINITE, 2.0, 0.0, 1e-3, 1.0, f64::NAN],
        );
        for formula in ["fmod", "remainder"] {
            let got = results(&*named(formula), &[a.clone(), b.clone()], dtype)?;
            assert_eq!(got[..2], [5.0, -5.0]);
            assert!(got[2..].iter().all(|rest| rest.is_nan()), "{got:?}");
        }
    }
    let at = |formula: &str, input| slopes(&*named(formula), &[vec![7.5, -7.5], vec![2.0, 2.0]], input, DType::F64);
    assert_eq!((at("fmod", 0)?, at("fmod", 1)?), (vec![1.0, 1.0], vec![-3.0, 3.0]));
    assert_eq!((at("remainder", 0)?, at("remainder", 1)?), (vec![1.0, 1.0], vec![-4.0, 4.0]));
    Ok(())
}

#[test]
fn parts_of_numbers_are_those_of_std() -> Result<()> {
    let (a, b) = (numbers(2_000, 3), numbers(2_000, 4));
    for (x, y) in a.iter().copied().zip(b).chain([(INFINITE, 2.0), (-INFINITE, -0.0), (-0.0, 3.0)]) {
        let of = |formula: &str, inputs: &[f64]| named(formula).reference(inputs, &[]);
        let fract = if x.is_infinite() { 0.0 } else { x.fract() };
        assert_eq!(of("fract", &[x])[0], fract);
        assert_eq!(of("modf", &[x])[..2], [fract, x.trunc()]);
        assert_eq!(of("copysign", &[x, y])[0], x.copysign(y));
        assert_eq!((of("fmax", &[x, y])[0], of("fmin", &[x, y])[0]), (x.max(y), x.min(y)));
        assert_eq!((of("fmax", &[x, f64::NAN])[0], of("fmin", &[f64::NAN, y])[0]), (x, y));
        if x.is_finite() {
            assert_eq!(of("sin_cos", &[x])[..2], [x.sin(), x.cos()]);
        }
    }
    Ok(())
}

#[test]
fn special_arguments_have_special_values() -> Result<()> {
    let nan = f64::NAN;
    let values: &[(&str, &[(f64, f64)])] = &[
        ("erf_inv", &[(0.0, 0.0), (1.0, INFINITE), (-1.0, -INFINITE), (1.5, nan), (-2.0, nan), (nan, nan)]),
        ("erfc_inv", &[(0.0, INFINITE), (1.0, 0.0), (2.0, -INFINITE), (-0.5, nan), (2.5, nan), (nan, nan)]),
        ("normal_quantile", &[(0.0, -INFINITE), (0.5, 0.0), (1.0, INFINITE), (-0.1, nan), (1.5, nan)]),
        ("normal_cdf", &[(0.0, 0.5), (-INFINITE, 0.0), (INFINITE, 1.0), (nan, nan), (1e30, 1.0), (-1e30, 0.0)]),
        (
            "gamma",
            &[(0.0, INFINITE), (-0.0, -INFINITE), (1.0, 1.0), (2.0, 1.0), (5.0, 24.0), (7.0, 720.0), (-3.0, nan)],
        ),
        ("gamma", &[(INFINITE, INFINITE), (-INFINITE, nan), (nan, nan), (1e30, INFINITE), (180.0, INFINITE)]),
        ("ln_gamma", &[(1.0, 0.0), (2.0, 0.0), (0.0, INFINITE), (-0.0, INFINITE), (-2.0, INFINITE)]),
        ("ln_gamma", &[(INFINITE, INFINITE), (-INFINITE, INFINITE), (nan, nan)]),
        ("asinh", &[(0.0, 0.0), (INFINITE, INFINITE), (-INFINITE, -INFINITE), (nan, nan)]),
        ("acosh", &[(1.0, 0.0), (INFINITE, INFINITE), (0.5, nan), (-5.0, nan), (nan, nan)]),
        ("atanh", &[(0.0, 0.0), (1.0, INFINITE), (-1.0, -INFINITE), (2.0, nan), (-1.5, nan), (nan, nan)]),
        ("exp10", &[(0.0, 1.0), (3.0, 1000.0), (-INFINITE, 0.0), (1e30, INFINITE), (nan, nan)]),
        ("pow2o3", &[(-8.0, 4.0), (27.0, 9.0), (0.0, 0.0), (INFINITE, INFINITE), (nan, nan)]),
        ("pow3o2", &[(4.0, 8.0), (0.0, 0.0), (INFINITE, INFINITE), (-1.0, nan)]),
        ("inv_sqrt", &[(4.0, 0.5), (0.0, INFINITE), (INFINITE, 0.0), (-1.0, nan)]),
        ("inv_cbrt", &[(-8.0, -0.5), (0.0, INFINITE), (-0.0, -INFINITE), (INFINITE, 0.0)]),
    ];
    for (formula, rows) in values {
        for dtype in [DType::F64, DType::F32] {
            let got = results(&*named(formula), &[rows.iter().map(|row| row.0).collect()], dtype)?;
            for ((x, want), got) in rows.iter().zip(got) {
                let same = got == *want || got.is_nan() && want.is_nan();
                assert!(same, "{formula}({x}) of {dtype}: {got}, not {want}");
            }
        }
    }
    Ok(())
}

#[test]
fn hypotenuses_neither_overflow_nor_vanish() -> Result<()> {
    let rows = [(3.0, 4.0, 5.0), (0.0, 0.0, 0.0), (-5.0, 12.0, 13.0), (INFINITE, 1.0, INFINITE), (0.0, -2.0, 2.0)];
    let sides =
        |scale: f64| [rows.iter().map(|row| scale * row.0).collect(), rows.iter().map(|row| scale * row.1).collect()];
    for (dtype, scales) in
        [(DType::F64, [1.0, 2f64.powi(1000), 2f64.powi(-1000)]), (DType::F32, [1.0, 2f64.powi(120), 2f64.powi(-120)])]
    {
        for scale in scales {
            let got = results(&*named("hypot"), &sides(scale), dtype)?;
            assert!(rows.iter().zip(&got).all(|(row, got)| *got == scale * row.2), "{dtype}: {got:?}");
        }
    }
    assert_eq!(slopes(&*named("hypot"), &sides(1.0), 0, DType::F64)?[..3], [0.6, 0.0, -5.0 / 13.0]);
    Ok(())
}

#[test]
fn inverses_undo_their_functions() -> Result<()> {
    let of = |formula: &str, x: f64| named(formula).reference(&[x], &[])[0];
    for i in -400..=400 {
        let x = f64::from(i) / 100.0;
        assert!((of("erf_inv", libm::erf(x)) - x).abs() < 2e-16 * (x * x).exp().max(1.0), "{x}");
        assert!((of("erfc_inv", libm::erfc(x)) - x).abs() < 2e-15 * if x < 0.0 { (x * x).exp() } else { 1.0 }, "{x}");
        assert!((of("normal_quantile", of("normal_cdf", -x.abs())) + x.abs()).abs() < 4e-15, "{x}");
        assert!((of("asinh", x.sinh()) - x).abs() < 2e-15, "{x}");
        assert!((of("acosh", x.cosh()) - x.abs()).abs() < 1e-13 / x.abs().max(1e-3), "{x}");
    }
    Ok(())
}

#[test]
fn gamma_climbs_by_its_argument() -> Result<()> {
    let gamma = named("gamma");
    let of = |x: f64| gamma.reference(&[x], &[])[0];
    for i in 1..2700 {
        let x = f64::from(i) / 16.0 + 1.0 / 64.0;
        assert!((of(x + 1.0) / (x * of(x)) - 1.0).abs() < 2e-14, "{x}");
        if x < 100.0 {
            assert!((of(-x) * -x / of(1.0 - x) - 1.0).abs() < 1e-12, "{}", -x);
        }
    }
    Ok(())
}

/// A formula with run-time scalars, one of the same values at one setting of them, and how far apart both may be.
#[test]
fn families_hold_their_members() -> Result<()> {
    let pairs: &[(&str, &str)] = &[
        ("soboleva(1, 1, 1, 1)", "tanh"),
        ("swish(1)", "silu"),
        ("sharp_softplus(1)", "softplus"),
        ("squareplus(0)", "relu"),
        ("celu(1)", "elu(1)"),
        ("shifted_relu(0)", "relu"),
        ("leaky_relu(1)", "linear"),
        ("soft_exponential(0)", "linear"),
        ("apl(-0.25, 0, 0, 0)", "leaky_relu(0.25)"),
    ];
    let grid = vec![(-300..=300).map(|i| f64::from(i) / 32.0).collect::<Vec<f64>>()];
    for (general, member) in pairs {
        let (a, b) = (results(&*named(general), &grid, DType::F64)?, results(&*named(member), &grid, DType::F64)?);
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= 4e-16 * b.abs().max(1.0)), "{general}");
        let (a, b) = (slopes(&*named(general), &grid, 0, DType::F64)?, slopes(&*named(member), &grid, 0, DType::F64)?);
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= 2e-15 * b.abs().max(1.0)), "{general}");
    }
    Ok(())
}

#[test]
fn a_learned_slope_per_unit_gets_its_gradient_by_broadcasting() -> Result<()> {
    let device = Device::cpu();
    let tape = Tape::new();
    let x = tape.variable(&Tensor::from_slice(&[-1.0, 2.0, -3.0, 4.0, -5.0, -6.0], &[2, 3], &device)?)?;
    let slope = tape.variable(&Tensor::from_slice(&[0.1, 0.2, 0.3], &[3], &device)?)?;
    let y = Var::apply(&*named("prelu"), &[&x, &slope], Seed::default())?;
    assert_eq!(y.tensor().to_vec::<f64>()?, [-0.1, 2.0, -3.0 * 0.3, 4.0, -5.0 * 0.2, -6.0 * 0.3]);
    let gradients = y.sum(&[])?.backward()?;
    assert_eq!(gradients.of(&slope).unwrap().to_vec::<f64>()?, [-1.0, -5.0, -9.0]);
    assert_eq!(gradients.of(&x).unwrap().to_vec::<f64>()?, [0.1, 1.0, 0.3, 1.0, 0.2, 0.3]);
    Ok(())
}

#[test]
fn a_drawn_slope_is_within_its_bounds_and_drawn_again_on_the_way_back() -> Result<()> {
    let (count, rrelu) = (10_000, named("rrelu"));
    let (low, high) = (rrelu.parameters()[0], rrelu.parameters()[1]);
    let tape = Tape::new();
    let x = tape.variable(&Tensor::full(&[count], -2.0, DType::F64, &Device::cpu())?)?;
    let y = Var::apply(&*rrelu, &[&x], Seed::new(5, 0))?;
    let drawn: Vec<f64> = y.tensor().to_vec::<f64>()?.into_iter().map(|y| y / -2.0).collect();
    assert!(drawn.iter().all(|slope| (low..high).contains(slope)));
    let mean = drawn.iter().sum::<f64>() / count as f64;
    assert!((mean - (low + high) / 2.0).abs() < 0.003, "{mean}");
    assert_eq!(y.sum(&[])?.backward()?.of(&x).unwrap().to_vec::<f64>()?, drawn);
    assert_eq!(rrelu.reference(&[3.0], &[0.5])[0], 3.0);
    Ok(())
}
