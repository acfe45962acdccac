//! Reductions over every kind of axis, against loops in f64.

use rectify::{DType, Result, Tensor};

use crate::devices::on_cuda;
use crate::{FLOATS, Pair, numbers};

type Operation = (&'static str, fn(&Tensor, &[usize]) -> Result<Tensor>);

const OPERATIONS: [Operation; 5] = [
    ("sum", |x, axes| x.sum(axes)),
    ("max", |x, axes| x.max(axes)),
    ("min", |x, axes| x.min(axes)),
    ("mean", |x, axes| x.mean(axes)),
    ("variance", |x, axes| x.variance(axes, 0)),
];

/// Shapes and the axes that go: all, rows, columns, between others, and several; no axes stand for all.
const SHAPES: [(&[usize], &[usize]); 16] = [
    (&[1], &[]),
    (&[7], &[]),
    (&[1000], &[0]),
    (&[70_001], &[]),
    (&[7, 1000], &[1]),
    (&[1000, 7], &[1]),
    (&[3, 23_333], &[1]),
    (&[7, 1000], &[0]),
    (&[1000, 7], &[0]),
    (&[23_333, 3], &[0]),
    (&[5, 37, 11], &[1]),
    (&[2, 4001, 3], &[1]),
    (&[5, 37, 11], &[0, 2]),
    (&[5, 37, 11], &[]),
    (&[3, 5, 7, 9], &[1, 2]),
    (&[3, 5, 7, 9], &[0, 3]),
];

/// How far a result may be from the exact one, relative to the magnitudes that went into it: as for every tensor.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-14,
        DType::F32 => 5e-7,
        DType::F16 => 6e-4,
        _ => 5e-3,
    }
}

/// Numbers from 1 to 5 without a pattern that a wrong stride would repeat.
fn scattered(count: usize) -> Vec<f64> {
    (0..count).map(|i| ((i * 2_654_435_761) % 4093) as f64 / 1023.0 + 1.0).collect()
}

/// The elements that come together in each result.
fn groups(tensor: &Tensor, axes: &[usize]) -> Result<Vec<Vec<f64>>> {
    let sizes = tensor.shape().sizes();
    let goes = |axis: usize| axes.is_empty() || axes.contains(&axis);
    let kept: usize = (0..sizes.len()).filter(|&axis| !goes(axis)).map(|axis| sizes[axis]).product();
    let mut groups = vec![Vec::new(); kept];
    for (element, number) in numbers(tensor)?.into_iter().enumerate() {
        let (mut rest, mut place, mut stride) = (element, 0, 1);
        for axis in (0..sizes.len()).rev() {
            if !goes(axis) {
                place += rest % sizes[axis] * stride;
                stride *= sizes[axis];
            }
            rest /= sizes[axis];
        }
        groups[place].push(number);
    }
    Ok(groups)
}

/// What an operation makes of a group, and the magnitude that went into it.
fn exact(operation: &str, group: &[f64]) -> (f64, f64) {
    let (count, sum) = (group.len() as f64, group.iter().sum::<f64>());
    let mean = sum / count;
    match operation {
        "sum" => (sum, sum),
        "max" => (group.iter().copied().fold(f64::NEG_INFINITY, f64::max), 0.0),
        "min" => (group.iter().copied().fold(f64::INFINITY, f64::min), 0.0),
        "mean" => (mean, 5.0),
        _ => (group.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count, 5.0),
    }
}

fn check(cases: &[(Pair, &[usize])], dtype: DType) -> Result<()> {
    let mut launched = Vec::new();
    for (pair, axes) in cases {
        for (name, operation) in OPERATIONS {
            launched.push((pair, axes, name, operation(&pair.device, axes)?));
        }
    }
    for (pair, axes, name, result) in launched {
        let (results, groups) = (numbers(&result)?, groups(&pair.host, axes)?);
        assert_eq!(results.len(), groups.len());
        for (result, group) in results.into_iter().zip(groups) {
            let (want, magnitude) = exact(name, &group);
            let near = result == want || (result - want).abs() <= tolerance(dtype) * magnitude;
            // The sum of 70,001 numbers is no f16.
            let beyond = dtype == DType::F16 && want > 65504.0 && result == f64::INFINITY;
            assert!(near || beyond, "{name} of {:?} along {axes:?}: {result}, not {want}", pair.host);
        }
    }
    Ok(())
}

#[test]
fn along_every_kind_of_axis() -> Result<()> {
    on_cuda(|| {
        for dtype in FLOATS {
            let pair = |sizes: &[usize]| Pair::new(&scattered(sizes.iter().product()), sizes, dtype);
            let cases = SHAPES.map(|(sizes, axes)| Ok((pair(sizes)?, axes)));
            check(&cases.into_iter().collect::<Result<Vec<_>>>()?, dtype)?;
        }
        Ok(())
    })
}

#[test]
fn of_views_with_three_axes() -> Result<()> {
    on_cuda(|| {
        for dtype in FLOATS {
            let base = Pair::new(&scattered(37 * 22 * 15), &[37, 22, 15], dtype)?;
            let mut cases = Vec::new();
            for axes in [&[][..], &[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2]] {
                cases.push((base.view(|base| base.transpose(0, 2)?.slice(1, 3..20))?, axes));
                cases.push((base.view(|base| base.slice(2, 1..2)?.broadcast_to(&[37, 22, 9]))?, axes));
            }
            check(&cases, dtype)?;
        }
        Ok(())
    })
}
