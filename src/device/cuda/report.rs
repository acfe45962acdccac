//! Indices out of range, as kernels report them: into memory that both sides see, to be read when the host waits anyway.

use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use super::context::Context;
use super::staging::Pinned;
use crate::error::{Error, Result};
use crate::scope::Label;

/// As `struct Report` of `kernels/indices.cuh`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    state: u32,
    site: u32,
    position: u64,
    value: i64,
    bound: u64,
}

/// The state of an entry that is written to its end.
const WHOLE: u32 = 2;

/// Where kernels report to, and who they may be.
pub struct Report {
    entry: Pinned,
    sites: Mutex<Vec<Site>>,
}

/// Whose index it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Site {
    operation: &'static str,
    label: Label,
}

impl Report {
    /// Nothing reported. The context is bound.
    pub fn new(context: &Arc<Context>) -> Result<Self> {
        let entry = Pinned::new(context, size_of::<Entry>())?;
        // SAFETY: there is room for it, and no kernel knows of it yet.
        unsafe { entry.start().cast::<Entry>().write(Entry::default()) };
        Ok(Self { entry, sites: Mutex::default() })
    }

    /// The address to report to, and the number of an operation called in the scopes open now.
    pub fn site(&self, operation: &'static str) -> (u64, u32) {
        let site = Site { operation, label: Label::current() };
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sites.iter().position(|known| *known == site);
        let number = known.unwrap_or_else(|| {
            sites.push(site);
            sites.len() - 1
        });
        (self.entry.start() as u64, number as u32)
    }

    /// Fails with what was reported since the last time. What another thread's work is still writing is told next time.
    pub fn check(&self) -> Result<()> {
        let entry = self.entry.start().cast::<Entry>();
        // SAFETY: the entry is initialised; kernels write to it as to any memory that both sides see.
        if unsafe { ptr::read_volatile(&raw const (*entry).state) } != WHOLE {
            return Ok(());
        }
        // SAFETY: a whole entry is not written to before it is taken away.
        let Entry { site, position, value, bound, .. } = unsafe { ptr::read_volatile(entry) };
        // SAFETY: as above.
        unsafe { ptr::write_volatile(entry, Entry::default()) };
        let sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Site { operation, label }) = sites.get(site as usize).copied() else { return Ok(()) };
        Err(Error::index(operation, &value, position as usize, bound as usize, label))
    }
}
