//! One activation and its derivative, drawn from the formula's reference.

use rectify::report::Curves;
use rectify::{Activation, Error};
use serde::Serialize;

use super::list::{About, heading, wrapped};
use super::{Args, columns, plot};
use crate::cli::failure::Failure;
use crate::cli::output::{print_json, print_line};

/// The places of a picture: many enough for a curve, and of an odd number, so that the middle is one.
const PLACES: usize = 481;
/// The places of points as JSON.
const POINTS: usize = 121;

/// A function and its derivative.
pub struct Curve {
    pub x: Vec<f64>,
    pub values: Vec<f64>,
    pub slopes: Vec<f64>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "point")]
struct Point {
    x: f64,
    value: f64,
    derivative: f64,
}

impl Curve {
    /// At `count` places from `from` to `to`.
    pub fn new(activation: Activation, from: f64, to: f64, count: usize) -> Self {
        let formula = activation.formula();
        let gradient = formula.gradient(0);
        let place = |i: usize| from + (to - from) * (i as f64 / (count.max(2) - 1) as f64);
        let x: Vec<f64> = (0..count).map(place).collect();
        let values = x.iter().map(|&x| formula.reference(&[x], &[])[0]).collect();
        let slope = |&x: &f64| gradient.as_ref().map_or(f64::NAN, |gradient| gradient.reference(&[x, 1.0], &[])[0]);
        let slopes = x.iter().map(slope).collect();
        Self { x, values, slopes }
    }
}

pub fn run(args: &Args, activation: Activation) -> Result<(), Failure> {
    let (from, to) = (args.from, args.to);
    if !(from < to && (to - from).is_finite()) {
        let rule = format!("from {from} to {to} is no range: two finite numbers are needed, the smaller first");
        return Err(Error::argument("activations", rule).into());
    }
    let curve = |count| Curve::new(activation, from, to, count);
    if let Some(path) = &args.svg {
        let Curve { x, values, slopes } = curve(PLACES);
        let title = heading(activation);
        let picture = Curves { title: &title, x: &x, functions: &[("value", &values), ("derivative", &slopes)] };
        std::fs::write(path, picture.to_string()).map_err(|cause| Error::io("write", path, cause))?;
    }
    if args.output.json {
        let Curve { x, values, slopes } = curve(POINTS);
        for ((x, value), derivative) in x.into_iter().zip(values).zip(slopes) {
            print_json(&Point { x, value, derivative })?;
        }
    } else if !args.output.quiet && args.svg.is_none() {
        print_line(&heading(activation))?;
        let about = About::new(activation);
        wrapped(&about.text(), columns()).iter().try_for_each(|line| print_line(line))?;
        plot::draw(columns(), curve).iter().try_for_each(|line| print_line(line))?;
    }
    Ok(())
}
