//! Training that is watched, and leaves nothing behind.

use std::ops::ControlFlow;

use super::event::{Event, Start};
use super::options::TrainOptions;
use super::samples::load;
use super::trainer::Trainer;
use crate::device::Device;
use crate::error::Result;
use crate::profile::{Ceilings, Profile, Profiler, Schedule};

/// Steps of training, watched.
#[derive(Debug, Clone)]
pub struct ProfiledTraining {
    /// What was run.
    pub start: Start,
    /// What the steps were like.
    pub profile: Profile,
    /// What the device can do at best.
    pub ceilings: Ceilings,
}

/// Trains for as many steps as the schedule says. Nothing is written.
///
/// # Errors
/// Options, data, device or memory fail, or training diverges.
pub fn profile(options: &TrainOptions, schedule: Schedule) -> Result<ProfiledTraining> {
    options.check()?;
    let device = Device::open(options.device)?;
    let ceilings = Ceilings::of(&device)?;
    let split = load(&options.data, options.label.as_deref(), options.seed)?;
    let mut trainer = Trainer::new(options, &device, &split)?;
    let start = trainer.start();
    let mut profiler = Profiler::new(&device, schedule)?;
    let mut outcome = Ok(());
    while outcome.is_ok() && !profiler.is_over() {
        trainer.epoch(&mut |event| {
            if let Event::Step(_) = event {
                outcome = profiler.step();
            }
            if outcome.is_err() || profiler.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    outcome?;
    Ok(ProfiledTraining { start, profile: profiler.finish()?, ceilings })
}
