//! Calls of a device written down: what was computed, for whom, how long it took, and how much there was to move and compute.
//!
//! ```
//! use rectify::{DType, Device, Tensor};
//!
//! let device = Device::cpu();
//! let x = Tensor::full(&[1000], 0.5, DType::F32, &device)?;
//! let recording = device.record()?;
//! let y = x.exp()?;
//! let calls = recording.take()?;
//! assert_eq!((calls.len(), calls[0].operation, calls[0].formula.as_deref()), (1, "map", Some("exp")));
//! assert_eq!((calls[0].work.read, calls[0].work.written), (4000, 4000));
//! # drop(y);
//! # Ok::<(), rectify::Error>(())
//! ```

mod recorder;
mod work;

use std::borrow::Cow;
use std::fmt;

use smallvec::SmallVec;

pub(super) use recorder::Recorder;
pub use work::Work;

use super::Device;
use super::backend::{Lane, Mark};
use crate::dtype::DType;
use crate::error::Result;
use crate::scope::Label;

/// One call of a device: an operation over whole tensors, of one kernel or a few.
#[derive(Debug, Clone)]
pub struct Call {
    /// What kind of operation it was: `map`, `sum`, `matmul`, `softmax`, `upload`; `custom` for a kernel that a person wrote.
    pub operation: &'static str,
    /// The formula applied to every element, where there is one; of a product, the one that followed it; the name of a kernel
    /// that a person wrote.
    pub formula: Option<Cow<'static, str>>,
    /// The type of the result's elements.
    pub dtype: DType,
    /// The sizes of the result; of a product batch, m, k and n.
    pub sizes: SmallVec<[usize; 4]>,
    /// The scopes it was called in.
    pub label: Label,
    /// What there was to do.
    pub work: Work,
    /// Which of the device's lanes did it.
    pub lane: Lane,
    /// When the caller was busy with it. On the CPU, that is all there is.
    pub host: Span,
    /// When the device was.
    pub device: Span,
    /// Bytes in living buffers when the call returned.
    pub live_bytes: usize,
}

/// A stretch of time, in seconds since the recording began.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Span {
    /// When it began.
    pub start: f64,
    /// How long it took.
    pub seconds: f64,
}

impl Span {
    /// When it ended.
    pub fn end(self) -> f64 {
        self.start + self.seconds
    }
}

impl Call {
    /// Operation and formula: `map relu`, `matmul`.
    pub fn name(&self) -> String {
        match &self.formula {
            Some(formula) => format!("{} {formula}", self.operation),
            None => self.operation.to_owned(),
        }
    }
}

/// Calls are written down while it lives.
#[must_use = "recording stops when this is dropped"]
pub struct Recording(Device);

impl Recording {
    /// The most calls kept between two [takes](Self::take), about 300 bytes each; what comes after them is only counted.
    pub const MOST: usize = 1 << 20;

    pub(super) fn start(device: &Device) -> Result<Self> {
        device.0.start()?;
        Ok(Self(device.clone()))
    }

    /// Waits for the device, and gives the calls since the recording began or was last taken, in order. Times go on from the
    /// beginning.
    ///
    /// # Errors
    /// What failed on the device meanwhile.
    pub fn take(&self) -> Result<Vec<Call>> {
        self.0.0.take()
    }

    /// Seconds from the beginning of the recording to a mark that has passed.
    ///
    /// # Errors
    /// The device failed, or the mark is another's.
    pub fn seconds_at(&self, mark: &Mark) -> Result<f64> {
        self.0.0.seconds_at(mark)
    }

    /// How many calls were not kept since the recording began.
    pub fn dropped(&self) -> u64 {
        self.0.0.dropped()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.0.0.stop();
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({})", self.0.name())
    }
}
