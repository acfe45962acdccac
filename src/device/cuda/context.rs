//! The context of one device: what every call of the driver goes through, and where a device that failed is remembered.

use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cudarc::driver::sys::{CUcontext, CUstream};

use super::facts::Facts;
use super::library::{self, Driver, Failure};
use crate::error::{Error, Result};

/// The primary context of a device. It outlives everything made in it: each stream, module and buffer holds it.
pub struct Context {
    pub driver: &'static Driver,
    name: String,
    facts: Facts,
    raw: CUcontext,
    /// The first fault. The driver refuses everything after it, and so does this.
    fault: OnceLock<Error>,
    /// What went wrong where nobody could be told, such as in a drop: the next call returns it.
    untold: Mutex<Vec<Error>>,
    has_untold: AtomicBool,
    /// The streams that work is queued on.
    streams: Mutex<Vec<Address>>,
}

/// A stream's handle, to be handed back to the driver only.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Address(CUstream);

// SAFETY: a handle is a name for the driver, which may be called from any thread.
unsafe impl Send for Address {}

// SAFETY: the driver may be called from any thread, and the rest is behind locks.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    /// Opens the device of this number.
    pub fn open(ordinal: usize) -> Result<Arc<Self>> {
        let name = format!("cuda:{ordinal}");
        let refuse = |cause: String| Error::device(name.clone(), format!("{cause}; or use --device cpu"));
        let driver = library::driver().map_err(|absence| refuse(absence.to_string()))?;
        library::check().map_err(|absence| refuse(absence.to_string()))?;
        let facts = Facts::of(driver, ordinal).map_err(|cause| refuse(cause.to_string()))?;
        let mut raw = ptr::null_mut();
        // SAFETY: the device was found by the driver, which writes a handle.
        unsafe { driver.cuDevicePrimaryCtxRetain(&mut raw, facts.raw) }
            .map_err(|failure| refuse(failure.to_string()))?;
        Ok(Arc::new(Self {
            driver,
            name,
            facts,
            raw,
            fault: OnceLock::new(),
            untold: Mutex::default(),
            has_untold: AtomicBool::new(false),
            streams: Mutex::default(),
        }))
    }

    /// The device as on the command line.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the device is.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Makes this thread's calls go to this device. Every call of the backend begins with it: it refuses once the device
    /// failed, and returns what went wrong since the last one where nobody could be told.
    #[inline]
    pub fn bind(&self) -> Result<()> {
        if let Some(fault) = self.fault.get() {
            return Err(fault.clone());
        }
        if self.has_untold.load(Ordering::Acquire) {
            self.tell()?;
        }
        // SAFETY: the context lives as long as this value.
        self.check(unsafe { self.driver.cuCtxSetCurrent(self.raw) })
    }

    /// As [`bind`](Self::bind), to give something back: false where the device failed, and there is nothing to give back to.
    /// What could not be told before waits on, and a refusal is told later: this thread may be bound already.
    pub fn enter(&self) -> bool {
        if !self.has_failed() {
            // SAFETY: the context lives as long as this value.
            self.keep(unsafe { self.driver.cuCtxSetCurrent(self.raw) });
        }
        !self.has_failed()
    }

    /// What a call gave, as an error of this device; a fault is remembered.
    #[inline]
    pub fn check(&self, result: Result<(), Failure>) -> Result<()> {
        result.map_err(|failure| self.error(failure))
    }

    /// As [`check`](Self::check) where nobody can be told, for the next call to return.
    pub fn keep(&self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            let error = self.error(failure);
            self.untold.lock().unwrap_or_else(PoisonError::into_inner).push(error);
            self.has_untold.store(true, Ordering::Release);
        }
    }

    /// Whether the device failed: there is nothing to give back to it any more.
    pub fn has_failed(&self) -> bool {
        self.fault.get().is_some()
    }

    /// Calls `each` with every stream.
    pub fn for_streams(&self, mut each: impl FnMut(CUstream) -> Result<(), Failure>) -> Result<(), Failure> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.iter().try_for_each(|stream| each(stream.0))
    }

    pub(super) fn add_stream(&self, stream: CUstream) {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).push(Address(stream));
    }

    pub(super) fn remove_stream(&self, stream: CUstream) {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| known.0 != stream);
    }

    /// A failure as an error of this device; a fault is remembered.
    #[cold]
    pub fn error(&self, failure: Failure) -> Error {
        let error = Error::device(&*self.name, failure.to_string());
        if !failure.is_fatal() {
            return error;
        }
        let latched = format!(
            "{failure}. The device does nothing more in this process: save what you have, and start again. To find the \
             cause, run with CUDA_LAUNCH_BLOCKING=1, or with RECTIFY_NO_POOL=1 under compute-sanitizer"
        );
        self.fault.get_or_init(|| Error::device(&*self.name, latched)).clone()
    }

    #[cold]
    fn tell(&self) -> Result<()> {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        let first = (!untold.is_empty()).then(|| untold.remove(0));
        self.has_untold.store(!untold.is_empty(), Ordering::Release);
        first.map_or(Ok(()), Err)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: retained once when it was opened, and nothing made in it is left. An error has nobody left to go to, and a
        // device that failed answers nothing else.
        let _ = unsafe { self.driver.cuDevicePrimaryCtxRelease_v2(self.facts.raw) };
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.name)
    }
}
