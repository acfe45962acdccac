//! Softmax, cross-entropy, reductions, and a matrix copied as its transpose.

use rectify::{Result, Tensor};

use super::{Workload, gives, labels, values};

/// `[rows, columns]`: a classifier's logits, and a vocabulary's.
const SHAPES: [[usize; 2]; 3] = [[128, 10], [4096, 1000], [256, 32_000]];

pub fn all() -> Vec<Workload> {
    let of_rows = SHAPES.iter().flat_map(|&shape| {
        [
            one("rows/softmax", shape, Tensor::softmax),
            cross_entropy(shape),
            cross_entropy_gradient(shape),
            one("reduce/sum", shape, |x| x.sum(&[])),
            one("reduce/sum_rows", shape, |x| x.sum(&[1])),
            one("reduce/sum_columns", shape, |x| x.sum(&[0])),
            one("reduce/max_rows", shape, |x| x.max(&[1])),
            one("reduce/argmax_rows", shape, |x| x.argmax(1)),
            one("reduce/mean_rows", shape, |x| x.mean(&[1])),
            one("reduce/variance_rows", shape, |x| x.variance(&[1], 1)),
        ]
    });
    let transposes = [[1024, 1024], [4096, 4096]];
    of_rows.chain(transposes.map(|shape| one("rows/transpose", shape, |x| x.transpose(0, 1)?.copy()))).collect()
}

/// An operation on one matrix.
fn one(what: &str, [rows, columns]: [usize; 2], run: fn(&Tensor) -> Result<Tensor>) -> Workload {
    Workload::new(format!("{what}/{rows}x{columns}"), move || {
        let x = values(&[rows, columns], 1)?;
        gives(move || Ok([run(&x)?]))
    })
}

/// The mean loss.
fn cross_entropy([rows, columns]: [usize; 2]) -> Workload {
    Workload::new(format!("rows/cross_entropy/{rows}x{columns}"), move || {
        let (x, labels) = (values(&[rows, columns], 1)?, labels(rows, columns)?);
        gives(move || Ok([x.cross_entropy(&labels, None)?.0.mean(&[])?]))
    })
}

/// The mean loss and its gradient together.
fn cross_entropy_gradient([rows, columns]: [usize; 2]) -> Workload {
    Workload::new(format!("rows/cross_entropy_gradient/{rows}x{columns}"), move || {
        let (x, labels) = (values(&[rows, columns], 1)?, labels(rows, columns)?);
        gives(move || {
            let (losses, gradient) = x.cross_entropy(&labels, Some(1.0 / rows as f64))?;
            let mean = losses.mean(&[])?;
            Ok([mean.clone(), gradient.unwrap_or(mean)])
        })
    })
}
