//! A thread whose work goes to another stream than the first for a while.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use super::shared::Shared;
use super::stream::Stream;
use crate::lasting::Lasting;

/// Which thread works on which stream, if one does not work on the first.
#[derive(Debug, Default)]
pub(super) struct Diversion {
    is_on: AtomicBool,
    diverted: Mutex<Option<(ThreadId, Stream)>>,
}

/// The work of the thread that made it goes to a stream of its own until it is dropped.
#[must_use = "work goes to the first stream again when this is dropped"]
#[derive(Debug)]
pub struct Diverted(Lasting<Shared>);

impl Diversion {
    /// The stream that this thread works on.
    #[inline]
    pub fn stream(&self) -> Stream {
        if self.is_on.load(Ordering::Relaxed) { self.of_this_thread() } else { Stream::MAIN }
    }

    #[cold]
    fn of_this_thread(&self) -> Stream {
        let own = self.diverted().filter(|(thread, _)| *thread == thread::current().id());
        own.map_or(Stream::MAIN, |(_, stream)| stream)
    }

    fn diverted(&self) -> MutexGuard<'_, Option<(ThreadId, Stream)>> {
        self.diverted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Diverted {
    /// None where a thread is diverted already.
    pub(super) fn new(shared: &Lasting<Shared>, stream: Stream) -> Option<Self> {
        let mut diverted = shared.diversion.diverted();
        if diverted.is_some() {
            return None;
        }
        *diverted = Some((thread::current().id(), stream));
        shared.diversion.is_on.store(true, Ordering::Relaxed);
        drop(diverted);
        Some(Self(shared.clone()))
    }
}

impl Drop for Diverted {
    fn drop(&mut self) {
        self.0.diversion.is_on.store(false, Ordering::Relaxed);
        *self.0.diversion.diverted() = None;
    }
}
