//! Chains of elementwise operations, each one formula of a user's.

use rectify::formula::catalogue::activation::gelu;
use rectify::{Tensor, formula};

use super::{Workload, gives, values};

formula! {
    fn scaled_gelu(x, s, b) = gelu::call(x * s) + b;
    fn relu_of_product(a, b, c) = (a * b + c).relu();
    fn gated_tanh(x, y) = x.tanh() * y.sigmoid();
}

/// Within the caches, and beyond most.
const COUNTS: [usize; 2] = [1 << 16, 1 << 24];

pub fn all() -> Vec<Workload> {
    COUNTS.into_iter().flat_map(|count| [of_gelu(count), of_relu(count), gated(count)]).collect()
}

fn of_gelu(count: usize) -> Workload {
    Workload::new(format!("chain/gelu(x*s)+b/{count}"), move || {
        let [x, s, b] = [values(&[count], 1)?, values(&[count], 2)?, values(&[count], 3)?];
        gives(move || Ok([Tensor::zip(scaled_gelu, [&x, &s, &b])?]))
    })
}

fn of_relu(count: usize) -> Workload {
    Workload::new(format!("chain/relu(a*b+c)/{count}"), move || {
        let [a, b, c] = [values(&[count], 1)?, values(&[count], 2)?, values(&[count], 3)?];
        gives(move || Ok([Tensor::zip(relu_of_product, [&a, &b, &c])?]))
    })
}

fn gated(count: usize) -> Workload {
    Workload::new(format!("chain/tanh(x)*sigmoid(y)/{count}"), move || {
        let [x, y] = [values(&[count], 1)?, values(&[count], 2)?];
        gives(move || Ok([Tensor::zip(gated_tanh, [&x, &y])?]))
    })
}
