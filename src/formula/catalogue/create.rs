//! Formulas without inputs: what new tensors are filled with.

use crate::formula;
use crate::formula::AnyFormula;

formula! {
    /// The same value everywhere.
    pub fn constant(; value) = value;
    /// Uniform on [low, high).
    pub fn uniform(; low, high; chance: uniform) = low + (high - low) * chance;
    /// Normal with this mean and standard deviation.
    pub fn normal(; mean, deviation; deviate: normal) = mean + deviation * deviate;
    /// The number of the element: 0, 1, 2...
    pub fn position(; ; place: position) = place;
    /// Two independent standard normal numbers from two uniform ones, of which the first is not 0 (Box and Muller 1958).
    pub fn box_muller(radius, angle) -> 2 = {
        let radius = (-2.0 * radius.ln()).sqrt();
        let angle = angle * std::f64::consts::TAU;
        [radius * angle.cos(), radius * angle.sin()]
    };
}

/// Every one of them, with values for the run-time scalars.
pub static ALL: &[&dyn AnyFormula] = &[
    &constant { value: 0.1 },
    &uniform { low: -1.0, high: 2.5 },
    &normal { mean: 0.3, deviation: 2.0 },
    &position,
    &box_muller,
];
