//! Sums, extremes, means and variances over any axes, and the place of the largest.

use rectify::{DType, Device, Error, Result, Tensor};

use super::host::{index_of, with};
use super::{FLOATS, INTEGERS, assert_near, device, host, numbers, on_devices, scattered, tensor};

on_devices! {
    whole_numbers_are_summed_exactly_over_any_axes,
    means_and_variances_over_any_axes_agree_with_loops,
    long_sums_do_not_drift,
    sums_of_16_bit_numbers_accumulate_in_f32,
    no_elements_have_a_sum_of_0_and_extremes_beyond_all_numbers,
    a_scalar_is_reduced_to_itself,
    a_number_that_is_none_shows_in_every_reduction_of_it,
    a_variance_needs_more_elements_than_its_correction,
    the_variance_of_large_numbers_keeps_its_digits,
    the_largest_is_found_along_every_axis,
    ties_zeros_and_numbers_that_are_none_in_argmax,
    argmax_of_nothing_is_an_error_and_of_no_rows_is_nothing,
    a_sum_down_to_a_shape_undoes_a_broadcast,
}

const INFINITY: f64 = f64::INFINITY;

/// Every choice of axes; the empty one stands for all.
fn choices(rank: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..1usize << rank).map(move |mask| (0..rank).filter(|axis| mask >> axis & 1 == 1).collect())
}

fn whole_numbers_are_summed_exactly_over_any_axes() -> Result<()> {
    let sizes = [3, 5, 130, 2];
    let whole: Vec<f64> = (0..3900).map(|i| ((i * 7919) % 1000) as f64 - 300.0).collect();
    for dtype in [DType::F64, DType::F32, DType::I32, DType::I64] {
        let base = tensor(&whole, &sizes, dtype)?;
        let views = [base.clone(), base.transpose(1, 3)?, base.slice(2, 1..128)?, base.slice(3, 1..2)?];
        for view in views {
            let array = host(&view)?;
            for axes in choices(4) {
                let what = format!("{view:?} {axes:?}");
                assert_eq!(host(&view.sum(&axes)?)?, array.fold(&axes, 0.0, |a, b| a + b), "{what}");
                assert_eq!(host(&view.max(&axes)?)?, array.fold(&axes, -INFINITY, f64::max), "{what}");
                assert_eq!(host(&view.min(&axes)?)?, array.fold(&axes, INFINITY, f64::min), "{what}");
            }
        }
    }
    Ok(())
}

fn means_and_variances_over_any_axes_agree_with_loops() -> Result<()> {
    let sizes = [4, 30, 7];
    for dtype in FLOATS {
        let base = tensor(&scattered(840).iter().map(|x| 3.0 + x).collect::<Vec<_>>(), &sizes, dtype)?;
        for view in [base.clone(), base.transpose(0, 2)?, base.slice(1, 3..28)?] {
            let array = host(&view)?;
            for axes in choices(3) {
                let groups = array.fold(&axes, 0.0, |count, _| count + 1.0);
                let count = groups.numbers[0];
                let mean = array.fold(&axes, 0.0, |sum, x| sum + x / count);
                let what = format!("{view:?} {axes:?}");
                let scale: Vec<f64> = mean.numbers.iter().map(|_| 5.0).collect();
                assert_near(&view.mean(&axes)?, &mean.numbers, &scale, &what)?;
                // The mean beside every element it was taken of.
                let kept: Vec<usize> = (0..3)
                    .map(|axis| if axes.is_empty() || axes.contains(&axis) { 1 } else { array.sizes[axis] })
                    .collect();
                let squares = array.zip(&mean.reshape(&kept), |x, mean| (x - mean) * (x - mean));
                for correction in [0, 1] {
                    let freedom = count - correction as f64;
                    let want = squares.fold(&axes, 0.0, |sum, square| sum + square / freedom);
                    // The mean of a 16-bit tensor is rounded before it is subtracted.
                    let scale: Vec<f64> = want.numbers.iter().map(|_| 5.0).collect();
                    assert_near(&view.variance(&axes, correction)?, &want.numbers, &scale, &what)?;
                }
            }
        }
    }
    Ok(())
}

fn long_sums_do_not_drift() -> Result<()> {
    // 0.1 is not representable: a sum in sequence would lose four digits in f32.
    let x = Tensor::full(&[1 << 20], 0.1, DType::F32, &device())?;
    let exact = f64::from(0.1f32) * f64::from(1 << 20);
    assert!((x.sum(&[])?.item()? - exact).abs() < 1e-6 * exact);
    let columns = x.reshape(&[1 << 18, 4])?.sum(&[0])?;
    assert_near(&columns, &[exact / 4.0; 4], &[4.0 * exact; 4], "columns")
}

fn sums_of_16_bit_numbers_accumulate_in_f32() -> Result<()> {
    for dtype in [DType::F16, DType::Bf16] {
        let ones = Tensor::full(&[4096], 1.0, dtype, &device())?;
        assert_eq!(ones.sum(&[])?.item()?, 4096.0, "{dtype}");
        assert_eq!(numbers(&ones.reshape(&[64, 64])?.sum(&[0])?)?, [64.0; 64], "{dtype}");
        assert_eq!(numbers(&ones.reshape(&[2048, 2])?.sum(&[0])?)?, [2048.0; 2], "{dtype}");
        // The sum is beyond the largest f16, the mean is not.
        let many = Tensor::full(&[300, 400], 2.0, dtype, &device())?;
        assert_eq!(many.mean(&[])?.item()?, 2.0, "{dtype}");
        assert_eq!(many.variance(&[], 0)?.item()?, 0.0, "{dtype}");
    }
    let many = Tensor::full(&[300, 400], 2.0, DType::F16, &device())?;
    assert_eq!(many.sum(&[])?.item()?, INFINITY, "240,000 is no f16");
    Ok(())
}

fn no_elements_have_a_sum_of_0_and_extremes_beyond_all_numbers() -> Result<()> {
    for dtype in FLOATS {
        for (sizes, axes, kept) in [
            (&[0, 3][..], &[0][..], 3),
            (&[0, 3], &[], 1),
            (&[3, 0], &[], 1),
            (&[2, 0, 3], &[1], 6),
            (&[2, 0, 3], &[0, 1], 3),
            (&[0], &[0], 1),
            (&[0, 3], &[1], 0),
            (&[3, 0], &[0], 0),
        ] {
            let empty = Tensor::zeros(sizes, dtype, &device())?;
            let what = format!("{dtype} {sizes:?} {axes:?}");
            assert_eq!(numbers(&empty.sum(axes)?)?, vec![0.0; kept], "{what}");
            assert_eq!(numbers(&empty.max(axes)?)?, vec![-INFINITY; kept], "{what}");
            assert_eq!(numbers(&empty.min(axes)?)?, vec![INFINITY; kept], "{what}");
            let mean = numbers(&empty.mean(axes)?)?;
            assert!(mean.len() == kept && mean.iter().all(|mean| mean.is_nan()), "{what}: {mean:?}");
            // Where there is a result, there is nothing to take it from.
            let variance = empty.variance(axes, 0);
            let agrees = if kept > 0 { variance.is_err() } else { variance.is_ok_and(|none| none.count() == 0) };
            assert!(agrees, "{what}");
        }
    }
    Ok(())
}

fn a_scalar_is_reduced_to_itself() -> Result<()> {
    for dtype in FLOATS {
        let x = tensor(&[3.0], &[], dtype)?;
        for reduced in [x.sum(&[])?, x.mean(&[])?, x.max(&[])?, x.min(&[])?] {
            assert_eq!((reduced.shape().rank(), reduced.item()?), (0, 3.0));
        }
        assert_eq!(x.variance(&[], 0)?.item()?, 0.0);
    }
    Ok(())
}

fn a_number_that_is_none_shows_in_every_reduction_of_it() -> Result<()> {
    for dtype in FLOATS {
        for place in [0, 1, 63, 64, 200, 299] {
            let mut rows = scattered(900);
            rows[300 + place] = f64::NAN;
            let x = tensor(&rows, &[3, 300], dtype)?;
            for reduced in [x.sum(&[1])?, x.max(&[1])?, x.min(&[1])?, x.mean(&[1])?, x.variance(&[1], 1)?] {
                let nan: Vec<bool> = numbers(&reduced)?.into_iter().map(f64::is_nan).collect();
                assert_eq!(nan, [false, true, false], "{dtype} {place}");
            }
            let columns = numbers(&x.max(&[0])?)?;
            assert!(columns.iter().enumerate().all(|(i, x)| x.is_nan() == (i == place)), "{dtype} {place}");
        }
    }
    Ok(())
}

fn a_variance_needs_more_elements_than_its_correction() -> Result<()> {
    let x = tensor(&[5.0, 7.0], &[2, 1], DType::F32)?;
    assert_eq!(numbers(&x.variance(&[0], 1)?)?, [2.0]);
    assert_eq!(numbers(&x.variance(&[0], 0)?)?, [1.0]);
    assert_eq!(numbers(&x.variance(&[1], 0)?)?, [0.0, 0.0]);
    for (axes, correction) in [(&[0][..], 2), (&[1], 1), (&[], 2), (&[], usize::MAX)] {
        assert!(matches!(x.variance(axes, correction), Err(Error::Shape { .. })), "{axes:?} {correction}");
    }
    Ok(())
}

fn the_variance_of_large_numbers_keeps_its_digits() -> Result<()> {
    // In one pass, the difference of two sums of squares near 1e12 would leave nothing of it.
    let x = tensor(&[1e6, 1e6 + 1.0, 1e6 + 2.0], &[3], DType::F32)?;
    assert_eq!(x.variance(&[], 1)?.item()?, 1.0);
    Ok(())
}

fn the_largest_is_found_along_every_axis() -> Result<()> {
    // Whole numbers from a few, so that most rows have ties: the first counts.
    let sizes = [3, 70, 5];
    let few: Vec<f64> = (0..1050).map(|i| ((i * 7919) % 11) as f64).collect();
    for dtype in DType::ALL {
        let base = tensor(&few, &sizes, dtype)?;
        for view in [base.clone(), base.transpose(0, 2)?, base.slice(1, 5..68)?] {
            let array = host(&view)?;
            for axis in 0..3 {
                let got = view.argmax(axis)?;
                assert_eq!(got.dtype(), DType::I64);
                let want = array.fold(&[axis], 0.0, |a, _| a);
                for (place, first) in got.to_vec::<i64>()?.into_iter().enumerate() {
                    let mut index = index_of(&want.sizes, place);
                    index.insert(axis, 0);
                    let row = (0..array.sizes[axis]).map(|i| array.at(&with(&index, axis, i)));
                    let row: Vec<f64> = row.collect();
                    let largest = row.iter().copied().fold(-INFINITY, f64::max);
                    assert_eq!(Some(first as usize), row.iter().position(|&x| x == largest), "{view:?} {axis}");
                }
            }
        }
    }
    Ok(())
}

fn ties_zeros_and_numbers_that_are_none_in_argmax() -> Result<()> {
    let nan = f64::NAN;
    let rows = [
        ([1.0, 3.0, 3.0, 2.0], 1),
        ([-0.0, 0.0, 0.0, -0.0], 0),
        ([-INFINITY; 4], 0),
        ([1.0, nan, INFINITY, nan], 1),
        ([nan, nan, nan, nan], 0),
        ([-INFINITY, -5.0, -INFINITY, -5.0], 1),
    ];
    for dtype in FLOATS {
        for (row, place) in rows {
            assert_eq!(tensor(&row, &[4], dtype)?.argmax(0)?.item()?, place as f64, "{dtype} {row:?}");
        }
    }
    // Whole numbers are compared as they are, not as the nearest f64.
    let large = Tensor::from_slice(&[1i64 << 53, (1 << 53) + 1], &[2], &device())?;
    assert_eq!(large.argmax(0)?.item()?, 1.0);
    for dtype in INTEGERS {
        assert_eq!(tensor(&[0.0, 9.0, 9.0], &[3], dtype)?.argmax(0)?.item()?, 1.0);
    }
    Ok(())
}

fn argmax_of_nothing_is_an_error_and_of_no_rows_is_nothing() -> Result<()> {
    let none = Tensor::zeros(&[0, 3], DType::F32, &device())?;
    assert_eq!(none.argmax(1)?.to_vec::<i64>()?, [0i64; 0]);
    assert!(matches!(none.argmax(0), Err(Error::Shape { .. })));
    Ok(())
}

fn a_sum_down_to_a_shape_undoes_a_broadcast() -> Result<()> {
    let x = tensor(&(0..60).map(f64::from).collect::<Vec<_>>(), &[3, 4, 5], DType::F32)?;
    let array = host(&x)?;
    for (sizes, axes) in [(&[4, 1][..], &[0, 2][..]), (&[5], &[0, 1]), (&[3, 1, 5], &[1]), (&[], &[]), (&[1, 1], &[])] {
        let got = x.sum_to(&rectify::Shape::new(sizes)?)?;
        assert_eq!(got.shape().sizes(), sizes);
        assert_eq!(numbers(&got)?, array.fold(axes, 0.0, |a, b| a + b).numbers, "{sizes:?}");
    }
    assert!(x.sum_to(x.shape())?.shares_buffer(&x));
    assert!(x.sum_to(&rectify::Shape::new(&[4, 4])?).is_err());
    Ok(())
}

type Reduce = fn(&Tensor, &[usize]) -> Result<Tensor>;

/// Rows one behind the other take a path of their own, as do a few columns: the bits are those of rows with gaps between, and of
/// columns that lie apart.
#[test]
fn the_cpu_reduces_rows_to_the_same_bits_however_they_lie() -> Result<()> {
    let cpu = Device::cpu();
    for (rows, columns) in
        [(1, 1), (37, 2), (5, 7), (128, 10), (3, 16), (130, 17), (9, 33), (70, 100), (4, 129), (66, 1000)]
    {
        let value = |row: usize, column: usize| match (7 * row + 5 * column) % 41 {
            0 => -0.0,
            1 => 0.0,
            2 if row.is_multiple_of(3) => f64::NAN,
            other => (other as f64 - 20.0) * 0.37 + (row * column) as f64 * 1e-3,
        };
        let place = |wide: usize, turned: bool| -> Vec<f64> {
            let places = (0..rows * wide).map(|i| if turned { (i % rows, i / rows) } else { (i / wide, i % wide) });
            places.map(|(row, column)| value(row, column)).collect()
        };
        for dtype in [DType::F32, DType::F64] {
            let made =
                |sizes: [usize; 2], wide, turned| Tensor::from_slice(&place(wide, turned), &sizes, &cpu)?.cast(dtype);
            let flat = made([rows, columns], columns, false)?;
            let gaps = made([rows, columns + 3], columns + 3, false)?.slice(1, 0..columns)?;
            let turned = made([columns, rows], columns, true)?.transpose(0, 1)?;
            let reductions: [(_, Reduce); 5] = [
                ("sum", Tensor::sum),
                ("mean", Tensor::mean),
                ("max", Tensor::max),
                ("min", Tensor::min),
                ("variance", |x, axes| x.variance(axes, 0)),
            ];
            for (name, reduce) in reductions {
                for axis in [0, 1] {
                    let bits = |x: &Tensor| -> Result<Vec<_>> {
                        let results = reduce(x, &[axis])?.cast(DType::F64)?.to_vec::<f64>()?;
                        Ok(results.into_iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() + 1 }).collect())
                    };
                    let want = bits(&flat)?;
                    let which = format!("{name} over axis {axis} of {rows}x{columns}, {dtype}");
                    assert_eq!(bits(&gaps)?, want, "{which}, gaps");
                    assert_eq!(bits(&turned)?, want, "{which}, turned");
                }
            }
        }
    }
    Ok(())
}
