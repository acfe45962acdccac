//! Softmax, its logarithm, and cross-entropy.

use rectify::{DType, Error, Result, Tensor};

use super::host::Host;
use super::{FLOATS, INTEGERS, assert_near, device, fresh, host, numbers, on_devices, scattered, settled, tensor};

on_devices! {
    rows_of_every_length_and_layout,
    large_logits_do_not_overflow,
    a_single_column_is_certain,
    impossible_columns_have_no_share_and_impossible_rows_no_answer,
    nothing_has_a_softmax_of_nothing,
    cross_entropy_and_its_gradient_agree_with_loops,
    every_second_label_is_a_label,
    a_label_that_is_no_class_is_named_with_its_position,
    no_rows_have_no_losses,
}

const INFINITY: f64 = f64::INFINITY;

/// The logarithm of softmax of every row.
fn log_softmax(logits: &Host) -> Vec<f64> {
    let columns = *logits.sizes.last().unwrap();
    let mut results = Vec::new();
    for row in logits.numbers.chunks(columns.max(1)) {
        let max = row.iter().copied().fold(-INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - max).exp()).sum();
        results.extend(row.iter().map(|x| x - max - sum.ln()));
    }
    results
}

fn check(logits: &Tensor) -> Result<()> {
    let what = format!("{logits:?}");
    let log = log_softmax(&host(logits)?);
    let plain: Vec<f64> = log.iter().map(|x| x.exp()).collect();
    let softmax = logits.softmax()?;
    assert_eq!((softmax.shape(), softmax.dtype()), (logits.shape(), logits.dtype()));
    // The logits' own size decides how exactly a difference of two can be known.
    let largest = numbers(logits)?.iter().fold(4.0, |most: f64, x| most.max(if x.is_finite() { x.abs() } else { 0.0 }));
    assert_near(&softmax, &plain, &plain.iter().map(|x| 8.0 * x.max(1e-3)).collect::<Vec<_>>(), &what)?;
    assert_near(&logits.log_softmax()?, &log, &vec![2.0 * largest; log.len()], &what)
}

fn rows_of_every_length_and_layout() -> Result<()> {
    for dtype in FLOATS {
        for columns in [1, 2, 3, 7, 8, 9, 10, 16, 33, 100, 1000] {
            let rows = 3 + 3000 / columns % 40;
            let whole = tensor(&scattered(rows * columns), &[rows, columns], dtype)?;
            check(&whole)?;
            check(&tensor(&scattered(rows * columns), &[columns, rows], dtype)?.transpose(0, 1)?)?;
            check(&tensor(&scattered(rows * (columns + 4)), &[rows, columns + 4], dtype)?.slice(1, 2..columns + 2)?)?;
            check(&whole.slice(0, 1..2)?.broadcast_to(&[5, columns])?)?;
            check(&whole.unsqueeze(0)?.unsqueeze(0)?)?;
            check(&whole.slice(0, 0..1)?.squeeze(0)?)?;
        }
    }
    Ok(())
}

fn large_logits_do_not_overflow() -> Result<()> {
    for dtype in FLOATS {
        let rows = [1e4, 1e4 - 8.0, -1e4, 0.0, -1e4, -1e4 + 8.0, 1e4, 1e4];
        let logits = tensor(&rows, &[2, 4], dtype)?;
        let softmax = numbers(&logits.softmax()?)?;
        assert_eq!(softmax[2..6], [0.0; 4]);
        assert_eq!(softmax[6..], [0.5, 0.5]);
        check(&logits)?;
        let log = numbers(&logits.log_softmax()?)?;
        assert!(log.iter().all(|x| x.is_finite()), "{dtype} {log:?}");
    }
    Ok(())
}

fn a_single_column_is_certain() -> Result<()> {
    for dtype in FLOATS {
        let logits = tensor(&scattered(50), &[50, 1], dtype)?;
        assert_eq!(numbers(&logits.softmax()?)?, [1.0; 50]);
        assert_eq!(numbers(&logits.log_softmax()?)?, [0.0; 50]);
    }
    Ok(())
}

fn impossible_columns_have_no_share_and_impossible_rows_no_answer() -> Result<()> {
    for dtype in FLOATS {
        for (rows, columns) in [(5, 3), (40, 10), (3, 200)] {
            let mut given = scattered(rows * columns);
            given[columns..2 * columns].fill(-INFINITY);
            given[2 * columns] = -INFINITY;
            let logits = tensor(&given, &[rows, columns], dtype)?;
            for (result, share) in [(logits.softmax()?, 0.0), (logits.log_softmax()?, -INFINITY)] {
                let result = numbers(&result)?;
                assert!(result[columns..2 * columns].iter().all(|x| x.is_nan()), "{dtype}: 0 / 0 has no value");
                assert_eq!(result[2 * columns], share);
                let others = result[..columns].iter().chain(&result[2 * columns + 1..]);
                assert!(others.into_iter().all(|x| x.is_finite()), "{dtype}: no row may touch another");
            }
        }
    }
    Ok(())
}

fn nothing_has_a_softmax_of_nothing() -> Result<()> {
    for sizes in [&[0, 5][..], &[5, 0], &[0, 0], &[2, 0, 3]] {
        let none = Tensor::zeros(sizes, DType::F32, &device())?;
        for result in [none.softmax()?, none.log_softmax()?] {
            assert_eq!((result.shape(), result.count()), (none.shape(), 0));
        }
    }
    let scalar = Tensor::zeros(&[], DType::F32, &device())?;
    assert!(matches!(scalar.softmax(), Err(Error::Shape { .. })));
    assert!(matches!(Tensor::zeros(&[2], DType::I64, &device())?.log_softmax(), Err(Error::DType { .. })));
    Ok(())
}

fn cross_entropy_and_its_gradient_agree_with_loops() -> Result<()> {
    for dtype in FLOATS {
        for (rows, classes) in [(1, 1), (4, 2), (37, 10), (130, 33), (5, 1000)] {
            let given = scattered(rows * classes);
            let labels: Vec<f64> = (0..rows).map(|row| (row * 7 % classes % 256) as f64).collect();
            let whole = tensor(&given, &[rows, classes], dtype)?;
            let turned = whole.transpose(0, 1)?.contiguous()?.transpose(0, 1)?;
            let log = log_softmax(&host(&whole)?);
            let scale = 1.0 / rows as f64;
            let want: Vec<f64> = (0..rows).map(|row| -log[row * classes + labels[row] as usize]).collect();
            let slope: Vec<f64> = (0..rows * classes)
                .map(|i| (log[i].exp() - f64::from(u8::from(labels[i / classes] == (i % classes) as f64))) * scale)
                .collect();
            for (logits, label_type) in [&whole, &turned].into_iter().cycle().zip(INTEGERS) {
                let labels = tensor(&labels, &[rows], label_type)?;
                let what = format!("{logits:?} {label_type}");
                let (losses, gradient) = logits.cross_entropy(&labels, Some(scale))?;
                assert_near(&losses, &want, &vec![8.0; rows], &what)?;
                let gradient = gradient.expect("a gradient was asked for");
                assert_eq!(gradient.shape(), logits.shape());
                assert_near(&gradient, &slope, &vec![4.0 * scale; rows * classes], &what)?;
                let (again, none) = logits.cross_entropy(&labels, None)?;
                assert!(none.is_none());
                assert_eq!(numbers(&again)?, numbers(&losses)?, "{what}");
            }
        }
    }
    Ok(())
}

fn every_second_label_is_a_label() -> Result<()> {
    let logits = tensor(&scattered(30), &[3, 10], DType::F32)?;
    let labels = tensor(&[3.0, 99.0, 0.0, 99.0, 9.0, 99.0], &[3, 2], DType::U8)?.slice(1, 0..1)?.squeeze(1)?;
    let dense = tensor(&[3.0, 0.0, 9.0], &[3], DType::I64)?;
    let losses = |labels| numbers(&logits.cross_entropy(labels, None)?.0);
    assert_eq!(losses(&labels)?, losses(&dense)?);
    Ok(())
}

fn a_label_that_is_no_class_is_named_with_its_position() -> Result<()> {
    let device = fresh();
    let logits = Tensor::zeros(&[4, 10], DType::F32, &device)?;
    let live = device.ledger().live_bytes();
    for (label, position) in [(10, 3), (-1, 0), (i64::MAX, 2), (i64::MIN, 1), (1 << 32, 1)] {
        let mut labels = [5; 4];
        labels[position] = label;
        let labels = Tensor::from_slice(&labels, &[4], &device)?;
        let Err(Error::Argument { operation, rule, .. }) = settled(logits.cross_entropy(&labels, Some(1.0))) else {
            panic!("{label} was taken for a class");
        };
        assert_eq!(operation, "cross_entropy");
        assert_eq!(rule, format!("label {label} at position {position} is out of range: there are 10 classes"));
    }
    assert_eq!(device.ledger().live_bytes(), live, "a refused call leaves nothing alive");
    Ok(())
}

fn no_rows_have_no_losses() -> Result<()> {
    let labels = tensor(&[], &[0], DType::I64)?;
    for classes in [0, 10] {
        let (losses, gradient) =
            Tensor::zeros(&[0, classes], DType::F32, &device())?.cross_entropy(&labels, Some(1.0))?;
        assert_eq!((losses.count(), gradient.map(|gradient| gradient.count())), (0, Some(0)));
    }
    let none = Tensor::zeros(&[2, 0], DType::F32, &device())?;
    let losses = none.cross_entropy(&tensor(&[0.0, 0.0], &[2], DType::I64)?, None);
    let error = settled(losses).unwrap_err().to_string();
    assert_eq!(error, "cross_entropy: label 0 at position 0 is out of range: there are 0 classes");
    Ok(())
}
