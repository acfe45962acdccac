//! Softmax, cross-entropy and reductions.

use rectify::Result;

use super::{Operation, Workload, labels, random};

/// `[rows, columns]`: a classifier's logits, and a vocabulary's.
const SHAPES: [[usize; 2]; 3] = [[128, 10], [4096, 1000], [256, 32_000]];

pub fn all() -> Vec<Workload> {
    SHAPES.iter().flat_map(|&shape| [softmax(shape), cross_entropy(shape), sum(shape, 1), sum(shape, 0)]).collect()
}

fn softmax([rows, columns]: [usize; 2]) -> Workload {
    Workload::new(format!("rows/softmax/{rows}x{columns}"), move || -> Result<Operation> {
        let x = random(&[rows, columns], 1)?;
        Ok(Box::new(move || x.softmax().map(drop)))
    })
}

/// Loss and gradient together.
fn cross_entropy([rows, columns]: [usize; 2]) -> Workload {
    Workload::new(format!("rows/cross_entropy/{rows}x{columns}"), move || -> Result<Operation> {
        let (x, labels) = (random(&[rows, columns], 1)?, labels(rows, columns)?);
        Ok(Box::new(move || {
            let (losses, _gradient) = x.cross_entropy(&labels, Some(1.0 / rows as f64))?;
            losses.mean(&[]).map(drop)
        }))
    })
}

fn sum([rows, columns]: [usize; 2], axis: usize) -> Workload {
    Workload::new(format!("rows/sum{axis}/{rows}x{columns}"), move || -> Result<Operation> {
        let x = random(&[rows, columns], 1)?;
        Ok(Box::new(move || x.sum(&[axis]).map(drop)))
    })
}
