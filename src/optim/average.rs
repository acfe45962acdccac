//! Exponential averages of weights.

use crate::device::Seed;
use crate::error::{Error, Result, check_setting};
use crate::formula::catalogue::update;
use crate::nn::Parameters;
use crate::scope;
use crate::tensor::Tensor;

/// The exponential average of a model's weights over the steps of training (Polyak and Juditsky 1992 for averaging at all):
/// `average = decay * average + (1 - decay) * weight`. What it classifies is often better, and steadier from epoch to epoch.
///
/// The first update takes the weights as they are, so that what they started from has no part in it.
#[derive(Debug)]
pub struct Average {
    decay: f64,
    values: Tensor,
    updates: u64,
}

impl Average {
    /// An average in a buffer of its own, of the model's weights as they are until the first update.
    ///
    /// # Errors
    /// `decay` is not from 0 to below 1, or memory runs out.
    pub fn new(model: &impl AsRef<Parameters>, decay: f64) -> Result<Self> {
        check_setting("average", "decay", decay, (0.0..1.0).contains(&decay), "from 0 to below 1")?;
        let _scope = scope::enter("average");
        let flat = model.as_ref().flat();
        let values = Tensor::zeros(flat.shape(), flat.dtype().compute(), flat.device())?;
        values.assign("average", flat)?;
        Ok(Self { decay, values, updates: 0 })
    }

    /// Takes the weights in, after a step: one pass that allocates nothing.
    ///
    /// # Errors
    /// The model is another one.
    pub fn update(&mut self, model: &impl AsRef<Parameters>) -> Result<()> {
        let flat = self.check(model.as_ref())?;
        let formula = update::average { decay: if self.updates == 0 { 0.0 } else { self.decay } };
        Tensor::update(&formula, &[&self.values, flat], &[&self.values], Seed::default())?;
        self.updates += 1;
        Ok(())
    }

    /// Runs `body` while the model has the averaged weights, to evaluate or to save it, and gives it its own back, to the bit,
    /// whatever came of that.
    ///
    /// # Errors
    /// The model is another one, memory for a copy of its weights runs out, or `body` fails.
    pub fn swapped_in<T>(&self, model: &impl AsRef<Parameters>, body: impl FnOnce() -> Result<T>) -> Result<T> {
        let flat = self.check(model.as_ref())?;
        let own = {
            let _scope = scope::enter("average");
            flat.copy()?
        };
        flat.assign("swapped_in", &self.values)?;
        let result = body();
        flat.assign("swapped_in", &own)?;
        result
    }

    /// The averaged weights, laid out like the model's flat parameters. Shape `[count]`.
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// How many updates there were.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Goes on from a checkpoint: after `updates` updates, with these [values](Self::values).
    ///
    /// # Errors
    /// Another shape; or a device failed.
    pub fn restore(&mut self, updates: u64, values: &Tensor) -> Result<()> {
        if values.shape() != self.values.shape() {
            let rule = "differ: the average is of another model";
            return Err(Error::shape("restore", &[values.shape(), self.values.shape()], rule));
        }
        self.values.assign("restore", &values.to_device(self.values.device())?)?;
        self.updates = updates;
        Ok(())
    }

    fn check<'a>(&self, parameters: &'a Parameters) -> Result<&'a Tensor> {
        let flat = parameters.flat();
        if flat.shape() == self.values.shape() {
            return Ok(flat);
        }
        let rule = "differ: the average is of another model";
        Err(Error::shape("average", &[self.values.shape(), flat.shape()], rule))
    }
}
