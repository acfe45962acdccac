//! Normalisation by rows.

use super::backward::Backward;
use super::tape::{Index, Step, Tape};
use super::var::Var;
use crate::error::Result;
use crate::tensor::Tensor;

impl Var {
    /// As [`Tensor::layer_norm`]. Keeps its input, the gain, and two numbers for each row; gradients that nobody wants are not
    /// computed.
    ///
    /// # Errors
    /// As [`Tensor::layer_norm`]; or the variables are on different tapes.
    pub fn layer_norm(&self, gain: &Self, shift: &Self, epsilon: f64) -> Result<Self> {
        self.normalize(gain, Some(shift), epsilon)
    }

    /// As [`Tensor::rms_norm`]. Keeps what [`layer_norm`](Self::layer_norm) does.
    ///
    /// # Errors
    /// As [`layer_norm`](Self::layer_norm).
    pub fn rms_norm(&self, gain: &Self, epsilon: f64) -> Result<Self> {
        self.normalize(gain, None, epsilon)
    }

    fn normalize(&self, gain: &Self, shift: Option<&Self>, epsilon: f64) -> Result<Self> {
        let operation = if shift.is_some() { "layer_norm" } else { "rms_norm" };
        let tape = Tape::common(operation, &[&[self, gain], shift.as_slice()].concat())?;
        let shift_tensor = shift.map(Self::tensor);
        let (output, statistics) = self.tensor().normalize(gain.tensor(), shift_tensor, epsilon, tape.is_some())?;
        let (Some(tape), Some(statistics)) = (tape, statistics) else { return Ok(Self::unrecorded(output)) };
        let kept = Normalized {
            centered: shift.is_some(),
            input: self.tensor().clone(),
            gain: gain.tensor().clone(),
            statistics,
            to: [self.index(), gain.index(), shift.and_then(Self::index)],
        };
        tape.push(operation, output, Step::Pull(Box::new(move |gradient, backward| kept.pull(&gradient, backward))))
    }
}

/// What was normalised, and where the gradients of input, gain and shift go.
struct Normalized {
    centered: bool,
    input: Tensor,
    gain: Tensor,
    statistics: Tensor,
    to: [Option<Index>; 3],
}

impl Normalized {
    fn pull(self, gradient: &Tensor, backward: &mut Backward) -> Result<()> {
        let Self { centered, input, gain, statistics, to } = self;
        let (mut places, mut given) = ([None, None, None], Vec::with_capacity(to.len()));
        for ((place, to), like) in places.iter_mut().zip(to).zip([&input, &gain, &gain]) {
            let Some(to) = to else { continue };
            // What is a part of a larger gradient is computed where it is wanted.
            let part = backward.place_of_part(to)?;
            let is_given = part.is_none();
            let made = || Tensor::uninitialized(like.shape().clone(), like.dtype(), like.device());
            let gradient = part.map_or_else(made, Ok)?;
            if is_given {
                given.push((to, gradient.clone()));
            }
            *place = Some(gradient);
        }
        let targets = places.each_ref().map(Option::as_ref);
        input.normalize_backward(centered, &gain, &statistics, gradient, targets)?;
        drop((places, input, statistics));
        given.into_iter().try_for_each(|(to, gradient)| backward.give(to, gradient))
    }
}
