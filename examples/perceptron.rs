//! The delta rule of the perceptron (Rosenblatt 1958): a threshold unit that learns from its mistakes finds a line between two
//! classes if there is one, after no more mistakes than Novikoff's bound (1962), and goes on forever where there is none.

mod support;

use rectify::device::Seed;
use rectify::formula::catalogue::activation::step;
use rectify::{DType, Device, Result, Tensor};
use support::plane::{Marks, Plane};

/// Points with an input that is 1 for the bias, and classes of 0 and 1.
pub struct Task {
    /// Shape [points, 3].
    pub points: Tensor,
    /// Shape [points, 1].
    pub classes: Tensor,
    /// How often the rule may be wrong before it is always right; infinite where no line is right.
    pub bound: f64,
}

/// What the rule came to.
pub struct Outcome {
    /// The weights of both inputs and of the 1, shape [3, 1].
    pub weights: Tensor,
    /// The mistakes of each pass over the points.
    pub mistakes: Vec<usize>,
}

impl Outcome {
    /// Whether the last pass made no mistake.
    pub fn is_solved(&self) -> bool {
        self.mistakes.last() == Some(&0)
    }
}

/// Points on both sides of the line x + 2 y = 0.3, none nearer to it than a tenth.
pub fn separable(device: &Device) -> Result<Task> {
    let drawn = Tensor::uniform(&[300, 2], -1.0, 1.0, DType::F64, Seed::new(5, 0), device)?;
    let line = [1.0, 2.0, -0.3];
    let norm = line.iter().map(|x: &f64| x * x).sum::<f64>().sqrt();
    let distance = |point: &[f64]| (line[0] * point[0] + line[1] * point[1] + line[2]) / norm;
    let drawn: Vec<f64> = drawn.to_vec()?;
    let kept: Vec<_> = drawn.chunks(2).filter(|point| distance(point).abs() > 0.1).collect();
    let rows: Vec<_> = kept.iter().flat_map(|point| [point[0], point[1], 1.0]).collect();
    let classes: Vec<_> = kept.iter().map(|point| f64::from(u8::from(distance(point) > 0.0))).collect();
    // (the longest point over the least distance to the line)², both with the input that is 1.
    let length = kept.iter().map(|point| point[0] * point[0] + point[1] * point[1] + 1.0).fold(0.0, f64::max);
    let least = kept.iter().map(|point| distance(point).abs()).fold(f64::INFINITY, f64::min);
    Ok(Task {
        points: Tensor::from_slice(&rows, &[kept.len(), 3], device)?,
        classes: Tensor::from_slice(&classes, &[kept.len(), 1], device)?,
        bound: length / (least * least),
    })
}

/// Exclusive or: no line parts 00 and 11 from 01 and 10.
pub fn exclusive_or(device: &Device) -> Result<Task> {
    let rows = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    let points = Tensor::from_slice(&rows, &[4, 3], device)?;
    Ok(Task { points, classes: Tensor::from_slice(&[0.0, 1.0, 1.0, 0.0], &[4, 1], device)?, bound: f64::INFINITY })
}

/// Shows the points one after the other, until a pass without a mistake or for so many passes.
pub fn run(task: &Task, passes: usize) -> Result<Outcome> {
    let mut weights = Tensor::zeros(&[3, 1], DType::F64, task.points.device())?;
    let mut mistakes = Vec::new();
    while mistakes.len() < passes && mistakes.last() != Some(&0) {
        let mut wrong = 0;
        for nth in 0..task.points.shape()[0] {
            let x = task.points.slice(0, nth..nth + 1)?;
            let error = task.classes.slice(0, nth..nth + 1)?.sub(&x.matmul(&weights)?.map(step)?)?;
            if error.item()? != 0.0 {
                wrong += 1;
                weights = weights.add(&x.transpose(0, 1)?.mul(&error)?)?;
            }
        }
        mistakes.push(wrong);
    }
    Ok(Outcome { weights, mistakes })
}

/// The points by class, and the line that was found.
fn picture(task: &Task, outcome: &Outcome) -> Result<String> {
    let (points, classes): (Vec<f64>, Vec<f64>) = (task.points.to_vec()?, task.classes.to_vec()?);
    let of_class = |class: f64| {
        let pairs = points.chunks(3).zip(&classes).filter(|&(_, &own)| own == class);
        pairs.map(|(point, _)| (point[0], point[1])).collect()
    };
    let weights: Vec<f64> = outcome.weights.to_vec()?;
    let line = |x: f64| (x, -(weights[0] * x + weights[2]) / weights[1]);
    let marks = vec![
        Marks { name: "class 0", places: of_class(0.0), joined: false },
        Marks { name: "class 1", places: of_class(1.0), joined: false },
        Marks { name: "found", places: (-100..=100).map(|x| line(f64::from(x) / 100.0)).collect(), joined: true },
    ];
    Ok(Plane { title: "The line a perceptron found", x: (-1.0, 1.0), y: (-1.0, 1.0), marks }.to_string())
}

fn main() -> Result<()> {
    let device = Device::auto()?;
    let task = separable(&device)?;
    let outcome = run(&task, 1000)?;
    println!("points that a line parts: mistakes by pass {:?}, at most {:.0} in all", outcome.mistakes, task.bound);
    let never = run(&exclusive_or(&device)?, 1000)?;
    println!("exclusive or: {} mistakes in pass {}", never.mistakes[never.mistakes.len() - 1], never.mistakes.len());
    support::text("perceptron.svg", &picture(&task, &outcome)?)
}
