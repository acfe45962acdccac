//! A rule at work on the parameters of one model.

use std::any::TypeId;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::update::Update;
use crate::autograd::Gradients;
use crate::device::{Device, Seed, Telling};
use crate::dtype::DType;
use crate::error::{Error, Result, check_setting};
use crate::formula;
use crate::formula::{AnyFormula, MAX_PARAMETERS, Told};
use crate::nn::Parameters;
use crate::scope;
use crate::tensor::Tensor;

/// How weights follow from gradients.
///
/// ```
/// use rectify::optim::{Rule, Update};
/// use rectify::{Result, formula};
///
/// formula! { fn sign_step(weight, gradient; rate) = weight - rate * gradient.sign() }
///
/// struct SignDescent { rate: f64 }
///
/// impl Rule for SignDescent {
///     fn name(&self) -> &'static str { "sign descent" }
///     fn state(&self) -> &'static [&'static str] { &[] }
///     fn formula(&self, _step: u64) -> Update { sign_step { rate: self.rate }.into() }
///     fn rate(&self) -> f64 { self.rate }
///     fn set_rate(&mut self, rate: f64) { self.rate = rate }
///     fn check(&self) -> Result<()> { Ok(()) }
/// }
/// ```
pub trait Rule: Send + 'static {
    /// The name, for messages and files.
    fn name(&self) -> &'static str;

    /// The names of the numbers kept for each weight from step to step.
    fn state(&self) -> &'static [&'static str];

    /// What these numbers are before the first step: 0 if not said otherwise.
    fn initial_state(&self) -> f64 {
        0.0
    }

    /// The formula of step `step`, counted from 1: from weight, gradient and state to weight and state. Steps differ in its run-time
    /// scalars alone.
    fn formula(&self, step: u64) -> Update;

    /// The learning rate.
    fn rate(&self) -> f64;

    /// Changes the learning rate from the next step on.
    fn set_rate(&mut self, rate: f64);

    /// Changes how much of past gradients stays from the next step on: the factor of a velocity, or the first beta.
    ///
    /// # Errors
    /// The rule keeps nothing that this is the factor of, or it is not from 0 to below 1; nothing has changed then.
    fn set_momentum(&mut self, momentum: f64) -> Result<()> {
        Err(Error::argument("set_momentum", format!("{} has no momentum that could become {momentum}", self.name())))
    }

    /// Fails if a setting is outside its range.
    fn check(&self) -> Result<()>;

    /// The rule at work on the parameters of a model.
    ///
    /// # Errors
    /// A setting is outside its range, or memory for the state runs out.
    fn for_model(self, model: &impl AsRef<Parameters>) -> Result<Optimizer>
    where
        Self: Sized,
    {
        Optimizer::new(self, model.as_ref())
    }
}

/// [`Rule::set_momentum`] of a rule that keeps a velocity if it was made with a momentum.
pub(super) fn replace_momentum(rule: &str, momentum: &mut Option<f64>, new: f64) -> Result<()> {
    check_setting("set_momentum", "momentum", new, (0.0..1.0).contains(&new), "from 0 to below 1")?;
    let Some(momentum) = momentum else {
        let rule = format!("{rule} was made without momentum and keeps no velocity: make it with some");
        return Err(Error::argument("set_momentum", rule));
    };
    *momentum = new;
    Ok(())
}

formula! {
    /// One of the neighbours of x in bf16, the closer one more often; x itself if it is a number of bf16.
    fn rounded_by_chance(x; ; chance: uniform) = {
        let distance = (x.abs().log2().floor().exp2() * DISTANCE).max(LEAST);
        let distances = x.abs() / distance;
        let below = distances.floor();
        let above = chance.lt(distances - below).select(1.0, 0.0);
        ((below + above) * distance).copysign(x)
    };
    /// The number of steps after one that was skipped if its gradients are NaN.
    fn counted(steps, gradient) = gradient.is_nan().select(steps, steps + 1.0)
}

/// The distance of neighbours in bf16 between 1 and 2.
const DISTANCE: f64 = 0.007_812_5;
/// The least distance of neighbours: 2^-133.
const LEAST: f64 = 9.183_549_615_799_121e-41;

/// A rule, and its state for the parameters of one model.
pub struct Optimizer {
    progress: Arc<Mutex<Progress>>,
    state: Vec<Tensor>,
    /// How many of the steps were not skipped, once there is a loss scale. Shape `[]`, on the device: the host does not know.
    taken: Option<Tensor>,
    /// How many were skipped before there was one here: those before a checkpoint.
    skipped: u64,
}

/// What the numbers of a step follow from: shared with captured steps, which go on with it.
struct Progress {
    rule: Box<dyn Rule>,
    steps: u64,
    /// The key of the draws by which weights are rounded; none to round to the nearest.
    rounding: Option<u64>,
}

impl Progress {
    /// The formula of the next step, where `is_guarded` says which one.
    fn formula(&self, is_guarded: bool) -> Box<dyn AnyFormula> {
        let Update { plain, guarded } = self.rule.formula(self.steps + 1);
        if is_guarded { guarded } else { plain }
    }

    /// The key of the next step's draws.
    fn rounding_key(&self) -> Option<u64> {
        self.rounding.map(|key| key ^ self.steps.rotate_left(32))
    }
}

/// The words that a captured step is told: the scalars of its formula and the key of its draws.
const TOLD: usize = MAX_PARAMETERS + 1;

impl Optimizer {
    fn new(rule: impl Rule, parameters: &Parameters) -> Result<Self> {
        rule.check()?;
        let _scope = scope::enter("optimizer");
        let flat = parameters.flat();
        let first = |_| Tensor::full(flat.shape(), rule.initial_state(), flat.dtype().compute(), flat.device());
        let state = rule.state().iter().map(first).collect::<Result<_>>()?;
        let progress = Progress { rule: Box::new(rule), steps: 0, rounding: None };
        Ok(Self { progress: Arc::new(Mutex::new(progress)), state, taken: None, skipped: 0 })
    }

    /// Rounds the weights of a bf16 model up or down by chance, so that what is lost in one step comes back over many (Gupta et al.
    /// 2015): steps below half the distance of two numbers would be lost otherwise. The draws follow from the key and the
    /// step. Costs a pass more.
    ///
    /// # Errors
    /// The parameters are not bf16.
    pub fn rounding_by_chance(self, model: &impl AsRef<Parameters>, key: u64) -> Result<Self> {
        let dtype = model.as_ref().flat().dtype();
        if dtype != DType::Bf16 {
            return Err(Error::dtype("rounding_by_chance", &[dtype], "is not bf16: nothing else is rounded by chance"));
        }
        self.progress().rounding = Some(key);
        Ok(self)
    }

    /// Changes the parameters by one step, in one pass that allocates nothing on the device; in one for each part between frozen
    /// ones, where there are [some](Parameters::freeze). Parameters that the loss does not depend on have gradient 0. A step that a
    /// [`LossScale`](super::LossScale) found broken changes nothing: neither weights nor state, nor the number of the next step as
    /// its formula has it.
    ///
    /// # Errors
    /// The gradients or the state are not those of these parameters; nothing has changed then.
    pub fn step(&mut self, model: &impl AsRef<Parameters>, gradients: &Gradients) -> Result<()> {
        let _scope = scope::enter("optimizer");
        let flat = model.as_ref().flat();
        let Some(gradient) = gradients.flat(flat) else {
            let rule = "the gradients are not those of the model: run its forward pass on the tape of the loss";
            return Err(Error::gradient("step", rule));
        };
        if let Some(state) = self.state.iter().find(|state| state.shape() != flat.shape()) {
            return Err(Error::shape("step", &[state.shape(), flat.shape()], "differ: the state is of another model"));
        }
        let is_guarded = gradients.are_unscaled();
        let (formula, key) = {
            let progress = self.progress();
            (progress.formula(is_guarded), progress.rounding_key())
        };
        let told = self.tell(flat.device(), formula.key(), is_guarded)?;
        let at = |word: usize| told.as_ref().map(|told| told.address() + (word * size_of::<u64>()) as u64);
        let scalars_told = at(0).map(|address| Told::new(&*formula, address));
        let formula: &dyn AnyFormula = scalars_told.as_ref().map_or(&*formula, |told| told);
        let taken = if is_guarded { Some(self.count(gradient)?) } else { None };
        for part in model.as_ref().trained() {
            let cut = |tensor: &Tensor| tensor.slice(0, part.clone());
            let parts = [flat, gradient].into_iter().chain(&self.state).map(cut).collect::<Result<Vec<_>>>()?;
            let mut inputs: Vec<_> = parts.iter().collect();
            let mut outputs = [&inputs[..1], &inputs[2..]].concat();
            inputs.extend(taken.as_ref().filter(|_| formula.signature().inputs > parts.len()));
            let exact = match key {
                Some(_) => Some(Tensor::zeros(parts[0].shape(), DType::F32, flat.device())?),
                None => None,
            };
            if let Some(exact) = &exact {
                outputs[0] = exact;
            }
            Tensor::update(formula, &inputs, &outputs, Seed::default())?;
            if let (Some(exact), Some(key)) = (&exact, key) {
                // Each part draws from a stream of its own.
                let stream = part.start as u32;
                let seed = at(MAX_PARAMETERS).map_or(Seed::new(key, stream), |address| Seed::told(address, stream));
                Tensor::update(&rounded_by_chance, &[exact], &[&parts[0]], seed)?;
            }
        }
        if told.is_none() {
            self.progress().steps += 1;
        }
        Ok(())
    }

    /// Where a captured step finds its numbers when it runs; none where the step is done here and now.
    fn tell(&self, device: &Device, formula: TypeId, is_guarded: bool) -> Result<Option<Telling>> {
        let progress = self.progress.clone();
        device.tell(TOLD, move |words| {
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            let next = progress.formula(is_guarded);
            if next.key() != formula {
                let rule =
                    format!("the formula of {} is another one now: capture the step again", progress.rule.name());
                return Err(Error::argument("step", rule));
            }
            let numbers = next.parameters().map(f64::to_bits).into_iter().chain(progress.rounding_key());
            words.iter_mut().zip(numbers).for_each(|(word, number)| *word = number);
            progress.steps += 1;
            Ok(())
        })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a step in, unless it is to be skipped.
    fn count(&mut self, gradient: &Tensor) -> Result<Tensor> {
        let steps = match self.taken.take() {
            Some(steps) => steps,
            None => {
                let _scope = scope::enter("optimizer");
                Tensor::full(&[], (self.steps() - self.skipped) as f64, gradient.dtype().compute(), gradient.device())?
            }
        };
        // Where one gradient is NaN all are.
        let first = gradient.slice(0, 0..1)?.reshape(&[])?;
        Tensor::update(&counted, &[&steps, &first], &[&steps], Seed::default())?;
        Ok(self.taken.insert(steps).clone())
    }

    /// The name of the rule.
    pub fn rule(&self) -> &'static str {
        self.progress().rule.name()
    }

    /// The learning rate of the next step.
    pub fn rate(&self) -> f64 {
        self.progress().rule.rate()
    }

    /// Changes the learning rate from the next step on.
    pub fn set_rate(&mut self, rate: f64) {
        self.progress().rule.set_rate(rate);
    }

    /// Changes the momentum from the next step on.
    ///
    /// # Errors
    /// As [`Rule::set_momentum`].
    pub fn set_momentum(&mut self, momentum: f64) -> Result<()> {
        self.progress().rule.set_momentum(momentum)
    }

    /// How many steps were made, those that were skipped among them.
    pub fn steps(&self) -> u64 {
        self.progress().steps
    }

    /// How many of the [steps](Self::steps) a [`LossScale`](super::LossScale) skipped, for a checkpoint. The host waits for it.
    ///
    /// # Errors
    /// The device failed.
    pub fn skipped(&self) -> Result<u64> {
        self.taken.as_ref().map_or(Ok(self.skipped), |taken| Ok(self.steps() - taken.item()? as u64))
    }

    /// The state by name, each of the shape of the model's flat parameters: what a checkpoint keeps beside
    /// [`steps`](Self::steps).
    pub fn state(&self) -> impl ExactSizeIterator<Item = (&'static str, &Tensor)> {
        let names = self.progress().rule.state();
        names.iter().copied().zip(&self.state)
    }

    /// Goes on from a checkpoint: after `steps` steps, none of them skipped if not [said](Self::restore_skipped) next, with this
    /// state.
    ///
    /// # Errors
    /// A name or shape that does not match, found before anything is written; or a device failed.
    pub fn restore(&mut self, steps: u64, state: &[(&str, &Tensor)]) -> Result<()> {
        self.check_state(state)?;
        let sources = state.iter().zip(&self.state).map(|((_, source), target)| source.to_device(target.device()));
        let sources = sources.collect::<Result<Vec<_>>>()?;
        self.state.iter().zip(&sources).try_for_each(|(target, source)| target.assign("restore", source))?;
        self.progress().steps = steps;
        (self.taken, self.skipped) = (None, 0);
        Ok(())
    }

    /// Goes on as if so many of the steps had been [skipped](Self::skipped).
    ///
    /// # Errors
    /// More than there were; nothing has changed then.
    pub fn restore_skipped(&mut self, skipped: u64) -> Result<()> {
        let steps = self.steps();
        if skipped > steps {
            let rule = format!("{skipped} of {steps} steps cannot have been skipped");
            return Err(Error::argument("restore_skipped", rule));
        }
        (self.taken, self.skipped) = (None, skipped);
        Ok(())
    }

    /// Fails unless this is state that can be restored.
    pub(crate) fn check_state(&self, state: &[(&str, &Tensor)]) -> Result<()> {
        let names: Vec<_> = state.iter().map(|&(name, _)| name).collect();
        let (rule, own) = (self.rule(), self.progress().rule.state());
        if names != own {
            let rule = format!("state {names:?} does not fit {rule}: it has {own:?}");
            return Err(Error::argument("restore", rule));
        }
        let mut pairs = self.state.iter().zip(state);
        match pairs.find(|(target, (_, source))| source.shape() != target.shape()) {
            Some((target, (_, source))) => Err(Error::shape("restore", &[source.shape(), target.shape()], "differ")),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Optimizer({}, rate {}, {} steps)", self.rule(), self.rate(), self.steps())
    }
}
