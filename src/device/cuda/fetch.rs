//! Copies to the host that are queued behind what they copy, and waited for later: the device goes on with what comes after them.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::context::Context;
use super::report::Report;
use super::staging::Pinned;
use super::stream::Event;
use super::submission::Submission;
use crate::device::backend::Fetch;
use crate::error::Result;

/// Bytes of the smallest berth.
const SMALLEST: usize = 4096;

/// Pinned memory that copies land in, each piece used again once its bytes were taken.
#[derive(Default)]
pub struct Berths(Mutex<Vec<Berth>>);

struct Berth {
    memory: Pinned,
    bytes: usize,
    landed: Event,
}

impl Berths {
    /// Queues a copy of bytes of the device. The context is bound.
    pub fn fetch(
        self: &Arc<Self>,
        context: &Arc<Context>,
        compute: &Submission,
        report: &Arc<Report>,
        from: u64,
        bytes: usize,
    ) -> Result<Fetch> {
        let berth = self.take(context, bytes)?;
        let to = berth.memory.start().cast::<c_void>();
        // SAFETY: the berth has room and is nobody else's until the copy has landed; the caller has a buffer of the size.
        context.check(unsafe { context.driver.cuMemcpyDtoHAsync_v2(to, from, bytes, compute.flush()?.raw()) })?;
        compute.record(&berth.landed)?;
        let (berths, context, report) = (self.clone(), context.clone(), report.clone());
        Ok(Box::new(move || {
            context.bind()?;
            berth.landed.synchronize()?;
            let mut taken = vec![0; bytes];
            // SAFETY: as many bytes have landed there.
            unsafe { taken.as_mut_ptr().copy_from_nonoverlapping(berth.memory.start(), bytes) };
            berths.lock().push(berth);
            report.check()?;
            Ok(taken)
        }))
    }

    /// A free berth with room for so many bytes.
    fn take(&self, context: &Arc<Context>, bytes: usize) -> Result<Berth> {
        let mut free = self.lock();
        if let Some(fitting) = free.iter().position(|berth| berth.bytes >= bytes) {
            return Ok(free.swap_remove(fitting));
        }
        let bytes = bytes.next_power_of_two().max(SMALLEST);
        Ok(Berth { memory: Pinned::new(context, bytes)?, bytes, landed: Event::new(context)? })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Berth>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
