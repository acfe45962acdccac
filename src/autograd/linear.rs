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
use crate::memory::Buffer;
use crate::tensor::{Keep, Kept, Tensor};

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
        let keep = if tape.is_some() { slope.keep() } else { Keep::Nothing };
        let (output, kept) = self.tensor().matmul_activate(weight.tensor(), biased, bias.tensor(), keep)?;
        let Some(tape) = tape else { return Ok(Self::unrecorded(output)) };
        let slope = Way::new(slope, kept, activation, &output, bias.tensor())?;
        let linear = Linear {
            slope,
            input: self.index().map(|index| (index, weight.tensor().clone())),
            weight: weight.index().map(|index| (index, self.tensor().clone())),
            bias: bias.index(),
        };
        tape.push("linear", output, Step::Linear(Box::new(linear)))
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

fn no_gradient(activation: &dyn AnyFormula) -> Error {
    Error::gradient(activation.signature().name, "has no gradient and cannot be an activation")
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
            None => Err(no_gradient(activation)),
        }
    }

    fn keep(&self) -> Keep {
        match self {
            Self::Identity => Keep::Nothing,
            Self::FromOutput(_) => Keep::Mask,
            Self::FromProduct(_) => Keep::Argument,
        }
    }
}

/// The way back through an activation: a formula, and what was kept for it.
enum Way {
    /// The activation is the identity, or was passed already.
    Straight,
    /// Of the result.
    Output { formula: Box<dyn AnyFormula>, output: Tensor },
    /// Of what the device can also use within the product that gives the gradient.
    Within(Within),
    /// Of the bare product and the bias.
    Product { formula: Box<dyn AnyFormula>, product: Tensor, bias: Tensor },
}

/// The gradient of an activation: a formula of its result or argument, and a mask that the device made for it.
struct Within {
    formula: Box<dyn AnyFormula>,
    kept: Tensor,
    mask: Option<Buffer>,
}

/// The way back: each leaf or input that wants a gradient, with what that needs.
pub(super) struct Linear {
    slope: Way,
    input: Option<(Index, Tensor)>,
    weight: Option<(Index, Tensor)>,
    bias: Option<Index>,
}

impl Linear {
    pub(super) fn pull(self, gradient: Tensor, backward: &mut Backward) -> Result<()> {
        let gradient = self.slope.pull(gradient, backward)?;
        match (self.bias, self.weight) {
            (Some(bias), Some((weight, x))) => {
                backward.give_product_and_sums(weight, bias, &transposed(&x)?, &gradient)?;
            }
            (None, Some((weight, x))) => backward.give_product(weight, &transposed(&x)?, &gradient)?,
            (Some(bias), None) => give_rows(bias, &gradient, backward)?,
            (None, None) => {}
        }
        let Some((input, weight)) = self.input else { return Ok(()) };
        let weight = transposed(&weight)?;
        match backward.layer_alone(input).and_then(Self::take_within) {
            Some((within, bias)) => within.give(input, bias, &gradient, &weight, backward),
            None => backward.give_product(input, &gradient, &weight),
        }
    }

    /// What takes a gradient through this layer's activation within the product that makes the gradient, and the bias, whose
    /// gradient comes along: whoever takes them passes both.
    fn take_within(&mut self) -> Option<(Within, Option<Index>)> {
        match std::mem::replace(&mut self.slope, Way::Straight) {
            Way::Within(within) => Some((within, self.bias.take())),
            other => {
                self.slope = other;
                None
            }
        }
    }
}

impl Within {
    /// Gives the layer of entry `to` the gradient in front of its activation, from that in front of the next layer's and the
    /// transpose of the next layer's weight; and the bias its own.
    fn give(
        self,
        to: Index,
        bias: Option<Index>,
        gradient: &Tensor,
        weight: &Tensor,
        backward: &mut Backward,
    ) -> Result<()> {
        let sums = match bias {
            Some(bias) => backward.place_of_part(bias)?,
            None => None,
        };
        let Self { formula, kept, mask } = self;
        let result = gradient.matmul_activation_gradient(weight, &*formula, &kept, mask.as_ref(), sums.as_ref())?;
        if let (Some(bias), None) = (bias, sums) {
            give_rows(bias, &result, backward)?;
        }
        backward.give(to, result)
    }
}

/// Gives a bias the sums of a gradient over its rows.
fn give_rows(bias: Index, gradient: &Tensor, backward: &mut Backward) -> Result<()> {
    let columns = crate::Shape::new(&gradient.shape()[1..])?;
    backward.give_map_sum(bias, &activation::linear, &[gradient], &columns)
}

impl Way {
    fn new(slope: Slope, kept: Kept, activation: &dyn AnyFormula, output: &Tensor, bias: &Tensor) -> Result<Self> {
        Ok(match (slope, kept) {
            (Slope::Identity, _) => Self::Straight,
            (Slope::FromOutput(formula), Kept::Mask(mask)) => {
                Self::Within(Within { formula, kept: output.clone(), mask: Some(mask) })
            }
            (Slope::FromOutput(formula), _) => Self::Output { formula, output: output.clone() },
            (Slope::FromProduct(formula), Kept::Product(product)) => {
                Self::Product { formula, product, bias: bias.clone() }
            }
            (Slope::FromProduct(_), Kept::Argument(kept)) => {
                let Some(formula) = activation.gradient(0) else { return Err(no_gradient(activation)) };
                Self::Within(Within { formula, kept, mask: None })
            }
            (Slope::FromProduct(_), Kept::Nothing | Kept::Mask(_)) => {
                return Err(Error::gradient("linear", "kept no product"));
            }
        })
    }

    /// The gradient before the activation, written over that behind it where nobody else holds that.
    fn pull(self, gradient: Tensor, backward: &Backward) -> Result<Tensor> {
        let seed = Seed::default();
        match self {
            Self::Straight => Ok(gradient),
            Self::Output { formula, output: kept } | Self::Within(Within { formula, kept, .. }) => {
                backward.mapped(&*formula, &[&kept, &gradient], &gradient, seed)
            }
            Self::Product { formula, product, bias } => {
                backward.mapped(&*formula, &[&product, &bias, &gradient], &gradient, seed)
            }
        }
    }
}
