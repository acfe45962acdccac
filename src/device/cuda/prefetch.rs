//! Uploads on a stream of their own, while the compute stream works on what came before.
//!
//! The copy stream takes memory from the pool as a stream of its own. When a buffer arrives, the compute stream waits for its
//! copy and the buffer becomes one of the compute stream; the copy stream in turn waits for what the compute stream was given
//! until then. So the memory of a batch is filled again two batches later, and neither stream ever waits for the batch at hand.

use std::sync::Arc;

use super::context::Context;
use super::staging::Ring;
use super::stream::{CudaStream, Event};
use super::submission::Submission;
use crate::error::Result;
use crate::memory::{Buffer, Memory, Stream};

/// The copy stream.
pub struct Prefetch {
    raw: CudaStream,
    stream: Stream,
    ring: Ring,
    copied: Event,
    computed: Event,
}

impl Prefetch {
    /// A new one. The context is bound.
    pub fn new(context: &Arc<Context>, memory: &Memory) -> Result<Self> {
        let (raw, ring) = (CudaStream::new(context)?, Ring::new(context)?);
        let (copied, computed) = (Event::new(context)?, Event::new(context)?);
        Ok(Self { raw, stream: memory.stream(), ring, copied, computed })
    }

    /// Copies bytes into a new buffer.
    pub fn send(&mut self, context: &Arc<Context>, memory: &Memory, bytes: &[u8]) -> Result<Buffer> {
        let buffer = memory.allocate(bytes.len(), self.stream)?;
        for (part, bytes) in bytes.chunks(Ring::largest()).enumerate() {
            let filled = self.ring.fill(bytes, |event| context.check(event.record(self.raw.raw())))?;
            filled.send(context, buffer.address() + (part * Ring::largest()) as u64, self.raw.raw())?;
        }
        context.check(self.copied.record(self.raw.raw()))?;
        Ok(buffer)
    }

    /// Moves an event to the end of the copies queued so far.
    pub fn record(&self, context: &Context, event: &Event) -> Result<()> {
        context.check(event.record(self.raw.raw()))
    }

    /// Hands a buffer to the compute stream.
    pub fn arrive(&mut self, memory: &Memory, compute: &Submission, buffer: &mut Buffer) -> Result<()> {
        compute.wait(&self.copied)?;
        memory.depend(self.stream, Stream::MAIN);
        compute.record(&self.computed)?;
        self.raw.wait(&self.computed)?;
        memory.depend(Stream::MAIN, self.stream);
        buffer.move_to(Stream::MAIN);
        Ok(())
    }
}
