//! A capture that is under way.

use super::super::Device;
use super::super::backend::Mark;
use super::super::recording::Call;
use super::{Graph, Tellings};
use crate::error::Result;
use crate::memory::{Diverted, Stream};

/// This thread's calls are written down until it ends, at the latest when it is dropped.
#[must_use = "a capture ends when this is dropped"]
pub struct Capture<'a> {
    pub(super) device: &'a Device,
    pub(super) is_over: bool,
    /// The allocations of this thread go to the graph's stream meanwhile.
    pub(super) _diverted: Diverted,
}

/// What a capture gathers.
pub struct Gathered {
    /// The stream of the graph's buffers.
    pub stream: Stream,
    /// Buffers, by their numbers, that their owner keeps for the graph.
    pub inputs: Vec<u64>,
    /// What the work is told.
    pub tellings: Tellings,
    /// Its calls, if they are recorded.
    pub calls: Vec<(Call, [Mark; 2])>,
}

impl Capture<'_> {
    /// What was written down.
    ///
    /// # Errors
    /// The device failed, or what was asked for cannot be captured.
    pub fn end(mut self) -> Result<Graph> {
        self.is_over = true;
        let (work, Gathered { tellings, calls, .. }) = self.device.0.end_capture()?;
        Ok(Graph { device: self.device.clone(), work, tellings, calls })
    }
}

impl Drop for Capture<'_> {
    /// Of work that was not captured to its end nothing is kept; what went wrong was returned before.
    fn drop(&mut self) {
        if !self.is_over {
            let _ = self.device.0.end_capture();
        }
    }
}
