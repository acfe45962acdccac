//! Normalisation by rows, and its gradients.

use super::arena::{Arena, Instance, numbers, sampled, share};
use super::rows::COLUMNS;
use crate::device::{Kernel, Normalize, NormalizeBackward};
use crate::error::Result;
use crate::tensor::Tensor;

const EPSILON: f64 = 1e-5;

pub(super) fn forward(arena: &mut Arena, rows: usize, centered: bool) -> Result<Instance> {
    let sizes = [rows, COLUMNS];
    let (x, gain, shift) = (arena.operand(&sizes)?, arena.operand(&[COLUMNS])?, arena.operand(&[COLUMNS])?);
    let (device, y) = (arena.device.clone(), arena.result(&sizes)?);
    let operands = [&x, &gain, &shift, &y].map(Tensor::clone);
    let run = move || {
        let [x, gain, shift, y] = &operands;
        device.backend().launch(Kernel::Normalize(Normalize {
            centered,
            epsilon: EPSILON,
            input: x.view()?,
            gain: gain.view()?,
            shift: Some(shift.view()?),
            output: y.view()?,
            statistics: None,
        }))
    };
    Ok(Instance::new(&sizes, run, move || {
        let (x, gain, shift, results) = (numbers(&x)?, numbers(&gain)?, numbers(&shift)?, numbers(&y)?);
        let mut largest = 0.0f64;
        for row in sampled(rows) {
            let at = row * COLUMNS;
            let normal = Row::new(&x[at..at + COLUMNS], centered).normal;
            for (column, normal) in normal.into_iter().enumerate() {
                let (want, size) = (normal * gain[column] + shift[column], (normal * gain[column]).abs() + 2.0);
                largest = largest.max(share(y.dtype(), results[at + column], want, size));
            }
        }
        Ok(largest)
    }))
}

pub(super) fn backward(arena: &mut Arena, rows: usize, centered: bool) -> Result<Instance> {
    let sizes = [rows, COLUMNS];
    let (x, gain, dy) = (arena.operand(&sizes)?, arena.operand(&[COLUMNS])?, arena.operand(&sizes)?);
    let results = [arena.result(&sizes)?, arena.result(&[COLUMNS])?, arena.result(&[COLUMNS])?];
    let statistics = statistics(&x, centered)?;
    let device = arena.device.clone();
    let (operands, targets) = ([&x, &gain, &statistics, &dy].map(Tensor::clone), results.clone());
    let run = move || {
        let ([x, gain, statistics, dy], [dx, dgain, dshift]) = (&operands, &targets);
        device.backend().launch(Kernel::NormalizeBackward(NormalizeBackward {
            centered,
            input: x.view()?,
            gain: gain.view()?,
            statistics: statistics.view()?,
            gradient: dy.view()?,
            input_gradient: Some(dx.view()?),
            gain_gradient: Some(dgain.view()?),
            shift_gradient: Some(dshift.view()?),
        }))
    };
    Ok(Instance::new(&sizes, run, move || {
        let (x, gain, dy, dtype) = (numbers(&x)?, numbers(&gain)?, numbers(&dy)?, x.dtype());
        let [dx, dgain, dshift] = [numbers(&results[0])?, numbers(&results[1])?, numbers(&results[2])?];
        let mut sums = vec![[0.0; 4]; COLUMNS];
        let mut largest = 0.0f64;
        for at in (0..x.len()).step_by(COLUMNS) {
            let (row, dy) = (Row::new(&x[at..at + COLUMNS], centered), &dy[at..at + COLUMNS]);
            for (column, (want, size)) in row.gradient(&gain, dy, centered).into_iter().enumerate() {
                largest = largest.max(share(dtype, dx[at + column], want, size));
                let product = dy[column] * row.normal[column];
                let terms = [product, product.abs(), dy[column], dy[column].abs()];
                sums[column].iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            }
        }
        for (column, [gain, gain_size, shift, shift_size]) in sums.into_iter().enumerate() {
            largest = largest.max(share(dtype, dgain[column], gain, gain_size));
            largest = largest.max(share(dtype, dshift[column], shift, shift_size));
        }
        Ok(largest)
    }))
}

/// What the forward pass leaves of these rows for the gradient.
fn statistics(x: &Tensor, centered: bool) -> Result<Tensor> {
    let values = numbers(x)?;
    let rows = values.chunks(COLUMNS).map(|row| Row::new(row, centered));
    let pairs: Vec<f64> = rows.flat_map(|row| [row.mean, row.scale]).collect();
    Tensor::from_slice(&pairs, &[pairs.len() / 2, 2], x.device())?.cast(x.dtype().compute())
}

/// A row by the definition.
struct Row {
    mean: f64,
    scale: f64,
    normal: Vec<f64>,
}

impl Row {
    fn new(x: &[f64], centered: bool) -> Self {
        let count = x.len() as f64;
        let mean = if centered { x.iter().sum::<f64>() / count } else { 0.0 };
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let scale = (variance + EPSILON).sqrt().recip();
        Self { mean, scale, normal: x.iter().map(|x| (x - mean) * scale).collect() }
    }

    /// The gradient in every element, and the size of what goes into it.
    fn gradient(&self, gain: &[f64], dy: &[f64], centered: bool) -> Vec<(f64, f64)> {
        let count = dy.len() as f64;
        let slopes: Vec<f64> = gain.iter().zip(dy).map(|(gain, dy)| gain * dy).collect();
        let mean = if centered { slopes.iter().sum::<f64>() / count } else { 0.0 };
        let product = slopes.iter().zip(&self.normal).map(|(slope, normal)| slope * normal).sum::<f64>() / count;
        let each = slopes.iter().zip(&self.normal);
        each.map(|(slope, normal)| {
            let terms = [*slope, -mean, -normal * product];
            let [sum, size]: [f64; 2] = [terms.iter().sum(), terms.iter().map(|term| term.abs()).sum()];
            (sum * self.scale, (size + 4.0) * self.scale)
        })
        .collect()
    }
}
