//! Elementwise operations in every floating point type, on every kind of layout.

use rectify::device::Seed;
use rectify::formula::catalogue::arithmetic;
use rectify::{DType, Error, Result, Tensor, formula};

use super::{FLOATS, INTEGERS, Sample, assert_near, device, host, numbers, on_devices, scattered, tensor};

on_devices! {
    operations_of_one_tensor_agree_with_loops,
    operations_of_two_tensors_broadcast_like_loops,
    strided_operands_agree_with_loops,
    numbers_that_are_none_and_signed_zeros_follow_the_rules,
    whole_numbers_are_added_and_compared_exactly,
    scaling_and_clamping_take_numbers_of_the_moment,
    an_update_writes_over_what_it_reads_and_over_nothing_else,
    an_update_whose_operands_overlap_is_refused_and_changes_nothing,
}

type Unary = (&'static str, fn(&Tensor) -> Result<Tensor>, fn(f64) -> f64, (f64, f64));
type Binary = (&'static str, fn(&Tensor, &Tensor) -> Result<Tensor>, fn(f64, f64) -> f64);

fn sign(x: f64) -> f64 {
    if x == 0.0 { x } else { x.signum() }
}

/// Every named operation of one tensor with its reference and the numbers it is tried on.
const UNARY: &[Unary] = &[
    ("neg", Tensor::neg, |x| -x, (-3.0, 3.0)),
    ("abs", Tensor::abs, f64::abs, (-3.0, 3.0)),
    ("sign", Tensor::sign, sign, (-3.0, 3.0)),
    ("square", Tensor::square, |x| x * x, (-3.0, 3.0)),
    ("recip", Tensor::recip, |x| 1.0 / x, (0.2, 4.0)),
    ("exp", Tensor::exp, f64::exp, (-3.0, 3.0)),
    ("exp2", Tensor::exp2, f64::exp2, (-3.0, 3.0)),
    ("exp_m1", Tensor::exp_m1, f64::exp_m1, (-3.0, 3.0)),
    ("ln", Tensor::ln, f64::ln, (0.1, 9.0)),
    ("ln_1p", Tensor::ln_1p, f64::ln_1p, (-0.9, 9.0)),
    ("log2", Tensor::log2, f64::log2, (0.1, 9.0)),
    ("log10", Tensor::log10, f64::log10, (0.1, 9.0)),
    ("sqrt", Tensor::sqrt, f64::sqrt, (0.0, 9.0)),
    ("cbrt", Tensor::cbrt, f64::cbrt, (-9.0, 9.0)),
    ("sin", Tensor::sin, f64::sin, (-6.0, 6.0)),
    ("cos", Tensor::cos, f64::cos, (-6.0, 6.0)),
    ("tan", Tensor::tan, f64::tan, (-1.3, 1.3)),
    ("asin", Tensor::asin, f64::asin, (-1.0, 1.0)),
    ("acos", Tensor::acos, f64::acos, (-1.0, 1.0)),
    ("atan", Tensor::atan, f64::atan, (-6.0, 6.0)),
    ("sinh", Tensor::sinh, f64::sinh, (-3.0, 3.0)),
    ("cosh", Tensor::cosh, f64::cosh, (-3.0, 3.0)),
    ("erf", Tensor::erf, libm::erf, (-3.0, 3.0)),
    ("erfc", Tensor::erfc, libm::erfc, (-3.0, 3.0)),
    ("floor", Tensor::floor, f64::floor, (-9.0, 9.0)),
    ("ceil", Tensor::ceil, f64::ceil, (-9.0, 9.0)),
    ("trunc", Tensor::trunc, f64::trunc, (-9.0, 9.0)),
    ("round", Tensor::round, f64::round_ties_even, (-9.0, 9.0)),
];

/// Every named operation of two tensors with its reference, on positive numbers.
const BINARY: &[Binary] = &[
    ("add", Tensor::add, |a, b| a + b),
    ("sub", Tensor::sub, |a, b| a - b),
    ("mul", Tensor::mul, |a, b| a * b),
    ("div", Tensor::div, |a, b| a / b),
    ("maximum", Tensor::maximum, f64::max),
    ("minimum", Tensor::minimum, f64::min),
    ("pow", Tensor::pow, f64::powf),
    ("equal", Tensor::equal, |a, b| f64::from(u8::from(a == b))),
    ("less", Tensor::less, |a, b| f64::from(u8::from(a < b))),
];

/// Numbers between two bounds, some of them equal and some of them whole.
fn between(low: f64, high: f64, count: usize) -> Vec<f64> {
    let spread = scattered(count).into_iter().map(|x| low + (x + 2.0) / 4.002 * (high - low));
    spread.enumerate().map(|(i, x)| if i % 5 == 0 { x.round().clamp(low, high) } else { x }).collect()
}

/// The same numbers whole, turned, cut, with gaps and repeated.
fn layouts(whole: &Tensor) -> Result<Vec<Tensor>> {
    Ok(vec![
        whole.clone(),
        whole.transpose(0, 2)?,
        whole.transpose(1, 2)?,
        whole.slice(1, 3..38)?,
        whole.slice(2, 1..2)?,
        whole.slice(0, 2..3)?.broadcast_to(&[5, 40, 150])?,
        whole.slice(2, 0..1)?.broadcast_to(&[3, 40, 200])?,
        whole.reshape(&[whole.count()])?,
        whole.slice(0, 0..0)?,
        whole.slice(0, 0..1)?.slice(1, 0..1)?.slice(2, 7..8)?,
    ])
}

fn operations_of_one_tensor_agree_with_loops() -> Result<()> {
    let mut sample = Sample::default();
    for &(name, operation, reference, (low, high)) in UNARY {
        for dtype in FLOATS {
            for view in layouts(&tensor(&between(low, high, 3 * 40 * 150), &[3, 40, 150], dtype)?)? {
                if !sample.takes() {
                    continue;
                }
                let result = operation(&view)?;
                assert_eq!((result.dtype(), result.shape()), (dtype, view.shape()), "{name}");
                let want: Vec<f64> = numbers(&view)?.into_iter().map(reference).collect();
                // Near a zero the argument's own rounding decides: 0.1 is the least magnitude.
                let magnitudes: Vec<f64> = want.iter().map(|want| want.abs().max(0.1)).collect();
                assert_near(&result, &want, &magnitudes, &format!("{name} of {view:?}"))?;
            }
        }
    }
    Ok(())
}

fn operations_of_two_tensors_broadcast_like_loops() -> Result<()> {
    let shapes: [(&[usize], &[usize]); 8] = [
        (&[5, 300], &[5, 300]),
        (&[5, 300], &[300]),
        (&[5, 1], &[300]),
        (&[], &[7, 3]),
        (&[4, 1, 5], &[3, 1]),
        (&[2, 1, 260], &[1, 3, 1]),
        (&[0, 3], &[3]),
        (&[1], &[1, 1, 1]),
    ];
    let mut sample = Sample::default();
    for &(name, operation, reference) in BINARY {
        for dtype in FLOATS {
            for (a_sizes, b_sizes) in shapes {
                if !sample.takes() {
                    continue;
                }
                let count = |sizes: &[usize]| sizes.iter().product::<usize>();
                let a = tensor(&between(0.5, 4.0, count(a_sizes)), a_sizes, dtype)?;
                let b = tensor(&between(0.5, 3.0, count(b_sizes)), b_sizes, dtype)?;
                let result = operation(&a, &b)?;
                let want = host(&a)?.zip(&host(&b)?, reference);
                assert_eq!((result.dtype(), result.shape().sizes()), (dtype, &want.sizes[..]), "{name}");
                let magnitudes: Vec<f64> = want.numbers.iter().map(|want| want.abs().max(0.1)).collect();
                let what = format!("{name} of {a:?} and {b:?}");
                assert_near(&result, &want.numbers, &magnitudes, &what)?;
            }
        }
    }
    Ok(())
}

fn strided_operands_agree_with_loops() -> Result<()> {
    for dtype in FLOATS {
        let a = tensor(&scattered(60 * 70), &[60, 70], dtype)?.transpose(0, 1)?.slice(0, 2..69)?;
        let b = tensor(&scattered(67 * 3), &[67, 3], dtype)?.slice(1, 1..2)?;
        let want = host(&a)?.zip(&host(&b)?, |a, b| a * b);
        assert_near(&a.mul(&b)?, &want.numbers, &want.numbers, &format!("{dtype}"))?;
        assert_near(&b.mul(&a)?, &want.numbers, &want.numbers, &format!("{dtype}"))?;
    }
    Ok(())
}

fn numbers_that_are_none_and_signed_zeros_follow_the_rules() -> Result<()> {
    let (nan, infinity) = (f64::NAN, f64::INFINITY);
    for dtype in FLOATS {
        let a = tensor(&[nan, 1.0, infinity, -infinity, 0.0, -0.0], &[6], dtype)?;
        let b = tensor(&[1.0, nan, -infinity, -infinity, -0.0, 0.0], &[6], dtype)?;
        let assert_bits = |got: Tensor, want: [f64; 6], what: &str| -> Result<()> {
            for (got, want) in numbers(&got)?.into_iter().zip(want) {
                assert!(got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(), "{dtype} {what}: {got}");
            }
            Ok(())
        };
        for ((got, rule), want) in
            [(a.maximum(&b)?, "max"), (a.minimum(&b)?, "min")].into_iter().zip([infinity, -infinity])
        {
            let got = numbers(&got)?;
            assert!(got[0].is_nan() && got[1].is_nan(), "{dtype} {rule} hides a NaN: {got:?}");
            assert_eq!((got[2], got[3], got[4]), (want, -infinity, 0.0));
        }
        assert_bits(a.less(&b)?, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], "less")?;
        assert_bits(a.equal(&b)?, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0], "equal")?;
        assert_bits(a.neg()?, [nan, -1.0, -infinity, infinity, -0.0, 0.0], "neg")?;
        assert_bits(a.abs()?, [nan, 1.0, infinity, infinity, 0.0, 0.0], "abs")?;
        assert_bits(a.exp()?, [nan, numbers(&a.exp()?)?[1], infinity, 0.0, 1.0, 1.0], "exp")?;
        assert_bits(b.recip()?, [1.0, nan, -0.0, -0.0, -infinity, infinity], "recip")?;
        assert_bits(a.sub(&a)?, [nan, 0.0, nan, nan, 0.0, 0.0], "sub")?;
    }
    Ok(())
}

fn whole_numbers_are_added_and_compared_exactly() -> Result<()> {
    for dtype in INTEGERS {
        let (a, b) = (tensor(&[100.0, 7.0, 0.0], &[3], dtype)?, tensor(&[27.0, 7.0, 200.0], &[3], dtype)?);
        assert_eq!(numbers(&a.add(&b)?)?, [127.0, 14.0, 200.0]);
        assert_eq!(numbers(&a.equal(&b)?)?, [0.0, 1.0, 0.0]);
        assert_eq!(numbers(&a.maximum(&b)?)?, [100.0, 7.0, 200.0]);
        assert_eq!(a.add(&b)?.dtype(), dtype);
    }
    // Numbers that f32 could not tell apart.
    let (a, b) = (tensor(&[16_777_217.0], &[1], DType::U32)?, tensor(&[16_777_216.0], &[1], DType::U32)?);
    assert_eq!(numbers(&a.equal(&b)?)?, [0.0]);
    assert_eq!(numbers(&a.add(&b)?)?, [33_554_433.0]);
    Ok(())
}

fn scaling_and_clamping_take_numbers_of_the_moment() -> Result<()> {
    for dtype in FLOATS {
        let x = tensor(&scattered(700), &[700], dtype)?;
        let given = numbers(&x)?;
        let scaled: Vec<f64> = given.iter().map(|x| x * 0.5 - 3.0).collect();
        assert_near(&x.scale_shift(0.5, -3.0)?, &scaled, &[4.0; 700], "scale_shift")?;
        let clamped: Vec<f64> = given.iter().map(|x| x.clamp(-0.5, 0.75)).collect();
        assert_eq!(numbers(&x.clamp(-0.5, 0.75)?)?, clamped);
    }
    Ok(())
}

formula! { fn swap(a, b) -> 2 = [b, a] }

fn an_update_writes_over_what_it_reads_and_over_nothing_else() -> Result<()> {
    let whole = Tensor::arange(6000, DType::F32, &device())?.reshape(&[2, 3000])?;
    let [a, b] = [whole.slice(0, 0..1)?, whole.slice(0, 1..2)?];
    Tensor::update(&swap, &[&a, &b], &[&a, &b], Seed::default())?;
    let want: Vec<f64> = (3000..6000).chain(0..3000).map(f64::from).collect();
    assert_eq!(numbers(&whole)?, want);
    Ok(())
}

fn an_update_whose_operands_overlap_is_refused_and_changes_nothing() -> Result<()> {
    let whole = Tensor::arange(6000, DType::F32, &device())?;
    let (before, other) = (numbers(&whole)?, Tensor::zeros(&[5999], DType::F32, &device())?);
    let [early, late] = [whole.slice(0, 0..5999)?, whole.slice(0, 1..6000)?];
    let square = whole.slice(0, 0..3600)?.reshape(&[60, 60])?;
    let turned = square.transpose(0, 1)?;
    let negate: &dyn rectify::formula::AnyFormula = &arithmetic::neg;
    let attempts = [
        ("late reads early", Tensor::update(negate, &[&early], &[&late], Seed::default())),
        ("turned reads square", Tensor::update(negate, &[&square], &[&turned], Seed::default())),
        ("two outputs meet", Tensor::update(&swap, &[&other, &other], &[&early, &late], Seed::default())),
        ("two outputs are one", Tensor::update(&swap, &[&other, &other], &[&early, &early], Seed::default())),
        ("one output twice turned", Tensor::update(&swap, &[&square, &square], &[&square, &turned], Seed::default())),
    ];
    for (what, attempt) in attempts {
        assert!(matches!(attempt, Err(Error::Argument { .. })), "{what}: {attempt:?}");
    }
    assert_eq!(numbers(&whole)?, before);
    Ok(())
}
