//! Devices: what holds tensors and computes on them.

mod backend;
pub(crate) mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod folder;
mod graph;
mod normalize;
mod policy;
mod probe;
mod recording;
mod view;

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

pub use backend::{
    Backend, CapturedWork, Epilogue, Fetch, Given, Kernel, Lane, Mark, Normalize, NormalizeBackward, Product,
    Reduction, Residual, Seed, Usage,
};
pub use folder::cache_folder;
pub(crate) use graph::{Graph, GraphStream, Telling};
pub use policy::{Permission, allow_tf32, allows_tf32, tune_products, tunes_products};
pub use probe::{CompiledUnit, CudaDevice, CudaLibrary, CudaProbe, compile_unit, probe_cuda};
pub use recording::{Call, Recording, Span, Work};
pub use view::View;

use crate::error::{Error, Result};
use crate::lasting::Lasting;
use crate::memory::{Host, Ledger, Memory, Source};
use recording::Recorder;

/// A handle on a device. Cloning it is cheap, and the device lives as long as any handle or buffer.
#[derive(Debug, Clone)]
pub struct Device(Lasting<Recorder>);

impl Device {
    /// The CPU of this process: every call gives a handle on the same device and memory.
    pub fn cpu() -> Self {
        static CPU: LazyLock<Device> =
            LazyLock::new(|| Device(Device::cpu_with_memory(Memory::new(Host).forever()).0.forever()));
        CPU.clone()
    }

    /// Another CPU device, whose memory comes from `source` and is read by a ledger of its own.
    pub fn cpu_from(source: impl Source + 'static) -> Self {
        Self::cpu_with_memory(Memory::new(source))
    }

    /// Another CPU device over this memory of host addresses.
    pub fn cpu_with_memory(memory: Memory) -> Self {
        Self(Lasting::new(Recorder::new(Box::new(cpu::Cpu::new(memory)))))
    }

    /// The best device there is: a CUDA device if one can be used, else the CPU.
    ///
    /// # Errors
    /// None on the CPU.
    pub fn auto() -> Result<Self> {
        Self::open(DeviceChoice::Auto)
    }

    /// The device asked for.
    ///
    /// # Errors
    /// A CUDA device was asked for and cannot be used: the message says why and what to do.
    pub fn open(choice: DeviceChoice) -> Result<Self> {
        match choice {
            DeviceChoice::Cpu => Ok(Self::cpu()),
            DeviceChoice::Cuda(ordinal) => Self::cuda(ordinal),
            DeviceChoice::Auto => Ok(Self::cuda(0).unwrap_or_else(|_| Self::cpu())),
        }
    }

    /// The device as on the command line: `cpu`, `cuda:0`.
    pub fn name(&self) -> String {
        self.backend().name()
    }

    /// What it is made of, in words that tell it from every other: model, instruction set and threads, or UUID.
    pub fn hardware(&self) -> String {
        self.backend().hardware()
    }

    /// Where its buffers come from.
    pub fn memory(&self) -> &Memory {
        self.backend().memory()
    }

    /// Who holds its memory, held it at the peak, and released it in which order.
    pub fn ledger(&self) -> Ledger {
        self.memory().ledger()
    }

    /// How busy it is now, where that can be told: of a CUDA device by NVML, which comes with the driver.
    pub fn usage(&self) -> Option<Usage> {
        self.backend().usage()
    }

    /// Waits for all queued work.
    ///
    /// # Errors
    /// What failed meanwhile.
    pub fn synchronize(&self) -> Result<()> {
        self.backend().synchronize()
    }

    /// Whether both handles are on the same device and memory.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }

    /// What computes.
    #[inline]
    pub fn backend(&self) -> &dyn Backend {
        self.0.backend()
    }

    /// Writes down every call of this device, by any of its handles, until the recording is dropped. Results stay the same
    /// to the bit.
    ///
    /// # Errors
    /// It is recorded already, or the device failed.
    pub fn record(&self) -> Result<Recording> {
        Recording::start(self)
    }

    /// Whether it can capture work, and run it again as one launch: see [`Captured`](crate::tensor::Captured).
    pub fn can_capture(&self) -> bool {
        self.0.can_capture()
    }

    /// Whether its calls are [recorded](Self::record).
    pub fn is_recording(&self) -> bool {
        self.0.is_recording()
    }

    /// `words` numbers of 64 bits that captured work finds in device memory, as `next` makes them before each run; none where this
    /// thread does not capture.
    pub(crate) fn tell(
        &self,
        words: usize,
        next: impl FnMut(&mut [u64]) -> Result<()> + Send + 'static,
    ) -> Result<Option<Telling>> {
        self.0.tell(words, || Box::new(next))
    }

    /// The CUDA device of this number: the same one as long as anything of it is alive.
    fn cuda(ordinal: usize) -> Result<Self> {
        static OPEN: Mutex<Vec<(usize, Weak<Recorder>)>> = Mutex::new(Vec::new());
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.iter().find(|(known, _)| *known == ordinal).and_then(|(_, device)| device.upgrade());
        if let Some(device) = known {
            return Ok(Self(Lasting::Counted(device)));
        }
        let device = Arc::new(Recorder::new(probe::open_cuda(ordinal)?));
        open.retain(|(known, _)| *known != ordinal);
        open.push((ordinal, Arc::downgrade(&device)));
        Ok(Self(Lasting::Counted(device)))
    }
}

/// Which device to use, as on the command line: `auto`, `cpu`, `cuda` or `cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A CUDA device if one can be used, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device of this ordinal.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = || Error::argument("device", format!("'{text}' is not a device; known: auto, cpu, cuda, cuda:N"));
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", ordinal)) if ordinal.len() <= 4 && ordinal.bytes().all(|digit| digit.is_ascii_digit()) => {
                ordinal.parse().map(Self::Cuda).map_err(|_| refuse())
            }
            _ => Err(refuse()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}
