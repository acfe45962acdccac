//! The linear, or fully connected, layer.

use super::activation::Activation;
use super::initializer::Initializer;
use super::parameters::{Arrangement, ParameterSpec, Parameters};
use crate::autograd::{Tape, Var};
use crate::device::Seed;
use crate::error::{Error, Result};
use crate::formula::catalogue::activation;
use crate::scope;
use crate::tensor::Tensor;

/// `activation(x * weight + bias)` for shapes [.., inputs], [inputs, outputs] and `[outputs]`.
#[derive(Debug, Clone)]
pub struct Linear {
    name: String,
    weight: Tensor,
    bias: Tensor,
    activation: Activation,
}

impl Linear {
    /// The parameters of a layer of this name: `name.weight` and `name.bias`.
    pub fn specs(
        name: &str,
        inputs: usize,
        outputs: usize,
        weight: Initializer,
        bias: Initializer,
    ) -> [ParameterSpec; 2] {
        [
            ParameterSpec::new("weight", &[inputs, outputs], weight).arranged(Arrangement::Transposed),
            ParameterSpec::new("bias", &[outputs], bias),
        ]
        .map(|spec| spec.units((inputs, outputs)).within(name))
    }

    /// The layer over the parameters of its name, which it shares.
    ///
    /// # Errors
    /// There are none, or their shapes do not fit each other.
    pub fn over(parameters: &Parameters, name: &str, activation: Activation) -> Result<Self> {
        let find = |kind: &str| {
            let full = format!("{name}.{kind}");
            let found = parameters.get(&full).cloned();
            found.ok_or_else(|| Error::argument("linear", format!("there is no parameter '{full}'")))
        };
        let (weight, bias) = (find("weight")?, find("bias")?);
        weight.check_rank("linear", 2)?;
        if bias.shape().sizes() != &weight.shape()[1..] {
            let rule = "do not fit: weight [inputs, outputs] and bias [outputs] are needed";
            return Err(Error::shape("linear", &[weight.shape(), bias.shape()], rule));
        }
        Ok(Self { name: name.to_owned(), weight, bias, activation })
    }

    /// Its name, which is also the label of what it allocates.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shape [inputs, outputs].
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// Shape `[outputs]`.
    pub fn bias(&self) -> &Tensor {
        &self.bias
    }

    /// What follows product and bias.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The layer's result, recorded with its parameters as leaves.
    ///
    /// # Errors
    /// Shapes or element types that do not fit, a tape that is used up, or memory runs out.
    pub fn forward(&self, tape: &Tape, x: &Var) -> Result<Var> {
        self.run(x, |parameter| tape.parameter(parameter))
    }

    /// The layer's result, with nothing kept.
    ///
    /// # Errors
    /// Shapes or element types that do not fit, or memory runs out.
    pub fn infer(&self, x: &Tensor) -> Result<Tensor> {
        self.run(&Var::constant(x), |parameter| Ok(Var::constant(parameter))).map(Var::into_tensor)
    }

    fn run(&self, x: &Var, leaf: impl Fn(&Tensor) -> Result<Var>) -> Result<Var> {
        let _scope = scope::enter(&self.name);
        affine(x, &leaf(&self.weight)?, Some(&leaf(&self.bias)?), self.activation)
    }
}

/// `activation(x * weight + bias)`, in one call where bias and activation can be.
pub(super) fn affine(x: &Var, weight: &Var, bias: Option<&Var>, activation: Activation) -> Result<Var> {
    let Some(bias) = bias else {
        return Var::apply(&*activation.formula(), &[&x.matmul(weight)?], Seed::default());
    };
    activation.with(|formula, biased| match biased {
        Some(biased) => x.linear_with(weight, bias, formula, biased),
        None => Var::apply(formula, &[&x.linear(weight, bias, activation::linear)?], Seed::default()),
    })
}
