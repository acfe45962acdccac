//! Activation functions by name.

use std::fmt;
use std::str::FromStr;

use super::initializer::Initializer;
use crate::error::{Error, Result};
use crate::formula::catalogue::activation;
use crate::formula::{AnyFormula, Biased, Formula};

/// An activation function, chosen when the program runs. Any other [`Formula`] is one too:
/// see [`Var::linear`](crate::Var::linear).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// 0 below 0, else 1; its derivative is 0.
    Step,
    /// The identity.
    Linear,
    /// max(x, 0).
    Relu,
    /// x above 0, `slope` times x below.
    LeakyRelu {
        /// 0.01 by default.
        slope: f64,
    },
    /// 1 / (1 + e^-x).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// ln(1 + e^x).
    Softplus,
    /// x above 0, `alpha` (e^x - 1) below.
    Elu {
        /// 1 by default.
        alpha: f64,
    },
    /// x times the standard normal distribution function at x.
    Gelu,
    /// GELU by its tanh approximation.
    GeluTanh,
    /// x / (1 + e^-x).
    Silu,
}

impl Activation {
    /// Every activation, with its parameter at the default.
    pub const ALL: [Self; 11] = [
        Self::Step,
        Self::Linear,
        Self::Relu,
        Self::LeakyRelu { slope: 0.01 },
        Self::Sigmoid,
        Self::Tanh,
        Self::Softplus,
        Self::Elu { alpha: 1.0 },
        Self::Gelu,
        Self::GeluTanh,
        Self::Silu,
    ];

    /// The name used in files and on the command line, without the parameter.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Linear => "linear",
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Softplus => "softplus",
            Self::Elu { .. } => "elu",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Silu => "silu",
        }
    }

    /// The parameter, where it has one.
    pub fn parameter(self) -> Option<f64> {
        match self {
            Self::LeakyRelu { slope } => Some(slope),
            Self::Elu { alpha } => Some(alpha),
            _ => None,
        }
    }

    /// The formula.
    pub fn formula(self) -> Box<dyn AnyFormula> {
        self.with(|formula, _| formula.boxed())
    }

    /// Weights suited to it: He's for the family of ReLU, Xavier's for the rest.
    pub fn initializer(self) -> Initializer {
        match self {
            Self::Step | Self::Linear | Self::Sigmoid | Self::Tanh => Initializer::XavierUniform,
            _ => Initializer::HeNormal,
        }
    }

    /// Calls `then` with the formula and the same with a bias.
    pub(super) fn with<T>(self, then: impl FnOnce(&dyn AnyFormula, &dyn AnyFormula) -> T) -> T {
        match self {
            Self::Step => both(then, activation::step),
            Self::Linear => both(then, activation::linear),
            Self::Relu => both(then, activation::relu),
            Self::LeakyRelu { slope } => both(then, activation::leaky_relu { slope }),
            Self::Sigmoid => both(then, activation::sigmoid),
            Self::Tanh => both(then, activation::tanh),
            Self::Softplus => both(then, activation::softplus),
            Self::Elu { alpha } => both(then, activation::elu { alpha }),
            Self::Gelu => both(then, activation::gelu),
            Self::GeluTanh => both(then, activation::gelu_tanh),
            Self::Silu => both(then, activation::silu),
        }
    }

    fn with_parameter(self, value: f64) -> Option<Self> {
        match self {
            Self::LeakyRelu { .. } => Some(Self::LeakyRelu { slope: value }),
            Self::Elu { .. } => Some(Self::Elu { alpha: value }),
            _ => None,
        }
    }
}

fn both<F: Formula, T>(then: impl FnOnce(&dyn AnyFormula, &dyn AnyFormula) -> T, formula: F) -> T {
    then(&formula, &Biased(formula))
}

impl FromStr for Activation {
    type Err = Error;

    /// Reads `relu`, `leaky_relu` or, with its parameter, `leaky_relu(0.2)`.
    fn from_str(text: &str) -> Result<Self> {
        let (name, parameter) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((name, parameter)) => (name, Some(parameter)),
            None => (text, None),
        };
        let known = Self::ALL.into_iter().find(|activation| activation.name() == name);
        let read = known.and_then(|activation| match parameter {
            None => Some(activation),
            Some(value) => activation.with_parameter(value.parse().ok()?),
        });
        read.ok_or_else(|| {
            let known = Self::ALL.map(|activation| activation.to_string()).join(", ");
            Error::argument("activation", format!("'{text}' is not an activation; known: {known}"))
        })
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parameter() {
            Some(value) => f.pad(&format!("{}({value})", self.name())),
            None => f.pad(self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for activation in Activation::ALL {
            assert_eq!(activation.to_string().parse::<Activation>().unwrap(), activation);
            assert_eq!(activation.name().parse::<Activation>().unwrap(), activation);
            assert_eq!(activation.formula().signature().name, activation.name());
        }
        assert_eq!("leaky_relu(0.2)".parse::<Activation>().unwrap(), Activation::LeakyRelu { slope: 0.2 });
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        for text in ["rleu", "relu(1)", "elu(x)", ""] {
            let error = text.parse::<Activation>().unwrap_err().to_string();
            assert!(error.contains("gelu_tanh, silu") && error.contains(&format!("'{text}'")), "{error}");
        }
    }
}
