//! Products of matrices against three loops in f64.

use rectify::memory::Host as HostMemory;
use rectify::{DType, Device, Error, Result, Tensor};

use super::host::Host;
use super::{FLOATS, INTEGERS, assert_near, device, host, numbers, on_devices, scattered, tensor};

on_devices! {
    matrices_of_every_size_type_and_layout,
    large_products_cross_every_block,
    batches_broadcast_their_leading_axes,
    products_of_no_terms_are_zeros_and_of_no_rows_are_empty,
    numbers_that_are_none_reach_the_products_they_belong_to_and_no_others,
    sums_of_16_bit_products_are_rounded_once,
    a_product_is_added_in_place,
    a_product_never_writes_over_what_it_reads,
    factors_that_do_not_belong_together_are_refused,
}

/// The product of two arrays with as many leading axes, and of their magnitudes.
fn product(a: &Host, b: &Host) -> (Host, Host) {
    let (rank, inner) = (a.sizes.len(), a.sizes[a.sizes.len() - 1]);
    let batch: Vec<usize> =
        a.sizes.iter().zip(&b.sizes).take(rank - 2).map(|(&a, &b)| if a == 1 { b } else { a }).collect();
    let (a_full, b_full) = ([&batch[..], &a.sizes[rank - 2..]].concat(), [&batch[..], &b.sizes[rank - 2..]].concat());
    let (a, b) = (a.broadcast(&a_full), b.broadcast(&b_full));
    let sizes = [&batch[..], &[a.sizes[rank - 2], b.sizes[rank - 1]]].concat();
    let sum = |term: fn(f64) -> f64| {
        Host::from_fn(&sizes, |index| {
            let (batch, last) = index.split_at(index.len() - 2);
            let at = |array: &Host, last: [usize; 2]| array.at(&[batch, &last[..]].concat());
            (0..inner).map(|k| term(at(&a, [last[0], k]) * at(&b, [k, last[1]]))).sum()
        })
    };
    (sum(|x| x), sum(f64::abs))
}

fn check(a: &Tensor, b: &Tensor) -> Result<()> {
    let (want, magnitudes) = product(&host(a)?, &host(b)?);
    let got = a.matmul(b)?;
    assert_eq!((got.shape().sizes(), got.dtype()), (&want.sizes[..], a.dtype()));
    assert!(!got.shares_buffer(a) && !got.shares_buffer(b));
    // Roundings of a sum in sequence add up like steps to either side.
    let steps = (a.shape()[a.shape().rank() - 1] as f64).sqrt() / 5.0;
    let magnitudes: Vec<f64> = magnitudes.numbers.iter().map(|magnitude| magnitude * steps.max(1.0)).collect();
    assert_near(&got, &want.numbers, &magnitudes, &format!("{a:?} times {b:?}"))
}

/// The same matrix, lying row by row, column by column, within a wider one, and at every second place.
fn lying(rows: usize, columns: usize, dtype: DType, salt: usize) -> Result<Vec<Tensor>> {
    let fresh = |sizes: &[usize]| {
        let count = sizes.iter().product::<usize>();
        tensor(&scattered(count + salt)[salt..], sizes, dtype)
    };
    Ok(vec![
        fresh(&[rows, columns])?,
        fresh(&[columns, rows])?.transpose(0, 1)?,
        fresh(&[rows + 3, columns + 5])?.slice(0, 2..rows + 2)?.slice(1, 3..columns + 3)?,
        fresh(&[rows, columns, 2])?.slice(2, 1..2)?.squeeze(2)?,
    ])
}

fn matrices_of_every_size_type_and_layout() -> Result<()> {
    let sizes = [
        [1, 1, 1],
        [2, 3, 4],
        [17, 33, 9],
        [5, 300, 1],
        [1, 300, 5],
        [1, 70, 1],
        [64, 1, 48],
        [31, 64, 65],
        [130, 20, 3],
        [7, 5, 129],
    ];
    for [m, k, n] in sizes {
        for dtype in FLOATS {
            for a in lying(m, k, dtype, 1)? {
                for b in lying(k, n, dtype, 5)? {
                    check(&a, &b)?;
                }
            }
        }
    }
    Ok(())
}

fn large_products_cross_every_block() -> Result<()> {
    for (dtype, [m, k, n]) in [(DType::F32, [200, 610, 150]), (DType::F64, [150, 300, 90]), (DType::F16, [90, 520, 70])]
    {
        let a = tensor(&scattered(m * k), &[m, k], dtype)?;
        check(&a, &tensor(&scattered(k * n), &[k, n], dtype)?)?;
        check(&a, &tensor(&scattered(k * n), &[n, k], dtype)?.transpose(0, 1)?)?;
    }
    Ok(())
}

fn batches_broadcast_their_leading_axes() -> Result<()> {
    let shapes: [(&[usize], &[usize]); 7] = [
        (&[3, 4, 5], &[3, 5, 6]),
        (&[1, 4, 5], &[3, 5, 6]),
        (&[3, 4, 5], &[1, 5, 6]),
        (&[2, 1, 4, 5], &[1, 3, 5, 2]),
        (&[2, 3, 1, 5], &[2, 3, 5, 1]),
        (&[2, 1, 2, 1, 3, 4], &[1, 2, 1, 2, 4, 3]),
        (&[0, 4, 5], &[1, 5, 6]),
    ];
    for (a_sizes, b_sizes) in shapes {
        for dtype in FLOATS {
            let fresh = |sizes: &[usize]| tensor(&scattered(sizes.iter().product()), sizes, dtype);
            let (a, b) = (fresh(a_sizes)?, fresh(b_sizes)?);
            check(&a, &b)?;
            // The same through views: the last axes exchanged, and the leading one of size 1 repeated.
            let rank = a_sizes.len();
            let turned = a.transpose(rank - 2, rank - 1)?.contiguous()?.transpose(rank - 2, rank - 1)?;
            check(&turned, &b)?;
        }
    }
    let (a, b) = (tensor(&scattered(12), &[3, 4], DType::F32)?, tensor(&scattered(40), &[2, 4, 5], DType::F32)?);
    let (lifted, whole) = (a.unsqueeze(0)?, a.matmul(&b)?);
    assert_eq!(whole.shape().sizes(), [2, 3, 5]);
    assert_eq!(numbers(&whole)?, numbers(&lifted.matmul(&b)?)?);
    check(&lifted.broadcast_to(&[2, 3, 4])?, &b)
}

/// Frees memory full of NaN, so that the next tensor of this size starts with it.
fn soil(sizes: &[usize], dtype: DType) -> Result<()> {
    Tensor::full(sizes, f64::NAN, dtype, &device()).map(drop)
}

fn products_of_no_terms_are_zeros_and_of_no_rows_are_empty() -> Result<()> {
    for dtype in FLOATS {
        for [m, k, n] in [[5, 0, 3], [1, 0, 1], [70, 0, 90], [0, 4, 3], [4, 3, 0], [0, 0, 0], [0, 0, 3]] {
            let (a, b) = (Tensor::zeros(&[m, k], dtype, &device())?, Tensor::zeros(&[k, n], dtype, &device())?);
            soil(&[m, n], dtype)?;
            let got = a.matmul(&b)?;
            assert_eq!(got.shape().sizes(), [m, n]);
            assert_eq!(numbers(&got)?, vec![0.0; m * n], "{dtype} {m} {k} {n}");
            let turned = b.transpose(0, 1)?.matmul(&a.transpose(0, 1)?)?;
            assert_eq!(numbers(&turned)?, vec![0.0; m * n]);
        }
        let (a, b) = (Tensor::zeros(&[2, 3, 0], dtype, &device())?, Tensor::zeros(&[2, 0, 4], dtype, &device())?);
        soil(&[2, 3, 4], dtype)?;
        assert_eq!(numbers(&a.matmul(&b)?)?, [0.0; 24]);
        let sum = Tensor::full(&[3, 4], 7.0, dtype, &device())?;
        sum.add_matmul(&a.slice(0, 0..1)?.squeeze(0)?, &b.slice(0, 0..1)?.squeeze(0)?)?;
        assert_eq!(numbers(&sum)?, [7.0; 12]);
    }
    Ok(())
}

fn numbers_that_are_none_reach_the_products_they_belong_to_and_no_others() -> Result<()> {
    for dtype in FLOATS {
        let mut given = scattered(19 * 21);
        given[4 * 21 + 7] = f64::NAN;
        let a = tensor(&given, &[19, 21], dtype)?;
        // Zeros do not hide a NaN.
        let b = Tensor::zeros(&[21, 18], dtype, &device())?;
        let got = numbers(&a.matmul(&b)?)?;
        assert!(got.iter().enumerate().all(|(i, x)| x.is_nan() == (i / 18 == 4)), "{dtype}");
    }
    Ok(())
}

fn sums_of_16_bit_products_are_rounded_once() -> Result<()> {
    for dtype in [DType::F16, DType::Bf16] {
        let (row, column) =
            (Tensor::full(&[1, 4096], 1.0, dtype, &device())?, Tensor::full(&[4096, 1], 1.0, dtype, &device())?);
        assert_eq!(row.matmul(&column)?.item()?, 4096.0, "{dtype}");
        let wide = Tensor::full(&[4096, 40], 1.0, dtype, &device())?;
        assert_eq!(numbers(&row.matmul(&wide)?)?, [4096.0; 40], "{dtype}");
    }
    Ok(())
}

fn a_product_is_added_in_place() -> Result<()> {
    for dtype in FLOATS {
        let (a, b) = (tensor(&scattered(60), &[6, 10], dtype)?, tensor(&scattered(80), &[10, 8], dtype)?);
        let (want, magnitudes) = product(&host(&a)?, &host(&b)?);
        let sum = Tensor::full(&[6, 8], 2.0, dtype, &device())?;
        let view = sum.reshape(&[48])?;
        sum.add_matmul(&a, &b)?;
        let want: Vec<f64> = want.numbers.iter().map(|x| x + 2.0).collect();
        let magnitudes: Vec<f64> = magnitudes.numbers.iter().map(|x| x + 2.0).collect();
        assert_near(&view, &want, &magnitudes, "seen through a view")?;
    }
    Ok(())
}

fn a_product_never_writes_over_what_it_reads() -> Result<()> {
    let whole = Tensor::arange(300, DType::F32, &device())?;
    let square = |start: usize| whole.slice(0, start..start + 100)?.reshape(&[10, 10]);
    let (a, b, other) = (square(0)?, square(100)?, Tensor::zeros(&[10, 10], DType::F32, &device())?);
    let before = numbers(&whole)?;
    let attempts = [
        ("itself", a.add_matmul(&a, &other)),
        ("itself on the right", a.add_matmul(&other, &a)),
        ("itself twice", a.add_matmul(&a, &a)),
        ("a clone", a.add_matmul(&a.clone(), &other)),
        ("its transpose", a.add_matmul(&other, &a.transpose(0, 1)?)),
        ("a part of it", a.add_matmul(&square(50)?, &other)),
        ("its neighbour", a.add_matmul(&b, &other)),
        ("a row of it, repeated", a.add_matmul(&a.slice(0, 0..1)?.broadcast_to(&[10, 10])?, &other)),
    ];
    for (what, attempt) in attempts {
        let Err(Error::Argument { rule, .. }) = attempt else { panic!("{what}: {attempt:?}") };
        assert!(rule.contains("shares a buffer with a factor"), "{what}: {rule}");
    }
    let turned = other.transpose(0, 1)?;
    let repeated = Tensor::zeros(&[1, 10], DType::F32, &device())?.broadcast_to(&[10, 10])?;
    let gaps = Tensor::zeros(&[10, 20], DType::F32, &device())?.slice(1, 0..10)?;
    for target in [&turned, &repeated, &gaps, &other.reshape(&[100])?, &other.slice(0, 0..5)?] {
        assert!(matches!(target.add_matmul(&a, &b), Err(Error::Shape { .. })), "{target:?}");
    }
    assert_eq!(numbers(&whole)?, before);
    assert_eq!(numbers(&other)?, [0.0; 100]);
    // The factors may share a buffer with each other, and a product is always a tensor of its own.
    other.add_matmul(&a, &a.transpose(0, 1)?)?;
    assert_eq!(numbers(&other)?, numbers(&a.matmul(&a.transpose(0, 1)?)?)?);
    Ok(())
}

fn factors_that_do_not_belong_together_are_refused() -> Result<()> {
    let zeros = |sizes: &[usize], dtype| Tensor::zeros(sizes, dtype, &device());
    let f32s = zeros(&[3, 3], DType::F32)?;
    assert!(matches!(f32s.matmul(&zeros(&[3, 3], DType::F64)?), Err(Error::DType { .. })));
    for dtype in INTEGERS {
        assert!(matches!(zeros(&[3, 3], dtype)?.matmul(&zeros(&[3, 3], dtype)?), Err(Error::DType { .. })));
    }
    for sizes in [&[3][..], &[], &[4, 3], &[2, 4, 3]] {
        assert!(matches!(f32s.matmul(&zeros(sizes, DType::F32)?), Err(Error::Shape { .. })), "{sizes:?}");
    }
    let (two, three) = (zeros(&[2, 3, 3], DType::F32)?, zeros(&[3, 3, 3], DType::F32)?);
    assert!(matches!(two.matmul(&three), Err(Error::Shape { .. })));
    let elsewhere = Tensor::zeros(&[3, 3], DType::F32, &Device::cpu_from(HostMemory))?;
    assert!(matches!(f32s.matmul(&elsewhere), Err(Error::Argument { .. })));
    assert!(matches!(f32s.add_matmul(&elsewhere, &elsewhere), Err(Error::Argument { .. })));
    assert!(matches!(zeros(&[3, 3], DType::F64)?.add_matmul(&f32s, &f32s), Err(Error::DType { .. })));
    Ok(())
}
