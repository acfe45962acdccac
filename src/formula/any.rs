//! The face of a formula that a backend sees: one object-safe trait, implemented for every formula.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;

use super::definition::{Arguments, Formula, Gradient, GradientFromOutput, MAX_OUTPUTS, MAX_PARAMETERS, Signature};
use super::expression::{Graph, Node};
use super::run::{Span, run_span};

/// A formula whose type is not known here: all a backend, a tape or a profiler needs of it.
pub trait AnyFormula: Send + Sync {
    /// Its name, arity and the rest that does not depend on values.
    fn signature(&self) -> &'static Signature;

    /// The values of the run-time scalars, in the order of the signature; the rest is 0.
    fn parameters(&self) -> [f64; MAX_PARAMETERS];

    /// What tells this formula from every other, whatever the run-time scalars.
    fn key(&self) -> TypeId;

    /// Its expression graph.
    fn graph(&self) -> Graph;

    /// The outputs for one element, in f64: the reference.
    fn reference(&self, inputs: &[f64], draws: &[f64]) -> [f64; MAX_OUTPUTS];

    /// Runs it over a span of f32 elements, on the widest lanes there are.
    ///
    /// # Safety
    /// The span's pointers are as many as the signature says, valid for its count, and nobody else writes there.
    unsafe fn run_f32(&self, span: &Span<'_, f32>);

    /// Runs it over a span of f64 elements, on the widest lanes there are.
    ///
    /// # Safety
    /// The span's pointers are as many as the signature says, valid for its count, and nobody else writes there.
    unsafe fn run_f64(&self, span: &Span<'_, f64>);

    /// Its gradient in input `input`; none for a gradient, for more than three inputs, or beyond the inputs.
    fn gradient(&self, input: usize) -> Option<Box<dyn AnyFormula>>;

    /// Its gradient from the output alone, where its definition gives one.
    fn gradient_from_output(&self) -> Option<Box<dyn AnyFormula>>;

    /// Where a device reads the run-time scalars when it runs, if not from the call: see [`Told`](super::Told).
    fn told_at(&self) -> Option<u64> {
        None
    }

    /// The same formula with the same run-time scalars, to keep.
    fn boxed(&self) -> Box<dyn AnyFormula>;
}

impl<F: Formula> AnyFormula for F {
    fn signature(&self) -> &'static Signature {
        &F::SIGNATURE
    }

    fn parameters(&self) -> [f64; MAX_PARAMETERS] {
        Formula::parameters(self)
    }

    fn key(&self) -> TypeId {
        TypeId::of::<F>()
    }

    fn graph(&self) -> Graph {
        Graph::of::<F>()
    }

    fn reference(&self, inputs: &[f64], draws: &[f64]) -> [f64; MAX_OUTPUTS] {
        let mut outputs = [0.0; MAX_OUTPUTS];
        F::evaluate(Arguments { inputs, parameters: &Formula::parameters(self), draws }, &mut outputs);
        outputs
    }

    unsafe fn run_f32(&self, span: &Span<'_, f32>) {
        // SAFETY: the caller keeps the same promise.
        unsafe { run_span::<F, f32>(&Formula::parameters(self), span) }
    }

    unsafe fn run_f64(&self, span: &Span<'_, f64>) {
        // SAFETY: the caller keeps the same promise.
        unsafe { run_span::<F, f64>(&Formula::parameters(self), span) }
    }

    fn gradient(&self, input: usize) -> Option<Box<dyn AnyFormula>> {
        F::Backward::gradient(self, input)
    }

    fn gradient_from_output(&self) -> Option<Box<dyn AnyFormula>> {
        F::Backward::gradient_from_output(self)
    }

    fn boxed(&self) -> Box<dyn AnyFormula> {
        Box::new(*self)
    }
}

/// Which gradients a formula has. Known by type, so that only those are compiled: a gradient has none of its own.
pub trait Backward<F> {
    /// The gradient in input `input`.
    fn gradient(formula: &F, input: usize) -> Option<Box<dyn AnyFormula>>;

    /// The gradient from the output alone.
    fn gradient_from_output(formula: &F) -> Option<Box<dyn AnyFormula>>;
}

/// A formula of `INPUTS` inputs has a gradient in each of up to three, and from its output if `FROM_OUTPUT` says so.
/// Formulas of more inputs are optimiser steps, which nobody differentiates.
#[derive(Debug, Clone, Copy)]
pub struct Differentiable<const INPUTS: usize, const FROM_OUTPUT: bool>;

macro_rules! backward {
    ($($inputs:literal $from_output:literal: [$($input:literal)*] $($wrapper:ident)?;)*) => {
        $(impl<F: Formula> Backward<F> for Differentiable<$inputs, $from_output> {
            fn gradient(formula: &F, input: usize) -> Option<Box<dyn AnyFormula>> {
                let _ = formula;
                match input {
                    $($input => Some(Box::new(Gradient::<F, $input>(*formula))),)*
                    _ => None,
                }
            }

            fn gradient_from_output(formula: &F) -> Option<Box<dyn AnyFormula>> {
                let _ = formula;
                [$(Box::new($wrapper(*formula)) as Box<dyn AnyFormula>)?].into_iter().next()
            }
        })*
    };
}

backward! {
    0 false: [];
    1 false: [0];
    1 true: [0] GradientFromOutput;
    2 false: [0 1];
    3 false: [0 1 2];
    4 false: [];
    5 false: [];
    6 false: [];
    7 false: [];
    8 false: [];
}

/// Whether a formula's outputs depend on its input `input` at all; found from its graph once per thread.
pub fn uses_input(formula: &dyn AnyFormula, input: usize) -> bool {
    USES.with_borrow_mut(|known| {
        let used = known.entry(formula.key()).or_insert_with(|| {
            let graph = formula.graph();
            (0..formula.signature().inputs).map(|i| graph.uses(Node::Input(i))).collect()
        });
        used.get(input).copied().unwrap_or(false)
    })
}

/// Floating point operations for one element; found from the formula's graph once per thread.
pub fn work_of_element(formula: &dyn AnyFormula) -> usize {
    WORK.with_borrow_mut(|known| {
        *known.entry(formula.key()).or_insert_with(|| {
            let cost = formula.graph().cost();
            cost.arithmetic + cost.special
        })
    })
}

thread_local! {
    static WORK: RefCell<HashMap<TypeId, usize>> = RefCell::default();
    static USES: RefCell<HashMap<TypeId, Vec<bool>>> = RefCell::default();
}
