//! Whether CUDA can be used on this machine, and why not if it cannot.

/// What a look for CUDA found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CudaProbe {
    /// The crate was built without the `cuda` feature.
    NotBuilt,
    /// No driver library could be loaded.
    NoDriver,
    /// A driver is there, and this version has no backend for it yet.
    NoBackend,
}

impl CudaProbe {
    /// Why CUDA is not used and what to do, for a message.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotBuilt => "built without the cuda feature: build with --features cuda, or use --device cpu",
            Self::NoDriver => "no CUDA driver found (libcuda): install the NVIDIA driver, or use --device cpu",
            Self::NoBackend => "a CUDA driver was found, but this version computes on the CPU only: use --device cpu",
        }
    }

    /// The one line said when `auto` falls back.
    pub fn notice(&self) -> &'static str {
        match self {
            Self::NotBuilt => "built without CUDA, running on the CPU",
            Self::NoDriver => "no CUDA driver found, running on the CPU",
            Self::NoBackend => "a CUDA driver was found, but this version computes on the CPU only",
        }
    }
}

/// Looks for the CUDA driver without touching it.
#[cfg(feature = "cuda")]
pub fn probe_cuda() -> CudaProbe {
    // SAFETY: loading the driver library runs its initialisers and nothing else; no symbol is called.
    let present = unsafe { cudarc::driver::sys::is_culib_present() };
    if present { CudaProbe::NoBackend } else { CudaProbe::NoDriver }
}

/// Looks for the CUDA driver without touching it.
#[cfg(not(feature = "cuda"))]
pub fn probe_cuda() -> CudaProbe {
    CudaProbe::NotBuilt
}
