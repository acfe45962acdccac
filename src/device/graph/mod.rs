//! Calls of a device written down once, and run again as a whole.
//!
//! While a thread captures, what it asks of the device is written down, and its buffers are of a stream of their own: what they
//! leave free is given to nobody else. Buffers of others that captured work uses are noted as used on that stream, so that
//! their memory stays when they are dropped. So everything that the work runs on is there as long as it may run.

mod capture;
mod operands;
mod telling;

use std::fmt;

pub use capture::Capture;
pub(super) use capture::Gathered;
pub use telling::Telling;
pub(super) use telling::{Next, Tellings};

use super::Device;
use super::backend::{CapturedWork, Mark};
use super::recording::Call;
use crate::error::Result;
use crate::memory::{Buffer, Stream};

/// Captured calls, which run as one.
pub struct Graph {
    device: Device,
    work: CapturedWork,
    tellings: Tellings,
    /// What the calls were, where they were recorded: their marks pass in each run.
    calls: Vec<(Call, [Mark; 2])>,
}

/// The stream that the buffers of graphs are of. It outlives them.
#[derive(Debug)]
pub struct GraphStream {
    device: Device,
    stream: Stream,
}

impl Graph {
    /// Runs the work, after everything queued so far.
    ///
    /// # Errors
    /// The device failed, or something that the work follows from has become another.
    pub fn launch(&mut self) -> Result<()> {
        self.tellings.tell(self.device.backend())?;
        self.device.0.run(&self.work, &self.calls)
    }
}

impl GraphStream {
    /// A new one.
    pub fn new(device: &Device) -> Self {
        let memory = device.memory();
        let stream = memory.stream();
        memory.keep(stream);
        Self { device: device.clone(), stream }
    }

    /// Begins to capture what this thread asks of the device: it is written down, and nothing is done. The `inputs` are there
    /// whenever the graph is launched, as their owner promises: the graph does not keep them.
    ///
    /// # Errors
    /// The device cannot capture, work of it is being captured already, or it failed.
    pub fn capture(&self, inputs: &[&Buffer]) -> Result<Capture<'_>> {
        let diverted = self.device.0.begin_capture(self.stream, inputs)?;
        Ok(Capture { device: &self.device, is_over: false, _diverted: diverted })
    }
}

impl Drop for GraphStream {
    fn drop(&mut self) {
        self.device.memory().let_go(self.stream);
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Graph({}, {:?}, {} recorded calls)", self.device.name(), self.tellings, self.calls.len())
    }
}
