//! What happens to device memory during a step, for the page.

use super::options::TrainOptions;
use super::plan::ModelPlan;
use crate::device::Device;
use crate::error::Result;
use crate::memory::{EventKind, Recording};
use crate::report::{MemoryEvent, MemoryTrace};

/// The memory of a step while it is made.
pub struct StepMemory {
    recording: Recording,
    live_before: Vec<(String, u64)>,
    live_bytes: usize,
}

impl StepMemory {
    /// Records from now on.
    pub fn record(device: &Device) -> Self {
        let ledger = device.ledger();
        Self { recording: ledger.record(), live_before: live_by_label(device), live_bytes: ledger.live_bytes() }
    }

    /// What happened. A step that needs `step_bytes` beside what was alive, and `next_bytes` for the batch of the next one, was
    /// predicted to have this peak.
    pub fn trace(self, step_bytes: Option<usize>, next_bytes: usize) -> MemoryTrace {
        let events = self.recording.events().into_iter().map(|event| {
            let bytes = event.buffer.bytes as i64;
            let delta = if event.kind == EventKind::Allocate { bytes } else { -bytes };
            MemoryEvent { sequence: event.sequence, label: event.buffer.label.path(), delta }
        });
        let predicted_peak = step_bytes.map(|bytes| (self.live_bytes + bytes + next_bytes) as u64);
        MemoryTrace { live_before: self.live_before, events: events.collect(), predicted_peak }
    }
}

/// The most bytes that a step on so many rows takes beside what is alive between steps; none for a model or options that cannot
/// be told from sizes alone.
pub fn predicted_step(options: &TrainOptions, plan: &ModelPlan, rows: usize) -> Result<Option<usize>> {
    let TrainOptions { accumulate, smoothing, clip_norm, max_norm, .. } = *options;
    let of_classes = !options.loss_in_use().is_of_values();
    let plain = of_classes && accumulate == 1 && smoothing == 0.0 && clip_norm.is_none() && max_norm.is_none();
    let Some(builder) = plan.perceptron().filter(|_| plain) else { return Ok(None) };
    // Sizes are all that counts, wherever they lie.
    let perceptron = builder.build(&Device::cpu())?;
    Ok(Some(perceptron.predicted_peak_bytes(rows, 0)? - perceptron.resting_bytes(0)))
}

fn live_by_label(device: &Device) -> Vec<(String, u64)> {
    let labels = device.ledger().by_label().into_iter().filter(|(_, totals)| totals.live_bytes > 0);
    labels.map(|(label, totals)| (label.path(), totals.live_bytes as u64)).collect()
}
