//! Formulas whose run-time scalars are read when they run.

use std::any::TypeId;

use super::any::AnyFormula;
use super::definition::{MAX_OUTPUTS, MAX_PARAMETERS, Signature};
use super::expression::Graph;
use super::run::Span;

/// A formula whose run-time scalars a device reads from its own memory when it runs, as f64 from this address on: each time
/// work is run again that was written down once, it finds there what it is told. Everything else is the formula's own.
pub struct Told<'a> {
    formula: &'a dyn AnyFormula,
    address: u64,
}

impl<'a> Told<'a> {
    /// This formula, with its scalars at an address of the device.
    pub fn new(formula: &'a dyn AnyFormula, address: u64) -> Self {
        Self { formula, address }
    }
}

impl AnyFormula for Told<'_> {
    fn told_at(&self) -> Option<u64> {
        Some(self.address)
    }

    fn signature(&self) -> &'static Signature {
        self.formula.signature()
    }

    fn parameters(&self) -> [f64; MAX_PARAMETERS] {
        self.formula.parameters()
    }

    fn key(&self) -> TypeId {
        self.formula.key()
    }

    fn graph(&self) -> Graph {
        self.formula.graph()
    }

    fn reference(&self, inputs: &[f64], draws: &[f64]) -> [f64; MAX_OUTPUTS] {
        self.formula.reference(inputs, draws)
    }

    unsafe fn run_f32(&self, span: &Span<'_, f32>) {
        // SAFETY: the caller keeps the same promise.
        unsafe { self.formula.run_f32(span) }
    }

    unsafe fn run_f64(&self, span: &Span<'_, f64>) {
        // SAFETY: the caller keeps the same promise.
        unsafe { self.formula.run_f64(span) }
    }

    fn gradient(&self, input: usize) -> Option<Box<dyn AnyFormula>> {
        self.formula.gradient(input)
    }

    fn gradient_from_output(&self) -> Option<Box<dyn AnyFormula>> {
        self.formula.gradient_from_output()
    }

    fn boxed(&self) -> Box<dyn AnyFormula> {
        self.formula.boxed()
    }
}
