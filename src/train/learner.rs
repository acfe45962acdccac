//! What a step does to the weights: the rule, and everything that surrounds it.

use super::loss::Loss;
use super::options::TrainOptions;
use crate::autograd::{CrossEntropy, Gradients, Var};
use crate::data::Dataset;
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::Network;
use crate::optim::{self, Average, LossScale, Schedule, add_l1, limit_norms};
use crate::tensor::Tensor;

/// An optimiser with its schedule, what limits gradients and weights, and the average of the weights.
pub struct Learner {
    /// The rule at work.
    pub optimizer: optim::Optimizer,
    /// The average of the weights, where one is kept.
    pub average: Option<Average>,
    /// What losses are multiplied by on the way back, where gradients are of f16.
    pub scale: Option<LossScale>,
    rates: Schedule,
    momenta: Option<Schedule>,
    clip_norm: Option<f64>,
    clip_value: Option<f64>,
    l1: f64,
    max_norm: Option<f64>,
    /// What is made small.
    pub loss: Loss,
    /// What it is in training, where it is this one.
    cross_entropy: CrossEntropy,
}

impl Learner {
    /// The one that these options describe, for a model that is trained on these samples for so many steps in each epoch.
    pub fn new(options: &TrainOptions, model: &Network, train: &Dataset, steps_per_epoch: usize) -> Result<Self> {
        let TrainOptions { optimizer: rule, momentum_warm_up, clip_norm, clip_value, l1, max_norm, .. } = *options;
        let steps_per_epoch = steps_per_epoch as u64;
        let mut optimizer = rule.for_model(model, options.rate(), options.decay())?;
        let momenta = options.schedule.momenta(momentum_warm_up, rule, options.epochs as u64 * steps_per_epoch)?;
        if let Some(momenta) = &momenta {
            optimizer.set_momentum(momenta.at(0))?;
        }
        Ok(Self {
            optimizer,
            average: options.average.map(|decay| Average::new(model, decay)).transpose()?,
            scale: (options.compute == DType::F16).then(|| LossScale::new(model.device())).transpose()?,
            rates: rates(options, steps_per_epoch)?,
            momenta,
            clip_norm,
            clip_value,
            l1,
            max_norm,
            loss: options.loss_in_use(),
            cross_entropy: cross_entropy(options, train, model.device())?,
        })
    }

    /// The loss of results, shape [rows, outputs], against labels, shape `[rows]`, or values of the shape of the results.
    pub fn loss(&self, results: &Var, targets: &Tensor) -> Result<Var> {
        match self.loss {
            Loss::CrossEntropy {} => self.cross_entropy.of_labels(results, targets),
            loss => loss.of(results, targets),
        }
    }

    /// The gradients of a loss as a [step](Self::step) takes them, scaled where there is a scale.
    pub fn gradients(&self, loss: &Var) -> Result<Gradients> {
        match &self.scale {
            Some(scale) => scale.scaled(loss)?.backward(),
            None => loss.backward(),
        }
    }

    /// The learning rate of the step that comes after so many.
    pub fn rate_at(&self, steps: u64) -> f64 {
        self.rates.at(steps)
    }

    /// Sets the optimiser to the rate and the momentum of its next step.
    pub fn set_rates(&mut self) -> Result<()> {
        let steps = self.optimizer.steps();
        self.optimizer.set_rate(self.rate_at(steps));
        self.momenta.as_ref().map_or(Ok(()), |momenta| self.optimizer.set_momentum(momenta.at(steps)))
    }

    /// Changes the weights by one step with [gradients](Self::gradients), which are as they were used after it. A step that the scale
    /// finds broken changes nothing else.
    pub fn step(&mut self, model: &Network, gradients: &mut Gradients) -> Result<()> {
        if let Some(scale) = &mut self.scale {
            scale.unscale(gradients)?;
        }
        if self.l1 > 0.0 {
            add_l1(model, gradients, self.l1)?;
        }
        if let Some(limit) = self.clip_value {
            gradients.clip_value(limit)?;
        }
        if let Some(limit) = self.clip_norm {
            gradients.clip_norm(limit)?;
        }
        self.optimizer.step(model, gradients)?;
        if let Some(limit) = self.max_norm {
            limit_norms(model, limit)?;
        }
        self.average.as_mut().map_or(Ok(()), |average| average.update(model))
    }

    /// Runs `body` while the model has the weights that are tested and saved: the averaged ones where an average is kept.
    pub fn with_final_weights<T>(&self, model: &Network, body: impl FnOnce() -> Result<T>) -> Result<T> {
        match &self.average {
            Some(average) => average.swapped_in(model, body),
            None => body(),
        }
    }
}

/// The learning rates of all steps.
fn rates(options: &TrainOptions, steps_per_epoch: u64) -> Result<Schedule> {
    let (schedule, rate, epochs) = (&options.schedule, options.rate(), options.epochs as u64);
    match options.by_epochs {
        false => schedule.rates(rate, options.warm_up, epochs, steps_per_epoch),
        true if options.warm_up == 0 => schedule.rates(rate, 0, epochs, 1)?.by_epochs(steps_per_epoch),
        true => Err(Error::argument("warm-up", "is of steps, and by_epochs lets the rate stand still within an epoch")),
    }
}

/// The cross-entropy that training makes small.
fn cross_entropy(options: &TrainOptions, train: &Dataset, device: &Device) -> Result<CrossEntropy> {
    let plain = CrossEntropy::new().label_smoothing(options.smoothing);
    let Some(weights) = &options.class_weights else { return Ok(plain) };
    let factors = weights.factors(train)?;
    Ok(plain.class_weights(&Tensor::from_slice(&factors, &[factors.len()], device)?))
}
