//! What a run shows of its device: where the time of a few early steps goes, and how busy it is at the end of epochs.

use super::event::Event;
use crate::device::{Device, Usage};
use crate::error::Result;
use crate::profile::{Profiler, Schedule};
use crate::report::StepTime;

/// A run's device, watched.
pub struct Observation {
    device: Device,
    /// None where somebody else watches: their profile is the one that counts.
    profiler: Option<Profiler>,
    usages: Vec<Usage>,
}

/// The first steps make what is made once, and the second is followed in the ledger.
const STEPS: Schedule = Schedule { wait: 3, warm_up: 0, active: 5 };

impl Observation {
    /// Watches from the first step on.
    pub fn new(device: &Device) -> Self {
        Self { device: device.clone(), profiler: Profiler::new(device, STEPS).ok(), usages: Vec::new() }
    }

    /// Sees an event of the run. A device that fails says so to the run itself.
    pub fn see(&mut self, event: &Event) {
        let seen = match (event, &mut self.profiler) {
            (Event::Step(_), Some(profiler)) if !profiler.is_over() => profiler.step(),
            (Event::Epoch(_), Some(profiler)) => profiler.restart_step(),
            _ => Ok(()),
        };
        if seen.is_err() {
            self.profiler = None;
        }
        if let Event::Epoch(_) = event {
            self.usages.extend(self.device.usage());
        }
    }

    /// The time of a step, and how busy the device was at the end of each epoch, where it tells.
    pub fn finish(self) -> Result<(Option<StepTime>, Vec<Usage>)> {
        let profile = self.profiler.map(Profiler::finish).transpose()?;
        Ok((profile.and_then(|profile| StepTime::of(&profile)), self.usages))
    }
}
