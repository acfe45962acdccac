//! Matrix products: square ones, and those of the layers of a perceptron.

use rectify::Result;

use super::{Operation, Workload, random};

/// `[m, k, n]`.
const SHAPES: [[usize; 3]; 7] = [
    [256, 256, 256],
    [512, 512, 512],
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    [128, 784, 512],
    [128, 512, 256],
    [64, 784, 128],
];

pub fn all() -> Vec<Workload> {
    let orders = ["NN", "NT", "TN"];
    SHAPES.iter().flat_map(|&shape| orders.map(|order| product(order, shape))).collect()
}

/// A product; T says that a factor is the transposed view of a row-major matrix.
fn product(order: &'static str, [m, k, n]: [usize; 3]) -> Workload {
    Workload::new(format!("matmul/{order}/{m}x{k}x{n}"), move || -> Result<Operation> {
        let a = if order == "TN" { random(&[k, m], 1)?.transpose(0, 1)? } else { random(&[m, k], 1)? };
        let b = if order == "NT" { random(&[n, k], 2)?.transpose(0, 1)? } else { random(&[k, n], 2)? };
        Ok(Box::new(move || a.matmul(&b).map(drop)))
    })
}
