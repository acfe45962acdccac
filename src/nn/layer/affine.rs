//! What layers around one product share.

use super::super::activation::Activation;
use super::super::initializer::Initializer;
use super::super::parameters::{Arrangement, ParameterSpec};

/// What weight and bias are drawn from at first, and what follows them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine {
    pub activation: Activation,
    /// None for what suits the activation.
    pub weight: Option<Initializer>,
    /// None for no bias.
    pub bias: Option<Initializer>,
}

impl Affine {
    /// A bias of 0 and weights as suits the activation.
    pub fn new(activation: Activation) -> Self {
        Self { activation, weight: None, bias: Some(Initializer::Constant(0.0)) }
    }

    /// A weight of these sizes, and a bias of the last of them if there is one.
    pub fn parameters(&self, sizes: [usize; 2], units: (usize, usize)) -> Vec<ParameterSpec> {
        let weight = self.weight.unwrap_or(self.activation.initializer());
        let weight = ParameterSpec::new("weight", &sizes, weight).units(units);
        let mut specs = vec![weight.arranged(Arrangement::Transposed)];
        specs.extend(self.bias.map(|bias| ParameterSpec::new("bias", &sizes[1..], bias).units(units)));
        specs
    }
}

/// The settings of a layer that has an `affine`.
macro_rules! affine_settings {
    ($layer:ident) => {
        impl $layer {
            /// What follows product and bias.
            pub fn activation(mut self, activation: Activation) -> Self {
                self.affine.activation = activation;
                self
            }

            /// What weights are drawn from.
            pub fn weight(mut self, initializer: Initializer) -> Self {
                self.affine.weight = Some(initializer);
                self
            }

            /// What biases are drawn from; none for no bias.
            pub fn bias(mut self, initializer: Option<Initializer>) -> Self {
                self.affine.bias = initializer;
                self
            }
        }
    };
}

pub(super) use affine_settings;
