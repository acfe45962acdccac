//! What the gradients of a formula need, found from their graphs.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::formula::{AnyFormula, MAX_INPUTS, Node};

/// What the gradient in one input needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// The formula has no gradient in this input.
    Unknown,
    /// Nothing: the gradient of the result is the gradient of the input.
    Nothing,
    /// These inputs of the formula, beside the gradient of the result.
    Inputs([bool; MAX_INPUTS]),
}

impl Need {
    /// Whether input `input` of the formula is needed.
    pub fn uses(self, input: usize) -> bool {
        matches!(self, Self::Inputs(used) if used[input])
    }
}

/// The need of each input of a formula; found once per thread.
pub(super) fn of(formula: &dyn AnyFormula) -> Rc<[Need]> {
    KNOWN.with_borrow_mut(|known| known.entry(formula.key()).or_insert_with(|| find(formula)).clone())
}

fn find(formula: &dyn AnyFormula) -> Rc<[Need]> {
    let inputs = formula.signature().inputs;
    let need = |input: usize| {
        let Some(gradient) = formula.gradient(input) else { return Need::Unknown };
        let graph = gradient.graph();
        if graph.outputs.iter().all(|&output| graph.nodes[output] == Node::Input(inputs)) {
            return Need::Nothing;
        }
        Need::Inputs(std::array::from_fn(|i| i < inputs && graph.uses(Node::Input(i))))
    };
    (0..inputs).map(need).collect()
}

thread_local! {
    static KNOWN: RefCell<HashMap<TypeId, Rc<[Need]>>> = RefCell::default();
}
