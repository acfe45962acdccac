//! What happens to device memory during a step, for the page.

use super::loss::Loss;
use super::options::TrainOptions;
use super::plan::ModelPlan;
use crate::device::Device;
use crate::dtype::DType;
use crate::error::Result;
use crate::memory::{BufferRecord, Recording};
use crate::report::MemoryTrace;

/// The memory of a step while it is made.
pub struct StepMemory {
    recording: Recording,
    alive: Vec<BufferRecord>,
    live_bytes: usize,
}

impl StepMemory {
    /// Records from now on.
    pub fn record(device: &Device) -> Self {
        let ledger = device.ledger();
        Self { recording: ledger.record(), alive: ledger.live_buffers(), live_bytes: ledger.live_bytes() }
    }

    /// What happened. A step that needs `step_bytes` beside what was alive, and `next_bytes` for the batch of the next one, was
    /// predicted to have this peak.
    pub fn trace(self, step_bytes: Option<usize>, next_bytes: usize) -> MemoryTrace {
        let predicted_peak = step_bytes.map(|bytes| (self.live_bytes + bytes + next_bytes) as u64);
        MemoryTrace { predicted_peak, ..MemoryTrace::new(&self.alive, &self.recording.events()) }
    }
}

/// The most bytes that a step on so many rows takes beside what is alive between steps; none for a model or options that cannot
/// be told from sizes alone.
pub fn predicted_step(options: &TrainOptions, plan: &ModelPlan, rows: usize) -> Result<Option<usize>> {
    let TrainOptions { accumulate, smoothing, clip_norm, max_norm, compute, .. } = *options;
    let usual_loss = options.loss_in_use() == (Loss::CrossEntropy {}) && options.class_weights.is_none();
    let plain = compute == DType::F32
        && usual_loss
        && accumulate == 1
        && smoothing == 0.0
        && clip_norm.is_none()
        && max_norm.is_none();
    let Some(builder) = plan.perceptron().filter(|_| plain) else { return Ok(None) };
    // Sizes are all that counts, wherever they lie.
    let perceptron = builder.build(&Device::cpu())?;
    Ok(Some(perceptron.predicted_peak_bytes(rows, 0)? - perceptron.resting_bytes(0)))
}
