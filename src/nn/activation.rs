//! Activation functions by name.

use std::fmt;
use std::str::FromStr;

use super::initializer::Initializer;
use crate::error::{Error, Result};
use crate::formula::catalogue::{activation, arithmetic};
use crate::formula::{AnyFormula, Biased, Formula};

/// Defines [`Activation`]: whether its bias is added in the same pass, the variant, the formula, and the parameters with
/// their defaults.
macro_rules! activations {
    ($($pass:ident $variant:ident: $module:ident::$name:ident $({ $($parameter:ident: $default:literal),+ })?;)*) => {
        /// An activation function, chosen when the program runs. Any other [`Formula`] is one too:
        /// see [`Var::linear`](crate::Var::linear).
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Activation {
            $(
                #[doc = concat!("See [`", stringify!($name), "`](", stringify!($module), "::", stringify!($name), ").")]
                $variant $({ $(#[doc = concat!(stringify!($default), " by default.")] $parameter: f64),+ })?,
            )*
        }

        impl Activation {
            /// Every activation, with its parameters at the defaults.
            pub const ALL: &'static [Self] = &[$(Self::$variant $({ $($parameter: $default),+ })?),*];

            /// Calls `then` with the formula and, where both are one pass, the same with a bias.
            pub(super) fn with<T>(self, then: impl FnOnce(&dyn AnyFormula, Option<&dyn AnyFormula>) -> T) -> T {
                match self {
                    $(Self::$variant $({ $($parameter),+ })? => $pass(then, $module::$name $({ $($parameter),+ })?),)*
                }
            }

            /// The same with these parameters, if they are as many as it has.
            fn with_parameters(self, values: &[f64]) -> Option<Self> {
                match (self, values) {
                    $((Self::$variant { .. }, &[$($($parameter),+)?]) => {
                        Some(Self::$variant $({ $($parameter),+ })?)
                    })*
                    _ => None,
                }
            }
        }
    };
}

// With the bias a formula is three more to compile: those in wide use are worth it.
activations! {
    fused Step: activation::step;
    fused Linear: activation::linear;
    fused Relu: activation::relu;
    fused LeakyRelu: activation::leaky_relu { slope: 0.01 };
    fused Sigmoid: activation::sigmoid;
    fused Tanh: activation::tanh;
    fused Softplus: activation::softplus;
    fused Elu: activation::elu { alpha: 1.0 };
    fused Gelu: activation::gelu;
    fused GeluTanh: activation::gelu_tanh;
    fused Silu: activation::silu;
    apart ClippedRelu: activation::clipped_relu { ceiling: 6.0 };
    apart ShiftedRelu: activation::shifted_relu { threshold: 1.0 };
    apart Threshold: activation::threshold { threshold: 1.0, value: 0.0 };
    apart HardShrink: activation::hard_shrink { threshold: 0.5 };
    apart SoftShrink: activation::soft_shrink { threshold: 0.5 };
    apart TanhShrink: activation::tanh_shrink;
    apart HardSigmoid: activation::hard_sigmoid;
    apart HardTanh: activation::hard_tanh;
    apart HardSwish: activation::hard_swish;
    apart Srelu: activation::srelu { left: -1.0, left_slope: 0.1, right: 1.0, right_slope: 0.1 };
    apart Apl: activation::apl { slope1: 0.2, hinge1: 0.0, slope2: 0.1, hinge2: -1.0 };
    apart Atan: arithmetic::atan;
    apart Softsign: activation::softsign;
    apart Sqnl: activation::sqnl;
    apart Isru: activation::isru { alpha: 1.0 };
    apart Soboleva: activation::soboleva { a: 1.0, b: 1.0, c: 1.0, d: 1.0 };
    apart Gaussian: activation::gaussian;
    apart Sin: arithmetic::sin;
    apart Sinc: activation::sinc;
    apart Selu: activation::selu;
    apart Celu: activation::celu { alpha: 1.0 };
    apart Delu: activation::delu { a: 1.0, b: 2.0, c: 1.25643 };
    apart Mish: activation::mish;
    apart Elish: activation::elish;
    apart Swish: activation::swish { slope: 1.0 };
    apart SharpSoftplus: activation::sharp_softplus { sharpness: 1.0 };
    apart Squareplus: activation::squareplus { b: 4.0 };
    apart Isrlu: activation::isrlu { alpha: 1.0 };
    apart SoftExponential: activation::soft_exponential { alpha: 0.5 };
    apart BentIdentity: activation::bent_identity;
    apart LogSigmoid: activation::log_sigmoid;
    apart Lisht: activation::lisht;
}

impl Activation {
    /// The name used in files and on the command line, without the parameters: that of the formula.
    pub fn name(self) -> &'static str {
        self.with(|formula, _| formula.signature().name)
    }

    /// The parameters by name.
    pub fn parameters(self) -> Vec<(&'static str, f64)> {
        self.with(|formula, _| formula.signature().parameters.iter().copied().zip(formula.parameters()).collect())
    }

    /// The formula.
    pub fn formula(self) -> Box<dyn AnyFormula> {
        self.with(|formula, _| formula.boxed())
    }

    /// Weights suited to it: Xavier's for what is linear or bounded around 0, He's for the rest.
    pub fn initializer(self) -> Initializer {
        match self {
            Self::Step
            | Self::Linear
            | Self::Sigmoid
            | Self::Tanh
            | Self::HardSigmoid
            | Self::HardTanh
            | Self::Atan
            | Self::Softsign
            | Self::Sqnl
            | Self::Isru { .. }
            | Self::Soboleva { .. }
            | Self::Gaussian
            | Self::Sin
            | Self::Sinc => Initializer::XavierUniform,
            _ => Initializer::HeNormal,
        }
    }
}

fn fused<F: Formula, T>(then: impl FnOnce(&dyn AnyFormula, Option<&dyn AnyFormula>) -> T, formula: F) -> T {
    then(&formula, Some(&Biased(formula)))
}

fn apart<F: Formula, T>(then: impl FnOnce(&dyn AnyFormula, Option<&dyn AnyFormula>) -> T, formula: F) -> T {
    then(&formula, None)
}

impl FromStr for Activation {
    type Err = Error;

    /// Reads `relu`, `leaky_relu` or, with its parameters, `leaky_relu(0.2)` and `srelu(-1, 0.1, 1, 0.1)`.
    fn from_str(text: &str) -> Result<Self> {
        let (name, parameters) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((name, parameters)) => (name, Some(parameters)),
            None => (text, None),
        };
        let known = Self::ALL.iter().copied().find(|activation| activation.name() == name);
        let read = known.and_then(|activation| match parameters {
            None => Some(activation),
            Some(list) => {
                let values: Vec<f64> = list.split(',').map(|value| value.trim().parse().ok()).collect::<Option<_>>()?;
                activation.with_parameters(&values)
            }
        });
        read.ok_or_else(|| {
            let known = Self::ALL.iter().map(Self::to_string).collect::<Vec<_>>().join(", ");
            Error::argument("activation", format!("'{text}' is not an activation; known: {known}"))
        })
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<_> = self.parameters().iter().map(|(_, value)| value.to_string()).collect();
        match &values[..] {
            [] => f.pad(self.name()),
            values => f.pad(&format!("{}({})", self.name(), values.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for &activation in Activation::ALL {
            assert_eq!(activation.to_string().parse::<Activation>().unwrap(), activation);
            assert_eq!(activation.name().parse::<Activation>().unwrap(), activation);
        }
        assert_eq!("leaky_relu(0.2)".parse::<Activation>().unwrap(), Activation::LeakyRelu { slope: 0.2 });
        let srelu = Activation::Srelu { left: -2.0, left_slope: 0.1, right: 1.5, right_slope: -3.0 };
        assert_eq!("srelu(-2, 0.1,1.5, -3)".parse::<Activation>().unwrap(), srelu);
        assert_eq!(srelu.to_string(), "srelu(-2, 0.1, 1.5, -3)");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        for text in ["rleu", "relu(1)", "elu(x)", "elu()", "elu(1, 2)", "srelu(1)", ""] {
            let error = text.parse::<Activation>().unwrap_err().to_string();
            assert!(error.contains("gelu_tanh, silu") && error.contains(&format!("'{text}'")), "{error}");
        }
    }

    #[test]
    fn the_catalogue_has_every_activation_at_its_defaults() {
        let listed: Vec<_> = activation::all().map(|formula| (formula.key(), formula.parameters())).collect();
        let chosen = Activation::ALL.iter().map(|activation| activation.formula());
        let missing: Vec<_> = chosen
            .filter(|formula| !listed.contains(&(formula.key(), formula.parameters())))
            .map(|formula| formula.signature().name)
            .collect();
        assert_eq!(missing, ["atan", "sin"], "but those of arithmetic");
        assert_eq!(Activation::ALL.len(), listed.len() + missing.len());
    }
}
