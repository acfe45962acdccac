//! A linear layer as one operation: product, bias and activation in one call, and a backward pass that keeps one tensor.

use super::backward::Backward;
use super::matmul::transposed;
use super::needs::{self, Need};
use super::tape::{Index, Step, Tape};
use super::var::Var;
use crate::device::Seed;
use crate::error::{Error, Result};
use crate::formula::catalogue::activation;
use crate::formula::{AnyFormula, Biased, Formula};
use crate::tensor::Tensor;

impl Var {
    /// `activation(self * weight + bias)` for shapes [.., inputs], [inputs, outputs] and `[outputs]`: [.., outputs].
    ///
    /// Keeps, beside its factors, the result if the activation gives its derivative from that; nothing for the identity; the
    /// bare product otherwise. The input's gradient is not computed where nobody wants it.
    ///
    /// # Errors
    /// Shapes that do not fit, differing element types, devices or tapes, or memory runs out.
    pub fn linear<F: Formula>(&self, weight: &Self, bias: &Self, activation: F) -> Result<Self> {
        self.linear_with(weight, bias, &activation, &Biased(activation))
    }

    /// As [`linear`](Self::linear), for a formula whose type is not known here, and the same with its bias.
    pub(crate) fn linear_with(
        &self,
        weight: &Self,
        bias: &Self,
        activation: &dyn AnyFormula,
        biased: &dyn AnyFormula,
    ) -> Result<Self> {
        check_shapes(self, weight, bias)?;
        check_activation(activation)?;
        if self.shape().rank() != 2 {
            let (columns, outer) = (self.shape()[self.shape().rank() - 1], &self.shape()[..self.shape().rank() - 1]);
            let rows = self.reshape(&[outer.iter().product(), columns])?;
            let sizes = [outer, &[weight.shape()[1]]].concat();
            return rows.linear_with(weight, bias, activation, biased)?.reshape(&sizes);
        }
        let tape = Tape::common("linear", &[self, weight, bias])?;
        let slope = Slope::of(activation, biased)?;
        let keep = tape.is_some() && matches!(slope, Slope::FromProduct(_));
        let (output, product) = self.tensor().matmul_map(weight.tensor(), biased, bias.tensor(), keep)?;
        let Some(tape) = tape else { return Ok(Self::unrecorded(output)) };
        let slope = match (slope, product) {
            (Slope::Identity, _) => Kept::Nothing,
            (Slope::FromOutput(formula), _) => Kept::Output { formula, output: output.clone() },
            (Slope::FromProduct(formula), Some(product)) => {
                Kept::Product { formula, product, bias: bias.tensor().clone() }
            }
            (Slope::FromProduct(_), None) => return Err(Error::gradient("linear", "kept no product")),
        };
        let linear = Linear {
            slope,
            input: self.index().map(|index| (index, weight.tensor().clone())),
            weight: weight.index().map(|index| (index, self.tensor().clone())),
            bias: bias.index(),
        };
        tape.push("linear", output, Step::Pull(Box::new(move |gradient, backward| linear.pull(gradient, backward))))
    }
}

fn check_shapes(x: &Var, weight: &Var, bias: &Var) -> Result<()> {
    let fits = match (x.shape().split_last(), weight.shape().sizes(), bias.shape().sizes()) {
        (Some((&columns, _)), &[inputs, outputs], &[biases]) => columns == inputs && outputs == biases,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let rule = "do not fit: input [.., inputs], weight [inputs, outputs] and bias [outputs] are needed";
    Err(Error::shape("linear", &[x.shape(), weight.shape(), bias.shape()], rule))
}

/// Fails unless it takes one number to one other, without chance.
fn check_activation(activation: &dyn AnyFormula) -> Result<()> {
    let signature = activation.signature();
    if signature.inputs == 1 && signature.outputs == 1 && signature.draws.is_empty() {
        return Ok(());
    }
    let rule = "is not a function of one number without random draws, as an activation is";
    Err(Error::argument(signature.name, rule))
}

/// What a linear layer keeps for its backward pass beside its factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    Nothing,
    /// Its result.
    Output,
    /// The bare product.
    Product,
}

impl Keeps {
    /// What it keeps for an activation, given also with its bias.
    pub fn of(activation: &dyn AnyFormula, biased: &dyn AnyFormula) -> Result<Self> {
        Ok(match Slope::of(activation, biased)? {
            Slope::Identity => Self::Nothing,
            Slope::FromOutput(_) => Self::Output,
            Slope::FromProduct(_) => Self::Product,
        })
    }
}

/// How the derivative of an activation is had.
enum Slope {
    /// It is 1.
    Identity,
    /// From the result: a formula of the result and its gradient.
    FromOutput(Box<dyn AnyFormula>),
    /// From the bare product: a formula of the product, the bias and the gradient of the result.
    FromProduct(Box<dyn AnyFormula>),
}

impl Slope {
    fn of(activation: &dyn AnyFormula, biased: &dyn AnyFormula) -> Result<Self> {
        if let Some(formula) = activation.gradient_from_output() {
            return Ok(Self::FromOutput(formula));
        }
        match biased.gradient(0) {
            Some(formula) if needs::of(biased)[0] != Need::Nothing => Ok(Self::FromProduct(formula)),
            Some(_) => Ok(Self::Identity),
            None => Err(Error::gradient(activation.signature().name, "has no gradient and cannot be an activation")),
        }
    }
}

/// What is kept for it.
enum Kept {
    Nothing,
    Output { formula: Box<dyn AnyFormula>, output: Tensor },
    Product { formula: Box<dyn AnyFormula>, product: Tensor, bias: Tensor },
}

/// The way back: each leaf or input that wants a gradient, with what that needs.
struct Linear {
    slope: Kept,
    input: Option<(Index, Tensor)>,
    weight: Option<(Index, Tensor)>,
    bias: Option<Index>,
}

impl Linear {
    fn pull(self, gradient: Tensor, backward: &mut Backward) -> Result<()> {
        let gradient = self.slope.pull(gradient, backward)?;
        match (self.bias, self.weight) {
            (Some(bias), Some((weight, x))) => {
                backward.give_product_and_sums(weight, bias, &transposed(&x)?, &gradient)?;
            }
            (None, Some((weight, x))) => backward.give_product(weight, &transposed(&x)?, &gradient)?,
            (Some(bias), None) => {
                let columns = crate::Shape::new(&gradient.shape()[1..])?;
                backward.give_map_sum(bias, &activation::linear, &[&gradient], &columns)?;
            }
            (None, None) => {}
        }
        match self.input {
            Some((input, weight)) => backward.give_product(input, &gradient, &transposed(&weight)?),
            None => Ok(()),
        }
    }
}

impl Kept {
    /// The gradient before the activation, written over that behind it where nobody else holds that.
    fn pull(self, gradient: Tensor, backward: &Backward) -> Result<Tensor> {
        let seed = Seed::default();
        match self {
            Self::Nothing => Ok(gradient),
            Self::Output { formula, output } => backward.mapped(&*formula, &[&output, &gradient], &gradient, seed),
            Self::Product { formula, product, bias } => {
                backward.mapped(&*formula, &[&product, &bias, &gradient], &gradient, seed)
            }
        }
    }
}
