//! Schedules: how a learning rate, or a momentum, follows from the step.

use std::f64::consts::PI;

use crate::error::{Error, Result};

/// A number as a function of the step, counted from 0: the learning rate or the momentum of the step that comes after that
/// many. Once a schedule has come to its end it stays there.
///
/// ```
/// use rectify::optim::Schedule;
/// let rates = Schedule::cosine(0.1, 0.0, 900)?.warm_up(100, 0.01)?;
/// assert_eq!([rates.at(0), rates.at(100), rates.at(1000)], [0.01, 0.1, 0.0]);
/// // Before each step: optimizer.set_rate(rates.at(optimizer.steps()));
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Constant(f64),
    Phases(Vec<(u64, f64)>),
    Linear { from: f64, to: f64, steps: u64 },
    Step { from: f64, factor: f64, every: u64 },
    Cosine { from: f64, to: f64, steps: u64 },
    OneCycle { from: f64, peak: f64, to: f64, rise: f64, steps: u64 },
    WarmUp { from: f64, steps: u64, then: Box<Schedule> },
    Stretched { by: u64, inner: Box<Schedule> },
}

impl Schedule {
    /// Always `value`.
    ///
    /// # Errors
    /// A number that is not finite, or a length of 0 steps; as for every schedule.
    pub fn constant(value: f64) -> Result<Self> {
        check("constant", &[value], 1)?;
        Ok(Self(Kind::Constant(value)))
    }

    /// Each value for so many steps, one after the other; the last one stays.
    ///
    /// # Errors
    /// No phases; or as [`constant`](Self::constant).
    pub fn phases(phases: &[(u64, f64)]) -> Result<Self> {
        if phases.is_empty() {
            return Err(Error::argument("phases", "there is no phase: give at least one"));
        }
        phases.iter().try_for_each(|&(steps, value)| check("phases", &[value], steps))?;
        Ok(Self(Kind::Phases(phases.to_vec())))
    }

    /// On a straight line from one value to another, in so many steps. Upwards it is the way momentum is begun with: strongly
    /// damped while the direction is unsettled (Sutskever et al. 2013).
    ///
    /// # Errors
    /// As [`constant`](Self::constant).
    pub fn linear(from: f64, to: f64, steps: u64) -> Result<Self> {
        check("linear", &[from, to], steps)?;
        Ok(Self(Kind::Linear { from, to, steps }))
    }

    /// `from`, multiplied by `factor` after every so many steps.
    ///
    /// # Errors
    /// As [`constant`](Self::constant).
    pub fn step(from: f64, factor: f64, every: u64) -> Result<Self> {
        check("step", &[from, factor], every)?;
        Ok(Self(Kind::Step { from, factor, every }))
    }

    /// `from`, multiplied by `factor` after every step.
    ///
    /// # Errors
    /// As [`constant`](Self::constant).
    pub fn exponential(from: f64, factor: f64) -> Result<Self> {
        check("exponential", &[from, factor], 1)?;
        Ok(Self(Kind::Step { from, factor, every: 1 }))
    }

    /// From one value to another on half a wave of the cosine, in so many steps (Loshchilov and Hutter 2017, without restarts).
    ///
    /// # Errors
    /// As [`constant`](Self::constant).
    pub fn cosine(from: f64, to: f64, steps: u64) -> Result<Self> {
        check("cosine", &[from, to], steps)?;
        Ok(Self(Kind::Cosine { from, to, steps }))
    }

    /// The learning rate of one cycle (Smith and Topin 2018): in 0.3 of so many steps from 1/25 of `peak` to `peak`, and in the
    /// rest to 1/250,000 of it, each on half a wave of the cosine.
    ///
    /// # Errors
    /// As [`cycle`](Self::cycle).
    pub fn one_cycle(peak: f64, steps: u64) -> Result<Self> {
        Self::cycle(peak / 25.0, peak, peak / 250_000.0, 0.3, steps)
    }

    /// The momentum that goes with [`one_cycle`](Self::one_cycle): from 0.95 down to 0.85, and back.
    ///
    /// # Errors
    /// As [`cycle`](Self::cycle).
    pub fn one_cycle_momentum(steps: u64) -> Result<Self> {
        Self::cycle(0.95, 0.85, 0.95, 0.3, steps)
    }

    /// One cycle of any shape: from one value to `peak`, in a share `rise` of so many steps, and on to another, each on half a
    /// wave of the cosine. The last of the steps has the last value.
    ///
    /// # Errors
    /// The rise has not a step before its end, or nothing is left after it; or as [`constant`](Self::constant).
    pub fn cycle(from: f64, peak: f64, to: f64, rise: f64, steps: u64) -> Result<Self> {
        check("cycle", &[from, peak, to], steps)?;
        let top = rise * steps as f64 - 1.0;
        if !(top > 0.0 && top < (steps - 1) as f64) {
            let rule = format!("a share {rise} of {steps} steps leaves no step to rise in, or none to fall in");
            return Err(Error::argument("cycle", rule));
        }
        Ok(Self(Kind::OneCycle { from, peak, to, rise, steps }))
    }

    /// This schedule after a straight line, in so many steps, from `from` to its first value.
    ///
    /// # Errors
    /// As [`constant`](Self::constant).
    pub fn warm_up(self, steps: u64, from: f64) -> Result<Self> {
        check("warm_up", &[from], steps)?;
        Ok(Self(Kind::WarmUp { from, steps, then: Box::new(self) }))
    }

    /// This schedule with epochs of so many steps in place of steps: its value changes from one epoch to the next.
    ///
    /// # Errors
    /// As [`constant`](Self::constant).
    pub fn by_epochs(self, steps_per_epoch: u64) -> Result<Self> {
        check("by_epochs", &[], steps_per_epoch)?;
        Ok(Self(Kind::Stretched { by: steps_per_epoch, inner: Box::new(self) }))
    }

    /// The value at step `step`, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        match &self.0 {
            Kind::Constant(value) => *value,
            Kind::Phases(phases) => phase(phases, step),
            Kind::Linear { from, to, steps } => line(*from, *to, step as f64 / *steps as f64),
            Kind::Step { from, factor, every } => from * factor.powf((step / every) as f64),
            Kind::Cosine { from, to, steps } => wave(*from, *to, step as f64 / *steps as f64),
            Kind::OneCycle { from, peak, to, rise, steps } => {
                let (now, top) = (step as f64, rise * *steps as f64 - 1.0);
                if now <= top {
                    wave(*from, *peak, now / top)
                } else {
                    wave(*peak, *to, (now - top) / ((*steps - 1) as f64 - top))
                }
            }
            Kind::WarmUp { from, steps, then } => match step.checked_sub(*steps) {
                Some(step) => then.at(step),
                None => line(*from, then.at(0), step as f64 / *steps as f64),
            },
            Kind::Stretched { by, inner } => inner.at(step / by),
        }
    }
}

/// The value of the phase that the step is in.
fn phase(phases: &[(u64, f64)], step: u64) -> f64 {
    let mut left = step;
    for &(steps, value) in phases {
        match left.checked_sub(steps) {
            None => return value,
            Some(rest) => left = rest,
        }
    }
    phases.last().map_or(f64::NAN, |&(_, value)| value)
}

/// From one value to another on a straight line, of which a share is behind.
fn line(from: f64, to: f64, share: f64) -> f64 {
    if share >= 1.0 { to } else { from + (to - from) * share }
}

/// From one value to another on half a wave of the cosine, of which a share is behind.
fn wave(from: f64, to: f64, share: f64) -> f64 {
    if share >= 1.0 { to } else { to + (from - to) * 0.5 * (1.0 + (PI * share).cos()) }
}

fn check(schedule: &'static str, values: &[f64], steps: u64) -> Result<()> {
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(Error::argument(schedule, format!("{value} is not a finite number")));
    }
    if steps == 0 {
        return Err(Error::argument(schedule, "a length of 0 steps is not one of at least 1"));
    }
    Ok(())
}
