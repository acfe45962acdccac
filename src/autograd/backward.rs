//! The backward pass: takes a tape apart from its end and hands gradients from results to inputs.

use super::gradients::Gradients;
use super::linear::Linear;
use super::tape::{Entries, Entry, Index, Step, Whole};
use super::var::Var;
use crate::device::Seed;
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::formula::catalogue::{activation, arithmetic};
use crate::scope::{self, Label};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Unwinds the tape of `loss`, from the gradient `seed` of it; 1 for none given.
pub(super) fn run(loss: &Var, seed: Option<&Tensor>) -> Result<Gradients> {
    let (Some(tape), Some(root)) = (loss.tape(), loss.index()) else {
        return Err(Error::gradient("backward", "the loss depends on no variable of a tape"));
    };
    let (entries, wholes) = tape.consume()?;
    let mut backward = Backward::new(entries, wholes);
    backward.start(root, loss.tensor(), seed)?;
    while let Some(entry) = backward.entries.0.pop() {
        backward.unwind(backward.entries.0.len(), entry)?;
    }
    Ok(Gradients::new(
        tape.clone(),
        backward.leaves,
        backward.wholes.into_iter().filter_map(Gathered::finish).collect(),
    ))
}

/// A backward pass under way: what is left of the tape, and the gradients on their way down it.
pub(super) struct Backward {
    entries: Entries,
    /// One place per entry: the sum of what its users have given so far.
    slots: Vec<Option<Tensor>>,
    wholes: Vec<Gathered>,
    leaves: Vec<(Index, Option<Tensor>)>,
    /// The loss whose gradient is 1.
    unit: Option<Index>,
}

/// A buffer of which parts are leaves, and the gradient of it all.
struct Gathered {
    whole: Whole,
    gradient: Option<Tensor>,
}

/// Where a gradient goes.
enum Destination {
    /// Nowhere yet: it becomes the entry's sum, or is added to one that others see too.
    Slot,
    /// Over a place that holds nothing.
    Overwrite(Tensor),
    /// Added to what is there.
    Add(Tensor),
}

impl Backward {
    fn new(entries: Entries, wholes: Vec<Whole>) -> Self {
        let slots = entries.0.iter().map(|_| None).collect();
        let wholes = wholes.into_iter().map(|whole| Gathered { whole, gradient: None }).collect();
        Self { entries, slots, wholes, leaves: Vec::new(), unit: None }
    }

    fn start(&mut self, root: Index, loss: &Tensor, seed: Option<&Tensor>) -> Result<()> {
        let ready = matches!(self.entries.0.get(root), Some(Entry { step: Step::Loss { .. }, .. }));
        match seed {
            Some(gradient) => self.slots[root] = Some(gradient.clone()),
            None if ready => self.unit = Some(root),
            None => self.slots[root] = Some(Tensor::full(loss.shape(), 1.0, loss.dtype(), loss.device())?),
        }
        Ok(())
    }

    fn unwind(&mut self, index: Index, entry: Entry) -> Result<()> {
        let _scope = scope::resume(entry.label.child("gradient"));
        let slot = self.slots.pop().flatten();
        match (entry.step, slot) {
            (Step::Leaf, gradient) => self.leaves.push((index, gradient)),
            (Step::Part { .. }, Some(gradient)) => self.leaves.push((index, Some(gradient))),
            (Step::Part { whole, part }, None) => {
                let gradient = self.part_gradient(whole, &part)?;
                gradient.fill(0.0)?;
                self.leaves.push((index, Some(gradient)));
            }
            (Step::Pull(pull), Some(gradient)) => pull(gradient, self)?,
            (Step::Linear(linear), Some(gradient)) => linear.pull(gradient, self)?,
            (Step::Loss { input, gradient }, None) if self.unit == Some(index) => self.give(input, gradient)?,
            (Step::Loss { input, gradient }, Some(factor)) => {
                let scaled = self.mapped(&arithmetic::mul, &[&gradient, &factor], &gradient, Seed::default())?;
                drop(gradient);
                self.give(input, scaled)?;
            }
            // Nothing the loss depends on.
            (Step::Pull(_) | Step::Linear(_) | Step::Loss { .. }, None) => {}
        }
        Ok(())
    }

    /// Adds `gradient` to the gradient of entry `to`.
    pub fn give(&mut self, to: Index, gradient: Tensor) -> Result<()> {
        match self.destination(to)? {
            Destination::Slot => self.merge(to, gradient),
            Destination::Overwrite(target) => target.assign("backward", &gradient),
            Destination::Add(target) => target.add_assign(&gradient),
        }
    }

    /// As [`give`](Self::give), after a sum down to the shape of the entry, which the gradient's was broadcast from.
    pub fn give_summed(&mut self, to: Index, gradient: Tensor, shape: &Shape) -> Result<()> {
        if gradient.shape() == shape {
            return self.give(to, gradient);
        }
        self.give_map_sum(to, &activation::linear, &[&gradient], shape)
    }

    /// Gives the product of two matrices, computed where it is wanted.
    pub fn give_product(&mut self, to: Index, a: &Tensor, b: &Tensor) -> Result<()> {
        match self.destination(to)? {
            Destination::Slot => self.merge(to, a.matmul(b)?),
            Destination::Overwrite(target) => target.write_matmul("backward", a, b, false),
            Destination::Add(target) if target.layout().is_contiguous() => target.write_matmul("backward", a, b, true),
            Destination::Add(target) => target.add_assign(&a.matmul(b)?),
        }
    }

    /// Gives the product of two matrices, and to `sums_to` the sums of the second over its rows: in one call where both are
    /// computed where they are wanted.
    pub fn give_product_and_sums(&mut self, to: Index, sums_to: Index, a: &Tensor, b: &Tensor) -> Result<()> {
        if self.is_open_part(to)
            && self.is_open_part(sums_to)
            && let (Some(product), Some(sums)) = (self.place_of_part(to)?, self.place_of_part(sums_to)?)
        {
            return product.write_matmul_and_sums(a, b, &sums);
        }
        let columns = Shape::new(&b.shape()[1..])?;
        self.give_map_sum(sums_to, &activation::linear, &[b], &columns)?;
        self.give_product(to, a, b)
    }

    /// Gives a formula of `inputs` summed down to `shape`, computed where it is wanted.
    pub fn give_map_sum(
        &mut self,
        to: Index,
        formula: &dyn AnyFormula,
        inputs: &[&Tensor],
        shape: &Shape,
    ) -> Result<()> {
        match self.destination(to)? {
            Destination::Slot => self.merge(to, Tensor::map_sum_to(formula, inputs, shape)?),
            Destination::Overwrite(target) => target.write_map_sum(formula, inputs),
            Destination::Add(target) => target.add_assign(&Tensor::map_sum_to(formula, inputs, shape)?),
        }
    }

    /// Gives a formula of `inputs`, over the memory of `spent` where nobody else needs that any more.
    pub fn give_map(
        &mut self,
        to: Index,
        formula: &dyn AnyFormula,
        inputs: &[&Tensor],
        spent: Option<&Tensor>,
        seed: Seed,
    ) -> Result<()> {
        let result = match (self.destination(to)?, spent) {
            (Destination::Overwrite(target), _) => return Tensor::update(formula, inputs, &[&target], seed),
            (_, Some(spent)) => self.mapped(formula, inputs, spent, seed)?,
            (_, None) => Tensor::apply(formula, inputs, seed)?,
        };
        self.give(to, result)
    }

    /// Adds `gradient` to the region of the gradient of entry `to`, of shape `shape`, that `region` picks.
    pub fn give_region(
        &mut self,
        to: Index,
        gradient: &Tensor,
        shape: &Shape,
        region: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        match self.destination(to)? {
            Destination::Add(target) => region(&target)?.add_assign(gradient),
            Destination::Overwrite(target) => {
                target.fill(0.0)?;
                region(&target)?.assign("backward", gradient)
            }
            Destination::Slot => {
                let padded = Tensor::zeros(shape, gradient.dtype(), gradient.device())?;
                region(&padded)?.assign("backward", gradient)?;
                self.merge(to, padded)
            }
        }
    }

    /// A formula of `inputs`, over the memory of `spent` (one of them, of the result's shape and type) if nobody else
    /// holds it.
    pub fn mapped(&self, formula: &dyn AnyFormula, inputs: &[&Tensor], spent: &Tensor, seed: Seed) -> Result<Tensor> {
        if !spent.is_exclusive() {
            return Tensor::apply(formula, inputs, seed);
        }
        Tensor::update(formula, inputs, &[spent], seed)?;
        Ok(spent.clone())
    }

    /// The linear layer that entry `to` is the result of, if nobody else gives that a gradient: nobody did so far, and only
    /// leaves are recorded between it and the entry at hand.
    pub fn layer_alone(&mut self, to: Index) -> Option<&mut Linear> {
        let (before, after) = self.entries.0.split_at_mut(to + 1);
        let is_alone =
            self.slots[to].is_none() && after.iter().all(|entry| matches!(entry.step, Step::Leaf | Step::Part { .. }));
        match before {
            [.., Entry { step: Step::Linear(linear), .. }] if is_alone => Some(linear),
            _ => None,
        }
    }

    /// The place for the gradient of a leaf that is a part and has none yet: to be written over.
    pub fn place_of_part(&mut self, to: Index) -> Result<Option<Tensor>> {
        if !self.is_open_part(to) {
            return Ok(None);
        }
        match self.destination(to)? {
            Destination::Overwrite(place) => Ok(Some(place)),
            Destination::Slot | Destination::Add(_) => Ok(None),
        }
    }

    fn is_open_part(&self, to: Index) -> bool {
        self.slots[to].is_none() && matches!(self.entries.0[to].step, Step::Part { .. })
    }

    fn destination(&mut self, to: Index) -> Result<Destination> {
        match (&self.slots[to], &self.entries.0[to].step) {
            (Some(sum), Step::Part { .. }) => Ok(Destination::Add(sum.clone())),
            (Some(sum), _) if sum.is_exclusive() => Ok(Destination::Add(sum.clone())),
            (None, Step::Part { whole, part }) => {
                let (whole, part) = (*whole, part.clone());
                let gradient = self.part_gradient(whole, &part)?;
                self.slots[to] = Some(gradient.clone());
                Ok(Destination::Overwrite(gradient))
            }
            _ => Ok(Destination::Slot),
        }
    }

    /// Makes `gradient` the sum of the entry, or adds it to one that others see too.
    fn merge(&mut self, to: Index, gradient: Tensor) -> Result<()> {
        let sum = match self.slots[to].take() {
            None => gradient,
            Some(sum) => self.mapped(&arithmetic::add, &[&sum, &gradient], &gradient, Seed::default())?,
        };
        self.slots[to] = Some(sum);
        Ok(())
    }

    /// The place of a part in the gradient of its buffer, which is made when first asked for.
    fn part_gradient(&mut self, whole: usize, part: &Tensor) -> Result<Tensor> {
        let Gathered { whole, gradient } = &mut self.wholes[whole];
        if let Some(gradient) = gradient {
            return Ok(gradient.with_layout(part.layout().clone()));
        }
        let _scope = scope::resume(Label::ROOT.child("gradients"));
        let made = Tensor::uninitialized(Shape::new(&[part.buffer_count()])?, part.dtype(), part.device())?;
        if whole.covered < made.count() {
            made.fill(0.0)?;
        }
        Ok(gradient.insert(made).with_layout(part.layout().clone()))
    }
}

impl Gathered {
    /// The tensor the parts belong to, and its gradient.
    fn finish(self) -> Option<(Tensor, Tensor)> {
        Some((self.whole.like, self.gradient?))
    }
}
