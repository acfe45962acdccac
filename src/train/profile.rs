//! Training that is watched, and leaves nothing behind.

use std::ops::ControlFlow;

use super::event::{Event, Start};
use super::options::TrainOptions;
use super::samples::prepared;
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
    let (plan, split) = prepared(options)?;
    let mut trainer = Trainer::new(options, plan, &device, &split)?;
    // What is recorded between two steps is to be of one of them.
    trainer.overlaps = false;
    let start = trainer.start();
    let mut profiler = Profiler::new(&device, schedule)?;
    let mut outcome = Ok(());
    while outcome.is_ok() && !profiler.is_over() {
        trainer.epoch(&mut |event| {
            let Event::Step(step) = event else { return ControlFlow::Continue(()) };
            outcome = profiler.step();
            // What is tested at the end of an epoch belongs to no step.
            let ends_epoch = step.step % start.steps_per_epoch == 0;
            if outcome.is_err() || profiler.is_over() || ends_epoch {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        if outcome.is_ok() && !profiler.is_over() {
            trainer.epoch(&mut |_| ControlFlow::Continue(()))?;
            profiler.restart_step()?;
        }
    }
    outcome?;
    Ok(ProfiledTraining { start, profile: profiler.finish()?, ceilings })
}
