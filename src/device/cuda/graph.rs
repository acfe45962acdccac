//! Graphs of the driver: what a stream captured, made ready to run again.

use std::ptr;
use std::sync::Arc;

use cudarc::driver::sys::{CUgraph, CUgraphExec, CUstream};

use super::context::Context;
use crate::error::Result;

/// What may happen beside a capture: anything. Only its thread queues on the stream that is captured, and memory and modules
/// come from others.
const RELAXED: u32 = 2;

/// A graph that can be launched.
pub struct Executable {
    context: Arc<Context>,
    raw: CUgraphExec,
}

// SAFETY: a handle is a name for the driver, which may be called from any thread; launches of one graph take turns on a stream.
unsafe impl Send for Executable {}
// SAFETY: as above.
unsafe impl Sync for Executable {}

/// Begins to capture what is queued on a stream. The context is bound.
pub fn begin(context: &Context, stream: CUstream) -> Result<()> {
    // SAFETY: the caller has a living stream.
    context.check(unsafe { context.driver.cuStreamBeginCapture_v2(stream, RELAXED) })
}

/// Ends a capture and makes ready what it holds. The context is bound.
pub fn end(context: &Arc<Context>, stream: CUstream) -> Result<Executable> {
    let (mut graph, mut raw): (CUgraph, CUgraphExec) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the caller has a living stream, and a handle is written.
    context.check(unsafe { context.driver.cuStreamEndCapture(stream, &mut graph) })?;
    // SAFETY: the graph was just made, and a handle is written.
    let made = context.check(unsafe { context.driver.cuGraphInstantiateWithFlags(&mut raw, graph, 0) });
    // SAFETY: made once, and not used again: what is ready to run does not need it.
    context.check(unsafe { context.driver.cuGraphDestroy(graph) })?;
    made.map(|()| Executable { context: context.clone(), raw })
}

impl Executable {
    /// Queues the graph on a stream.
    pub fn launch(&self, stream: CUstream) -> Result<()> {
        // SAFETY: both live; the graph's owner keeps what it works on.
        self.context.check(unsafe { self.context.driver.cuGraphLaunch(self.raw, stream) })
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        if self.context.enter() {
            // SAFETY: made once, and not used again; the driver lets what is queued of it end.
            self.context.keep(unsafe { self.context.driver.cuGraphExecDestroy(self.raw) });
        }
    }
}
