//! What there is of CUDA on this machine, and why it is not used if it is not. The one place that knows whether the crate was
//! built with CUDA.

use std::path::PathBuf;

use super::backend::Backend;
use crate::error::{Error, Result};
use crate::kernels::Unit;

/// What a look for CUDA found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CudaProbe {
    /// CUDA's libraries, in the order of use.
    pub libraries: Vec<CudaLibrary>,
    /// The devices that are visible.
    pub devices: Vec<CudaDevice>,
    /// Why CUDA cannot be used and what to do; none if it can.
    pub problem: Option<String>,
}

/// One of CUDA's libraries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CudaLibrary {
    /// Its name: `libcuda`, `libnvrtc`, `libcublas`, `libcublasLt`.
    pub name: String,
    /// The file it was loaded from.
    pub path: Option<PathBuf>,
    /// Its version, where it tells.
    pub version: Option<String>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// A CUDA device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CudaDevice {
    /// Its number, as in `cuda:0`.
    pub ordinal: usize,
    /// The card's name.
    pub name: String,
    /// Its identifier, as nvidia-smi prints it.
    pub uuid: String,
    /// Its place on the bus.
    pub bus: String,
    /// Compute capability: major and minor.
    pub capability: (u32, u32),
    /// How many multiprocessors it has.
    pub multiprocessors: usize,
    /// Its memory in bytes.
    pub memory: usize,
}

/// What NVRTC made of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledUnit {
    /// Machine code.
    pub image: Vec<u8>,
    /// What the compiler said: warnings, and what was asked for by options.
    pub log: String,
    /// The compiler, its version and the options that every unit is compiled with.
    pub compiler: String,
}

#[cfg(not(feature = "cuda"))]
const NOT_BUILT: &str = "built without the cuda feature: build with --features cuda, or use --device cpu";

/// Looks for CUDA's libraries and devices.
#[cfg(feature = "cuda")]
pub fn probe_cuda() -> CudaProbe {
    super::cuda::survey()
}

/// Looks for CUDA's libraries and devices.
#[cfg(not(feature = "cuda"))]
pub fn probe_cuda() -> CudaProbe {
    CudaProbe { libraries: Vec::new(), devices: Vec::new(), problem: Some(NOT_BUILT.into()) }
}

/// The CUDA device of this number.
#[cfg(feature = "cuda")]
pub(super) fn open_cuda(ordinal: usize) -> Result<Box<dyn Backend>> {
    Ok(Box::new(super::cuda::Cuda::open(ordinal)?))
}

/// The CUDA device of this number.
#[cfg(not(feature = "cuda"))]
pub(super) fn open_cuda(ordinal: usize) -> Result<Box<dyn Backend>> {
    Err(Error::device(format!("cuda:{ordinal}"), NOT_BUILT))
}

/// Compiles a unit for an architecture, such as 90, with NVRTC. Needs no device.
///
/// # Errors
/// NVRTC is not there, does not know the architecture, or refuses the text.
#[cfg(feature = "cuda")]
pub fn compile_unit(unit: &Unit, architecture: u32) -> Result<CompiledUnit> {
    use super::cuda::compile::{Compiler, OPTIONS, Target};
    let refuse = |rule: String| Error::device("cuda", rule);
    let compiler = Compiler::find().map_err(|absence| refuse(absence.to_string()))?;
    if !compiler.architectures().contains(&architecture) {
        let (path, known) = (compiler.path().display(), compiler.architectures());
        return Err(refuse(format!("{path} does not know sm_{architecture}; it knows {known:?}")));
    }
    let compiled = compiler.compile(unit, Target::Code(architecture));
    let compiled = compiled.map_err(|error| error.of_unit(unit, "cuda"))?;
    let (major, minor) = compiler.version();
    let compiler = format!("NVRTC {major}.{minor} {}", OPTIONS.join(" "));
    Ok(CompiledUnit { image: compiled.image, log: compiled.log, compiler })
}

/// Compiles a unit for an architecture, such as 90, with NVRTC. Needs no device.
///
/// # Errors
/// NVRTC is not there, does not know the architecture, or refuses the text.
#[cfg(not(feature = "cuda"))]
pub fn compile_unit(_unit: &Unit, _architecture: u32) -> Result<CompiledUnit> {
    Err(Error::device("cuda", NOT_BUILT))
}
