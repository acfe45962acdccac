//! Exponential averages of weights.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::device::Seed;
use crate::error::{Error, Result, check_setting};
use crate::formula::catalogue::update;
use crate::formula::{AnyFormula, Told};
use crate::nn::Parameters;
use crate::scope;
use crate::tensor::Tensor;

/// The exponential average of a model's weights over the steps of training (Polyak and Juditsky 1992 for averaging at all):
/// `average = decay * average + (1 - decay) * weight`. What it classifies is often better, and steadier from epoch to epoch.
///
/// The first update takes the weights as they are, so that what they started from has no part in it.
///
/// Statistics that the model keeps beside its weights, as batch normalisation does, are averaged alike: those of a model with the
/// weights of the last steps are, to first order, the mean of those that were seen with them, and the latest ones belong to
/// other weights.
#[derive(Debug)]
pub struct Average {
    decay: f64,
    values: Tensor,
    /// Of what training keeps but no optimiser changes, in the order of the parameters.
    statistics: Vec<Tensor>,
    updates: Arc<AtomicU64>,
}

impl Average {
    /// An average in a buffer of its own, of the model's weights as they are until the first update.
    ///
    /// # Errors
    /// `decay` is not from 0 to below 1, or memory runs out.
    pub fn new(model: &impl AsRef<Parameters>, decay: f64) -> Result<Self> {
        check_setting("average", "decay", decay, (0.0..1.0).contains(&decay), "from 0 to below 1")?;
        let _scope = scope::enter("average");
        let copied = |tensor: &Tensor| {
            let copy = Tensor::zeros(tensor.shape(), tensor.dtype().compute(), tensor.device())?;
            copy.assign("average", tensor)?;
            Ok(copy)
        };
        let values = copied(model.as_ref().flat())?;
        let statistics = model.as_ref().statistics().map(copied).collect::<Result<_>>()?;
        Ok(Self { decay, values, statistics, updates: Arc::default() })
    }

    /// Takes the weights in, after a step: one pass over them, and one for each statistic, that allocates nothing.
    ///
    /// # Errors
    /// The model is another one.
    pub fn update(&mut self, model: &impl AsRef<Parameters>) -> Result<()> {
        let (decay, updates) = (self.decay, self.updates.clone());
        let decay_after = move |updates: u64| if updates == 0 { 0.0 } else { decay };
        let formula = update::average { decay: decay_after(self.updates()) };
        let told = self.values.device().tell(1, move |words| {
            words[0] = decay_after(updates.fetch_add(1, Ordering::Relaxed)).to_bits();
            Ok(())
        })?;
        let decay_told = told.as_ref().map(|told| Told::new(&formula, told.address()));
        let formula: &dyn AnyFormula = decay_told.as_ref().map_or(&formula, |told| told);
        for (average, own) in self.pairs(model.as_ref())? {
            Tensor::update(formula, &[average, own], &[average], Seed::default())?;
        }
        if told.is_none() {
            self.updates.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Runs `body` while the model has the averaged weights and statistics, to evaluate or to save it, and gives it its own back,
    /// to the bit, whatever came of that.
    ///
    /// # Errors
    /// The model is another one, memory for a copy of its weights runs out, or `body` fails.
    pub fn swapped_in<T>(&self, model: &impl AsRef<Parameters>, body: impl FnOnce() -> Result<T>) -> Result<T> {
        let pairs = self.pairs(model.as_ref())?;
        let own = {
            let _scope = scope::enter("average");
            pairs.iter().map(|(_, own)| own.copy()).collect::<Result<Vec<_>>>()?
        };
        pairs.iter().try_for_each(|(average, own)| own.assign("swapped_in", average))?;
        let result = body();
        pairs.iter().zip(&own).try_for_each(|((_, place), own)| place.assign("swapped_in", own))?;
        result
    }

    /// The averaged weights, laid out like the model's flat parameters. Shape `[count]`.
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// The averaged statistics, in the order of the model's parameters that no optimiser changes.
    pub fn statistics(&self) -> &[Tensor] {
        &self.statistics
    }

    /// How many updates there were.
    pub fn updates(&self) -> u64 {
        self.updates.load(Ordering::Relaxed)
    }

    /// Goes on from a checkpoint: after `updates` updates, with these [values](Self::values) and [statistics](Self::statistics).
    ///
    /// # Errors
    /// Other shapes: nothing has changed then; or a device failed.
    pub fn restore(&mut self, updates: u64, values: &Tensor, statistics: &[Tensor]) -> Result<()> {
        let own: Vec<_> = std::iter::once(&self.values).chain(&self.statistics).collect();
        let given: Vec<_> = std::iter::once(values).chain(statistics).collect();
        check_alike("restore", &own, &given)?;
        for (own, given) in own.iter().zip(given) {
            own.assign("restore", &given.to_device(own.device())?)?;
        }
        self.updates.store(updates, Ordering::Relaxed);
        Ok(())
    }

    /// Each averaged tensor with that of the model.
    fn pairs<'a>(&'a self, model: &'a Parameters) -> Result<Vec<(&'a Tensor, &'a Tensor)>> {
        let averages: Vec<_> = std::iter::once(&self.values).chain(&self.statistics).collect();
        let own: Vec<_> = std::iter::once(model.flat()).chain(model.statistics()).collect();
        check_alike("average", &averages, &own)?;
        Ok(averages.into_iter().zip(own).collect())
    }
}

fn check_alike(operation: &'static str, averages: &[&Tensor], others: &[&Tensor]) -> Result<()> {
    let rule = "differ: the average is of another model";
    if averages.len() != others.len() {
        return Err(Error::argument(operation, format!("{} tensors and {} {rule}", averages.len(), others.len())));
    }
    match averages.iter().zip(others).find(|(average, other)| average.shape() != other.shape()) {
        Some((average, other)) => Err(Error::shape(operation, &[average.shape(), other.shape()], rule)),
        None => Ok(()),
    }
}
