//! Activations as layers of their own.

use super::super::initializer::Initializer;
use super::super::parameters::ParameterSpec;
use super::{Built, Layer, features};
use crate::autograd::Var;
use crate::device::Seed;
use crate::error::{Error, Result};
use crate::formula::{AnyFormula, Formula};

/// Any formula of one number, for every element. Its random draws, if it has some, are made in training and inference alike.
pub struct Activate(Box<dyn AnyFormula>);

impl Activate {
    /// A formula of one input and one output, such as `activation::relu` or one of your own.
    pub fn new(formula: impl Formula) -> Self {
        Self(Box::new(formula))
    }
}

impl From<super::super::activation::Activation> for Activate {
    fn from(activation: super::super::activation::Activation) -> Self {
        Self(activation.formula())
    }
}

impl Layer for Activate {
    fn kind(&self) -> &'static str {
        self.0.signature().name
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        check_arity(&*self.0, 1)?;
        let formula = self.0.boxed();
        Ok(Built::new(input, [], move |x, _, pass| Var::apply(&*formula, &[x], pass.seed().unwrap_or_default())))
    }
}

/// What a learned number of an activation belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// All units share it. Shape `[1]`.
    Layer,
    /// Each unit, along the last axis, has its own. Shape `[units]`.
    Unit,
}

/// An activation whose parameters are learned: a formula of the input and of up to three parameters.
pub struct Learned {
    formula: Box<dyn AnyFormula>,
    per: Per,
    initial: Vec<f64>,
}

impl Learned {
    /// A formula such as `activation::prelu(x, slope)`, with the first value of each parameter.
    pub fn new(formula: impl Formula, per: Per, initial: &[f64]) -> Self {
        Self { formula: Box::new(formula), per, initial: initial.to_vec() }
    }
}

impl Layer for Learned {
    fn kind(&self) -> &'static str {
        self.formula.signature().name
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        check_arity(&*self.formula, 1 + self.initial.len())?;
        let count = if self.per == Per::Layer { 1 } else { features(self.kind(), input)? };
        let names = (1..).map(|nth| if self.initial.len() == 1 { "alpha".to_owned() } else { format!("alpha{nth}") });
        let parameters: Vec<_> = names
            .zip(&self.initial)
            .map(|(name, &value)| ParameterSpec::new(name, &[count], Initializer::Constant(value)))
            .collect();
        let formula = self.formula.boxed();
        Ok(Built::new(input, parameters, move |x, parameters, _| {
            let inputs: Vec<_> = std::iter::once(x).chain(parameters).collect();
            Var::apply(&*formula, &inputs, Seed::default())
        }))
    }
}

fn check_arity(formula: &dyn AnyFormula, inputs: usize) -> Result<()> {
    let signature = formula.signature();
    if signature.inputs == inputs && signature.outputs == 1 {
        return Ok(());
    }
    let rule =
        format!("takes {} inputs to {} outputs, {inputs} and 1 are needed here", signature.inputs, signature.outputs);
    Err(Error::argument(signature.name, rule))
}

impl std::fmt::Debug for Activate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Activate({})", self.kind())
    }
}

impl std::fmt::Debug for Learned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Learned({}, {:?}, {:?})", self.kind(), self.per, self.initial)
    }
}
