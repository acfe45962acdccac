//! Matrix products: squares, those of a network's layers forward and backward, batches, and with what follows them.

use super::Operation;
use super::arena::{Arena, Instance, numbers, sampled, share};
use crate::device::{Epilogue, Product};
use crate::dtype::DType;
use crate::error::Result;
use crate::formula::Biased;
use crate::formula::catalogue::activation;
use crate::tensor::Tensor;

/// How an operand lies.
#[derive(Clone, Copy, PartialEq)]
enum Lies {
    Straight,
    Transposed,
}
use Lies::{Straight, Transposed};

/// Batch, m, k and n.
type Sizes = [usize; 4];

pub(super) fn all(size: usize, dtype: DType) -> impl Iterator<Item = Operation> {
    // A square whose matrices have the size asked for, as far as products of that type stay within a second.
    let side = size.isqrt().min(if dtype == DType::F32 { 2048 } else { 512 });
    let rows = (size / 1024).clamp(16, 512);
    let squares = [(Straight, Straight), (Transposed, Straight), (Straight, Transposed)];
    let squares = squares.map(|(a, b)| product([1, side, side, side], a, b));
    let layer = [
        product([1, rows, 784, 512], Straight, Straight),
        product([1, rows, 512, 784], Straight, Transposed),
        product([1, 784, rows, 512], Transposed, Straight),
        product([1, rows, 512, 10], Straight, Straight),
        product([16, 64, 64, 64], Straight, Straight),
        layer([1, rows, 784, 512]),
    ];
    squares.into_iter().chain(layer)
}

fn product(sizes: Sizes, a_lies: Lies, b_lies: Lies) -> Operation {
    let letter = |lies| if lies == Straight { 'n' } else { 't' };
    let name = format!("matmul {}{}", letter(a_lies), letter(b_lies));
    Operation::new(name, move |arena| {
        let [batch, m, k, n] = sizes;
        let (a, b, c) =
            (matrix(arena, batch, m, k, a_lies)?, matrix(arena, batch, k, n, b_lies)?, arena.result(&[batch, m, n])?);
        let (device, operands) = (arena.device.clone(), (a.clone(), b.clone(), c.clone()));
        let run = move || {
            let (a, b, c) = (operands.0.view()?, operands.1.view()?, operands.2.view()?);
            device.backend().matmul(&Product { a, b, c, accumulate: false, column_sums: None }, None).map(drop)
        };
        Ok(Instance::new(&sizes, run, move || error(&a, &b, None, &c)))
    })
}

/// A product with bias and ReLU, as a dense layer has it.
fn layer(sizes: Sizes) -> Operation {
    Operation::new("matmul nn bias relu", move |arena| {
        let [batch, m, k, n] = sizes;
        let (a, b) = (matrix(arena, batch, m, k, Straight)?, matrix(arena, batch, k, n, Straight)?);
        let (bias, c) = (arena.operand(&[n])?, arena.result(&[batch, m, n])?);
        let (device, operands) = (arena.device.clone(), (a.clone(), b.clone(), bias.clone(), c.clone()));
        let run = move || {
            let (a, b, bias, c) = &operands;
            let bias = bias.broadcast_to(&[batch, m, n])?;
            let product = Product { a: a.view()?, b: b.view()?, c: c.view()?, accumulate: false, column_sums: None };
            let epilogue = Epilogue {
                formula: &Biased(activation::relu),
                place: 0,
                operand: bias.view()?,
                output: c.view()?,
                mask: None,
                sums: None,
                keep: false,
            };
            device.backend().matmul(&product, Some(&epilogue)).map(drop)
        };
        Ok(Instance::new(&sizes, run, move || error(&a, &b, Some(&bias), &c)))
    })
}

fn matrix(arena: &mut Arena, batch: usize, rows: usize, columns: usize, lies: Lies) -> Result<Tensor> {
    match lies {
        Straight => arena.operand(&[batch, rows, columns]),
        Transposed => arena.operand(&[batch, columns, rows])?.transpose(1, 2),
    }
}

/// The largest error at some places; after bias and ReLU where there is a bias.
fn error(a: &Tensor, b: &Tensor, bias: Option<&Tensor>, c: &Tensor) -> Result<f64> {
    let [m, k, n] = [a.shape().sizes()[1], a.shape().sizes()[2], b.shape().sizes()[2]];
    let (dtype, bias) = (c.dtype(), bias.map(numbers).transpose()?);
    let (a, b, c) = (numbers(a)?, numbers(b)?, numbers(c)?);
    let mut largest = 0.0f64;
    for place in sampled(c.len()) {
        let (of, row, column) = (place / (m * n), place / n % m, place % n);
        let terms = (0..k).map(|i| a[(of * m + row) * k + i] * b[(of * k + i) * n + column]);
        let (sum, size) = (terms.clone().sum::<f64>(), terms.map(f64::abs).sum::<f64>());
        let want = bias.as_ref().map_or(sum, |bias| (sum + bias[column]).max(0.0));
        // Roundings of a sum grow with the root of its length at most, and so do sums of random numbers.
        largest = largest.max(share(dtype, c[place], want, size));
    }
    Ok(largest)
}
