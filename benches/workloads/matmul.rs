//! Matrix products: square ones, and those of perceptrons, forward and back.

use super::{Workload, gives, values};

/// `[m, k, n]`, each plain and with either factor transposed.
const SHAPES: [[usize; 3]; 10] = [
    [256, 256, 256],
    [512, 512, 512],
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    [512, 4096, 4096],
    [128, 784, 512],
    [128, 512, 256],
    [128, 256, 10],
    [64, 784, 128],
    [64, 128, 10],
];

/// `[rows, inputs, outputs]` of layers that are few units wide, each with the products of its gradients.
const NARROW_LAYERS: [[usize; 3]; 3] = [[10_000, 4, 32], [10_000, 32, 16], [10_000, 16, 1]];

pub fn all() -> Vec<Workload> {
    let orders = ["NN", "NT", "TN"];
    let each_order = SHAPES.iter().flat_map(|&shape| orders.map(|order| product(order, shape)));
    let of_layers = NARROW_LAYERS.iter().flat_map(|&[rows, inputs, outputs]| {
        [
            product("NN", [rows, inputs, outputs]),
            product("NT", [rows, outputs, inputs]),
            product("TN", [inputs, rows, outputs]),
        ]
    });
    each_order.chain(of_layers).collect()
}

/// A product; T says that a factor is the transposed view of a row-major matrix.
fn product(order: &'static str, [m, k, n]: [usize; 3]) -> Workload {
    Workload::new(format!("matmul/{order}/{m}x{k}x{n}"), move || {
        let a = if order == "TN" { values(&[k, m], 1)?.transpose(0, 1)? } else { values(&[m, k], 1)? };
        let b = if order == "NT" { values(&[n, k], 2)?.transpose(0, 1)? } else { values(&[k, n], 2)? };
        gives(move || Ok([a.matmul(&b)?]))
    })
    .large(m * k * n > 1 << 31)
}
