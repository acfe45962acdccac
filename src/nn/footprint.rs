//! The memory of a training step, told from sizes alone.

use super::linear::Linear;
use super::mlp::Mlp;
use crate::autograd::Keeps;
use crate::error::Result;

impl Mlp {
    /// The most bytes alive at once in a step of training with softmax cross-entropy on `rows` rows: parameters, `states`
    /// tensors of optimiser state ([`Optimizer::state`](crate::optim::Optimizer::state) has as many), what the forward pass
    /// keeps, gradients, and the loss. The batch is not counted, and logits are dropped once the loss is had. It is the
    /// peak of the [ledger](crate::memory::Ledger), to the byte, but for what a device holds for itself: on CUDA what cuBLAS
    /// works in, partial results, and one bit for each element of a ReLU, labelled `workspace`, `scratch` and `mask`.
    ///
    /// # Errors
    /// None of the [activations](super::Activation) there are.
    pub fn predicted_peak_bytes(&self, rows: usize, states: usize) -> Result<usize> {
        let layers = self.layers().iter().map(|layer| Kept::new(layer, rows)).collect::<Result<Vec<_>>>()?;
        let elements = forward_peak(&layers, rows).max(backward_peak(&layers, self.parameter_count()));
        Ok(self.resting_bytes(states) + elements * self.dtype().size())
    }

    /// The bytes alive between two steps: parameters, and `states` tensors of optimiser state.
    pub fn resting_bytes(&self, states: usize) -> usize {
        self.parameter_count() * (self.dtype().size() + states * self.dtype().compute().size())
    }
}

/// The tensors of one layer, all of one size.
struct Kept {
    /// The elements of its result.
    result: usize,
    keeps: Keeps,
}

impl Kept {
    fn new(layer: &Linear, rows: usize) -> Result<Self> {
        let keeps = layer.activation().with(|formula, biased| match biased {
            Some(biased) => Keeps::of(formula, biased),
            // The activation is a map of its own, which keeps its input: as large as the bare product.
            None => Ok(Keeps::Product),
        })?;
        Ok(Self { result: rows * layer.bias().count(), keeps })
    }

    /// What it keeps of its own beside its input.
    fn own(&self) -> usize {
        if self.keeps == Keeps::Nothing { 0 } else { self.result }
    }
}

/// Elements at the end of the forward pass: all results and products, the gradient of the logits, the losses, their mean.
fn forward_peak(layers: &[Kept], rows: usize) -> usize {
    let product = |layer: &Kept| if layer.keeps == Keeps::Product { layer.result } else { 0 };
    let results: usize = layers.iter().map(|layer| layer.result + product(layer)).sum();
    results + layers.last().map_or(0, |output| output.result) + rows + 1
}

/// Elements at the worst moment of the backward pass. A layer's gradient is turned in place, what the layer kept of its own
/// goes, then its input, and only then its input's gradient is made.
fn backward_peak(layers: &[Kept], parameters: usize) -> usize {
    let Some((output, hidden)) = layers.split_last() else { return 0 };
    let inputs: usize = hidden.iter().map(|layer| layer.result).sum();
    let products: usize = hidden.iter().filter(|layer| layer.keeps == Keeps::Product).map(Kept::own).sum();
    // Inputs and products of the hidden layers, the gradient of the logits, the loss, the gradient of all parameters.
    let mut alive = inputs + products + output.result + 1 + parameters;
    let mut peak = alive;
    for pair in layers.windows(2).rev() {
        let [before, layer] = pair else { break };
        // A result that the layer before keeps for itself stays until that layer's turn.
        let freed = if before.keeps == Keeps::Output { 0 } else { before.result };
        alive = alive - freed + before.result;
        peak = peak.max(alive);
        alive -= layer.result + before.own();
    }
    peak
}
