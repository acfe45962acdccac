//! Conversions between all element types, against a rounding written from the definition of the formats.

use rectify::{DType, Result};

use super::{Sample, numbers, on_devices, tensor};

on_devices! {
    the_rounding_of_this_test_is_that_of_the_processor,
    every_type_converts_to_every_other,
    long_and_strided_tensors_convert_like_short_ones,
    a_cast_to_the_same_type_is_the_tensor_itself,
    whole_numbers_pass_through_f64_and_back,
}

/// The number of a floating point format that is nearest to `value`, ties to the even one: with `digits` binary digits,
/// no unit below 2^`least`, and infinity from half a unit beyond `largest` on.
fn nearest(value: f64, digits: i32, least: i32, largest: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let exponent = ((value.abs().to_bits() >> 52) as i32 - 1023).max(-1022);
    let unit = 2f64.powi((exponent - digits + 1).max(least));
    let rounded = (value / unit).round_ties_even() * unit;
    if rounded.abs() > largest { f64::INFINITY.copysign(value) } else { rounded }
}

/// `value` as documented for `Tensor::cast`: integers truncate towards zero and saturate, floating point rounds.
fn converted(value: f64, to: DType) -> f64 {
    let integer = |low: f64, high: f64| if value.is_nan() { 0.0 } else { value.trunc().clamp(low, high) + 0.0 };
    match to {
        DType::F64 => value,
        DType::F32 => nearest(value, 24, -149, f64::from(f32::MAX)),
        DType::F16 => nearest(value, 11, -24, 65504.0),
        DType::Bf16 => nearest(value, 8, -133, (2.0 - 2f64.powi(-7)) * 2f64.powi(127)),
        DType::U8 => integer(0.0, 255.0),
        DType::U32 => integer(0.0, 4_294_967_295.0),
        DType::I32 => integer(-2_147_483_648.0, 2_147_483_647.0),
        // The largest is 2^63 - 1, which is 2^63 as a floating point number.
        DType::I64 => integer(-(2f64.powi(63)), 2f64.powi(63)),
    }
}

/// Numbers at the edges of the types, halfway between neighbours, and on either side of halfway.
fn edges() -> Vec<f64> {
    let mut edges = vec![0.0, 0.4, 0.5, 0.999, 1.0, 1.5, 2.5, 7.0, 126.5, 127.0, 254.5, 255.0, 255.9, 256.0, 300.0];
    edges.extend([2049.0, 2050.0, 2051.0, 65504.0, 65519.9, 65520.0, 65536.0, 1e30, 3.39e38, 3.4e38, 3.5e38, 1e300]);
    for power in [31, 32, 53, 63, 64] {
        let power = 2f64.powi(power);
        edges.extend([power - 1.0, power, power + 1.0, power * (1.0 + f64::EPSILON)]);
    }
    edges.extend([f64::from(f32::MAX), f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY]);
    for digits in [7, 8, 10, 11, 23, 24] {
        let half = 2f64.powi(-digits);
        for odd in [1.0, 3.0, 5.0] {
            // Halfway for a format of `digits` digits, and nearer to one side by less than a wider format can see.
            edges.extend([1.0 + odd * half, 1.0 + odd * half + 2f64.powi(-45), 1.0 + odd * half - 2f64.powi(-45)]);
        }
    }
    for power in [-14, -15, -24, -25, -26, -126, -127, -133, -134, -149, -150, -151] {
        let unit = 2f64.powi(power);
        edges.extend([unit, 1.5 * unit, 3.0 * unit, unit * (1.0 + 2f64.powi(-30)), unit * (1.0 - 2f64.powi(-30))]);
    }
    let negative: Vec<f64> = edges.iter().map(|edge| -edge).collect();
    edges.extend(negative);
    edges.push(f64::NAN);
    edges
}

fn assert_same(got: &[f64], want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
        assert!(same, "{what}: element {i} is {got:e}, not {want:e}");
    }
}

fn the_rounding_of_this_test_is_that_of_the_processor() {
    for value in edges() {
        assert_same(&[converted(value, DType::F32)], &[f64::from(value as f32)], "f32");
    }
}

fn every_type_converts_to_every_other() -> Result<()> {
    let edges = edges();
    for from in DType::ALL {
        // What the source type makes of the edges, without the NaN that a signed zero of an integer would be.
        let given: Vec<f64> = edges.iter().map(|&edge| converted(edge, from)).collect();
        let source = tensor(&given, &[given.len()], from)?;
        assert_same(&numbers(&source)?, &given, &format!("{from} on the host"));
        for to in DType::ALL {
            let want: Vec<f64> = given.iter().map(|&value| converted(value, to)).collect();
            let cast = source.cast(to)?;
            assert_eq!(cast.dtype(), to);
            assert_same(&numbers(&cast)?, &want, &format!("{from} to {to}"));
        }
    }
    Ok(())
}

fn long_and_strided_tensors_convert_like_short_ones() -> Result<()> {
    let edges = edges();
    let (rows, columns) = (67, 300);
    let mut sample = Sample::default();
    let long: Vec<f64> = (0..rows * columns).map(|i| edges[i * 7 % edges.len()]).collect();
    for from in DType::ALL {
        let given: Vec<f64> = long.iter().map(|&value| converted(value, from)).collect();
        let source = tensor(&given, &[rows, columns], from)?;
        let turned = source.transpose(0, 1)?;
        let column = source.slice(1, 5..6)?.broadcast_to(&[rows, 200])?;
        for to in DType::ALL {
            if !sample.takes() {
                continue;
            }
            let want: Vec<f64> = given.iter().map(|&value| converted(value, to)).collect();
            let what = format!("{from} to {to}");
            assert_same(&numbers(&source.cast(to)?)?, &want, &what);
            let turned_want: Vec<f64> = (0..rows * columns).map(|i| want[i % rows * columns + i / rows]).collect();
            assert_same(&numbers(&turned.cast(to)?)?, &turned_want, &what);
            let column_want: Vec<f64> = (0..rows * 200).map(|i| want[i / 200 * columns + 5]).collect();
            assert_same(&numbers(&column.cast(to)?)?, &column_want, &what);
        }
    }
    Ok(())
}

fn a_cast_to_the_same_type_is_the_tensor_itself() -> Result<()> {
    for dtype in DType::ALL {
        let there = tensor(&[1.0, 2.0], &[2], dtype)?;
        assert!(there.cast(dtype)?.shares_buffer(&there));
        let other = if dtype == DType::F64 { DType::F32 } else { DType::F64 };
        assert!(!there.cast(other)?.shares_buffer(&there));
    }
    Ok(())
}

fn whole_numbers_pass_through_f64_and_back() -> Result<()> {
    for dtype in [DType::U8, DType::U32, DType::I32, DType::I64] {
        let given: Vec<f64> = (0..2000i64).map(|i| converted((i * i * 1_234_567) as f64 - 1e9, dtype)).collect();
        let there = tensor(&given, &[2000], dtype)?;
        assert_eq!(numbers(&there.cast(DType::F64)?.cast(dtype)?)?, given);
    }
    Ok(())
}
