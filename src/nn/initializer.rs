//! What parameters are before training.

use std::fmt;
use std::str::FromStr;

use crate::device::Seed;
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::formula::catalogue::create;
use crate::tensor::Tensor;

/// A distribution to draw parameters from.
///
/// The rules of Xavier (Glorot and Bengio 2010) and He (He et al. 2015) keep the variance of a layer's results that of its
/// inputs: 2 / (inputs + outputs), and 2 / inputs where half of the results are cut off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initializer {
    /// The same value everywhere.
    Constant(f64),
    /// Uniform on [low, high).
    Uniform {
        /// The least value.
        low: f64,
        /// What stays above all values.
        high: f64,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        deviation: f64,
    },
    /// Uniform within sqrt(6 / (inputs + outputs)) of 0.
    XavierUniform,
    /// Normal with standard deviation sqrt(2 / (inputs + outputs)).
    XavierNormal,
    /// Uniform within sqrt(6 / inputs) of 0.
    HeUniform,
    /// Normal with standard deviation sqrt(2 / inputs).
    HeNormal,
}

impl Initializer {
    /// Draws every element of `target`, the weight of a layer from `inputs` to `outputs` units.
    ///
    /// # Errors
    /// The device failed.
    pub(super) fn fill(self, target: &Tensor, inputs: usize, outputs: usize, seed: Seed) -> Result<()> {
        Tensor::update(&*self.formula(inputs as f64, outputs as f64), &[], &[target], seed)
    }

    fn formula(self, inputs: f64, outputs: f64) -> Box<dyn AnyFormula> {
        let uniform = |limit: f64| Box::new(create::uniform { low: -limit, high: limit });
        let normal = |deviation| Box::new(create::normal { mean: 0.0, deviation });
        let both = (inputs + outputs).max(1.0);
        let inputs = inputs.max(1.0);
        match self {
            Self::Constant(value) => Box::new(create::constant { value }),
            Self::Uniform { low, high } => Box::new(create::uniform { low, high }),
            Self::Normal { mean, deviation } => Box::new(create::normal { mean, deviation }),
            Self::XavierUniform => uniform((6.0 / both).sqrt()),
            Self::XavierNormal => normal((2.0 / both).sqrt()),
            Self::HeUniform => uniform((6.0 / inputs).sqrt()),
            Self::HeNormal => normal((2.0 / inputs).sqrt()),
        }
    }
}

/// The names of the rules without parameters.
const NAMED: [(&str, Initializer); 4] = [
    ("xavier_uniform", Initializer::XavierUniform),
    ("xavier_normal", Initializer::XavierNormal),
    ("he_uniform", Initializer::HeUniform),
    ("he_normal", Initializer::HeNormal),
];

impl FromStr for Initializer {
    type Err = Error;

    /// Reads `he_normal`, `constant(0.1)`, `uniform(-1, 1)` or `normal(0, 0.01)`.
    fn from_str(text: &str) -> Result<Self> {
        let named = NAMED.iter().find(|(name, _)| *name == text).map(|&(_, rule)| rule);
        named.or_else(|| with_numbers(text)).ok_or_else(|| {
            let known = NAMED.map(|(name, _)| name).join(", ");
            let rule = format!("'{text}' is not one; known: {known}, constant(value), uniform(low, high), ");
            Error::argument("initializer", rule + "normal(mean, deviation)")
        })
    }
}

fn with_numbers(text: &str) -> Option<Initializer> {
    let (name, numbers) = text.strip_suffix(')')?.split_once('(')?;
    let numbers = numbers.split(',').map(|number| number.trim().parse()).collect::<Result<Vec<f64>, _>>().ok()?;
    match (name, &numbers[..]) {
        ("constant", &[value]) => Some(Initializer::Constant(value)),
        ("uniform", &[low, high]) => Some(Initializer::Uniform { low, high }),
        ("normal", &[mean, deviation]) => Some(Initializer::Normal { mean, deviation }),
        _ => None,
    }
}

impl fmt::Display for Initializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "constant({value})"),
            Self::Uniform { low, high } => write!(f, "uniform({low}, {high})"),
            Self::Normal { mean, deviation } => write!(f, "normal({mean}, {deviation})"),
            rule => f.pad(NAMED.iter().find(|(_, named)| named == rule).map_or("", |(name, _)| name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Device};

    #[test]
    fn names_are_read_as_they_are_written() {
        let others = [
            Initializer::Constant(0.1),
            Initializer::Uniform { low: -1.0, high: 0.5 },
            Initializer::Normal { mean: 0.0, deviation: 0.01 },
        ];
        for rule in NAMED.map(|(_, rule)| rule).into_iter().chain(others) {
            assert_eq!(rule.to_string().parse::<Initializer>().unwrap(), rule);
        }
        assert!("he".parse::<Initializer>().unwrap_err().to_string().contains("he_normal"));
    }

    #[test]
    fn draws_have_the_spread_of_the_rule() {
        let (inputs, outputs) = (300, 200);
        let variance = |rule: Initializer| {
            let w = Tensor::uninitialized(crate::Shape::new(&[inputs, outputs]).unwrap(), DType::F64, &Device::cpu());
            let w = w.unwrap();
            rule.fill(&w, inputs, outputs, Seed::new(3, 1)).unwrap();
            assert!(w.mean(&[]).unwrap().item().unwrap().abs() < 1e-3, "{rule}");
            w.variance(&[], 0).unwrap().item().unwrap()
        };
        for (rule, expected) in [
            (Initializer::XavierUniform, 2.0 / 500.0),
            (Initializer::XavierNormal, 2.0 / 500.0),
            (Initializer::HeUniform, 2.0 / 300.0),
            (Initializer::HeNormal, 2.0 / 300.0),
        ] {
            assert!((variance(rule) / expected - 1.0).abs() < 0.03, "{rule}");
        }
    }
}
