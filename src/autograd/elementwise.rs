//! Elementwise operations: any formula, and back through its gradients.

use std::rc::Rc;

use super::backward::Backward;
use super::needs::{self, Need};
use super::tape::{Index, Pullback, Step, Tape};
use super::var::Var;
use crate::device::{Reduction, Seed};
use crate::error::{Error, Result};
use crate::formula::catalogue::arithmetic;
use crate::formula::{AnyFormula, Formula};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::named::named;

impl Var {
    /// As [`Tensor::map`].
    ///
    /// # Errors
    /// As [`Tensor::map`].
    pub fn map(&self, formula: impl Formula) -> Result<Self> {
        Self::zip(formula, [self])
    }

    /// As [`Tensor::zip`].
    ///
    /// # Errors
    /// As [`Tensor::zip`].
    pub fn zip<const N: usize>(formula: impl Formula, inputs: [&Self; N]) -> Result<Self> {
        Self::apply(&formula, &inputs, Seed::default())
    }

    /// As [`Tensor::zip_random`]; the backward pass draws the same numbers again.
    ///
    /// # Errors
    /// As [`Tensor::zip_random`].
    pub fn zip_random<const N: usize>(formula: impl Formula, inputs: [&Self; N], seed: Seed) -> Result<Self> {
        Self::apply(&formula, &inputs, seed)
    }

    /// As [`Tensor::apply`]. Keeps the output alone where the formula gives its derivative from it, else those inputs that
    /// a wanted gradient depends on.
    ///
    /// # Errors
    /// As [`Tensor::apply`]; or a gradient is wanted that the formula does not have: it has them for the first four inputs
    /// of at most eight inputs and outputs.
    pub fn apply(formula: &dyn AnyFormula, inputs: &[&Self], seed: Seed) -> Result<Self> {
        let name = formula.signature().name;
        let tape = Tape::common(name, inputs)?;
        let tensors: Vec<_> = inputs.iter().map(|input| input.tensor()).collect();
        let output = Tensor::apply(formula, &tensors, seed)?;
        let Some(tape) = tape else { return Ok(Self::unrecorded(output)) };
        let step = match (formula.gradient_from_output(), inputs) {
            (Some(gradient), [input]) => from_output(gradient, output.clone(), input.index()),
            _ => Step::Pull(from_inputs(formula, inputs, seed)?),
        };
        tape.push(name, output, step)
    }

    /// A formula over its inputs, broadcast together, summed to one number that is multiplied by `scale`: one pass here, and on
    /// the way back one for each input.
    pub(super) fn map_sum(formula: &dyn AnyFormula, inputs: &[&Self], scale: f64) -> Result<Self> {
        let name = formula.signature().name;
        let tape = Tape::common(name, inputs)?;
        let tensors: Vec<_> = inputs.iter().map(|input| input.tensor()).collect();
        let layout = Tensor::check_inputs(formula.signature(), &tensors)?;
        let kept = Tensor::kept(name, layout.shape(), &[])?;
        let sum = Tensor::map_reduce(name, Reduction::Sum { scale }, formula, &tensors, &kept)?.reshape(&[])?;
        let Some(tape) = tape else { return Ok(Self::unrecorded(sum)) };
        let pull = from_inputs(formula, inputs, Seed::default())?;
        let spread = move |gradient: Tensor, backward: &mut Backward| {
            let share = if scale == 1.0 { gradient } else { gradient.scale_shift(scale, 0.0)? };
            pull(share.broadcast_to(layout.shape())?, backward)
        };
        tape.push(name, sum, Step::Pull(Box::new(spread)))
    }

    /// `factor` times the elements plus `term`.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn scale_shift(&self, factor: f64, term: f64) -> Result<Self> {
        self.map(arithmetic::scale_shift { factor, term })
    }

    /// The elements within `low..=high`; no gradient passes outside.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn clamp(&self, low: f64, high: f64) -> Result<Self> {
        self.map(arithmetic::clamp { low, high })
    }
}

macro_rules! methods {
    (one: $($(#[$doc:meta])* $one:ident)*; two: $($(#[$doc_two:meta])* $two:ident)*;) => {
        impl Var {
            $($(#[$doc])*
            ///
            /// # Errors
            /// Not floating point, or memory runs out.
            pub fn $one(&self) -> Result<Self> {
                self.tensor().check_float(stringify!($one))?;
                self.map(arithmetic::$one)
            })*
            $($(#[$doc_two])*
            ///
            /// Shapes are broadcast together.
            ///
            /// # Errors
            /// Shapes that do not broadcast, differing element types, devices or tapes, or memory runs out.
            pub fn $two(&self, other: &Self) -> Result<Self> {
                Self::zip(arithmetic::$two, [self, other])
            })*
        }
    };
}

named! { methods }

/// The way back of a function of one number that keeps its output alone.
fn from_output(formula: Box<dyn AnyFormula>, output: Tensor, input: Option<Index>) -> Step {
    Step::Pull(Box::new(move |gradient, backward| {
        let Some(input) = input else { return Ok(()) };
        let operands = [&output, &gradient];
        backward.give_map(input, &*formula, &operands, Some(&gradient), Seed::default())
    }))
}

/// The way back of any other formula.
fn from_inputs(formula: &dyn AnyFormula, inputs: &[&Var], seed: Seed) -> Result<Pullback> {
    let needs = needs::of(formula);
    let wanted = |i: usize| inputs[i].index().map(|_| needs[i]);
    if (0..inputs.len()).any(|i| wanted(i) == Some(Need::Unknown)) {
        let rule = "has a gradient in its first four inputs only, and in none with more than eight inputs and outputs";
        return Err(Error::gradient(formula.signature().name, rule));
    }
    let is_used = |input: usize| (0..inputs.len()).any(|i| wanted(i).is_some_and(|need| need.uses(input)));
    let operands = inputs.iter().enumerate().map(|(i, var)| Operand {
        index: var.index(),
        shape: var.shape().clone(),
        kept: is_used(i).then(|| var.tensor().clone()),
    });
    let elementwise = Elementwise { formula: formula.boxed(), operands: operands.collect(), seed, needs };
    Ok(Box::new(move |gradient, backward| elementwise.pull(gradient, backward)))
}

struct Elementwise {
    formula: Box<dyn AnyFormula>,
    operands: Vec<Operand>,
    seed: Seed,
    needs: Rc<[Need]>,
}

struct Operand {
    index: Option<Index>,
    shape: Shape,
    kept: Option<Tensor>,
}

impl Elementwise {
    fn pull(self, gradient: Tensor, backward: &mut Backward) -> Result<()> {
        let last = self.operands.iter().rposition(|operand| operand.index.is_some());
        for (i, operand) in self.operands.iter().enumerate() {
            let Some(index) = operand.index else { continue };
            match (self.needs[i], self.formula.gradient(i)) {
                (Need::Nothing, _) => backward.give_summed(index, gradient.clone(), &operand.shape)?,
                (_, Some(formula)) => {
                    let spent = Some(&gradient).filter(|_| last == Some(i));
                    self.give(backward, index, &*formula, &gradient, spent, &operand.shape)?;
                }
                (_, None) => {}
            }
        }
        Ok(())
    }

    fn give(
        &self,
        backward: &mut Backward,
        to: Index,
        formula: &dyn AnyFormula,
        gradient: &Tensor,
        spent: Option<&Tensor>,
        shape: &Shape,
    ) -> Result<()> {
        // Where the formula does not look at an input, the gradient stands in for it: it is read anyway.
        let kept = self.operands.iter().map(|operand| operand.kept.as_ref().unwrap_or(gradient));
        let inputs: Vec<_> = kept.chain([gradient]).collect();
        match (gradient.shape() == shape, formula.signature().draws) {
            (true, _) => backward.give_map(to, formula, &inputs, spent, self.seed),
            (false, []) => backward.give_map_sum(to, formula, &inputs, shape),
            // A reduction draws no numbers, so these are two passes.
            (false, _) => backward.give_summed(to, Tensor::apply(formula, &inputs, self.seed)?, shape),
        }
    }
}
