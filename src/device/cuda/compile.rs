//! NVRTC: from a translation unit to code for one architecture. Needs no device and no driver.

use std::ffi::{CString, c_char};
use std::fmt;
use std::path::Path;
use std::ptr;

use cudarc::nvrtc::sys::nvrtcProgram;

use super::library::{self, Absence, Failure, Library, Nvrtc};
use crate::error::{Error, KernelError};
use crate::kernels::{Diagnosis, Origin, Resources, Unit, diagnosis};

/// What every unit of this crate is compiled with. The CPU rounds a product before it is added to something, and so does a kernel; and
/// the assembler says what a kernel uses.
pub const OPTIONS: [&str; 2] = ["--fmad=false", "--ptxas-options=-v"];

/// What a unit that a person wrote is compiled with: as a compiler does by itself, and profilers find its lines.
pub const OPTIONS_OF_OTHERS: [&str; 2] = ["--generate-line-info", "--ptxas-options=-v"];

/// Gives a thread all registers there are (`BLOCKS` of `prelude.cuh`).
const ALL_REGISTERS: &str = "--define-macro=BLOCKS=1";

/// The compiler that was found.
#[derive(Debug, Clone)]
pub struct Compiler {
    nvrtc: &'static Nvrtc,
    version: (i32, i32),
    architectures: Vec<u32>,
}

/// What to compile for: a compute capability as a number, such as 90.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Machine code (a cubin) for this architecture.
    Code(u32),
    /// PTX of this architecture, for the driver to translate: for devices newer than the compiler.
    Ptx(u32),
}

/// What came of compiling.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// A cubin, or PTX with a final 0.
    pub image: Vec<u8>,
    /// What the compiler said.
    pub log: String,
}

/// Why nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompileError {
    /// The compiler refused the text, and said this.
    Rejected(String),
    /// A call failed.
    Failed(Failure),
}

impl Compiler {
    /// The compiler, if there is one.
    pub fn find() -> Result<Self, Absence> {
        let nvrtc = library::nvrtc()?;
        let read = || -> Result<Self, Failure> {
            let (mut major, mut minor, mut count) = (0, 0, 0);
            // SAFETY: numbers are written to where they can be.
            unsafe {
                nvrtc.nvrtcVersion(&mut major, &mut minor)?;
                nvrtc.nvrtcGetNumSupportedArchs(&mut count)?;
            }
            let mut architectures = vec![0i32; usize::try_from(count).unwrap_or(0)];
            // SAFETY: there is room for as many as it says.
            unsafe { nvrtc.nvrtcGetSupportedArchs(architectures.as_mut_ptr())? };
            let architectures = architectures.into_iter().filter_map(|number| u32::try_from(number).ok()).collect();
            Ok(Self { nvrtc, version: (major, minor), architectures })
        };
        let path = || nvrtc.file.path.clone();
        read().map_err(|failure| Absence::Broken { path: path(), cause: failure.to_string() })
    }

    /// Major and minor version.
    pub fn version(&self) -> (i32, i32) {
        self.version
    }

    /// The file it came from.
    pub fn path(&self) -> &Path {
        &self.nvrtc.file.path
    }

    /// The architectures it knows.
    pub fn architectures(&self) -> &[u32] {
        &self.architectures
    }

    /// What to compile for a device of this capability: its own code, or the newest PTX that is not newer.
    pub fn target(&self, (major, minor): (u32, u32)) -> Option<Target> {
        let wanted = major * 10 + minor;
        if self.architectures.contains(&wanted) {
            return Some(Target::Code(wanted));
        }
        self.architectures.iter().copied().filter(|&known| known < wanted).max().map(Target::Ptx)
    }

    /// Compiles a unit; once more where the assembler spilled registers to have one more block run at once, so that
    /// nothing is spilled that has room.
    pub fn compile(&self, unit: &Unit, target: Target) -> Result<Compiled, CompileError> {
        let compiled = self.compile_with(unit, target, None)?;
        let may_spill = unit.origin.is_some();
        let spills = !may_spill && Resources::from_log(&compiled.log).is_some_and(|used| used.spilled_bytes > 0);
        if spills { self.compile_with(unit, target, Some(ALL_REGISTERS)) } else { Ok(compiled) }
    }

    fn compile_with(&self, unit: &Unit, target: Target, more: Option<&str>) -> Result<Compiled, CompileError> {
        let text =
            |text: &str| CString::new(text).map_err(|_| CompileError::Rejected("the text holds a 0 byte".into()));
        let (source, name) = (text(&unit.text)?, text(&format!("{}.cu", unit.kernel))?);
        let program = Program::new(self.nvrtc, &source, &name)?;
        let architecture = format!("--gpu-architecture={target}");
        let usual = if unit.origin.is_some() { OPTIONS_OF_OTHERS } else { OPTIONS };
        let options = usual.into_iter().chain(more).chain([architecture.as_str()]);
        let options = options.map(text).collect::<Result<Vec<_>, _>>()?;
        let pointers: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        // SAFETY: the program lives, and as many texts are there as said.
        let result = unsafe { self.nvrtc.nvrtcCompileProgram(program.raw, pointers.len() as i32, pointers.as_ptr()) };
        let log = program.log();
        match result {
            Ok(()) => Ok(Compiled { image: program.image(target)?, log }),
            Err(Failure { code: REJECTED, .. }) => Err(CompileError::Rejected(log)),
            Err(failure) => Err(failure.into()),
        }
    }
}

impl CompileError {
    /// As an error of a unit that was compiled for `device`: of its text, where a person wrote it and has to mend it.
    pub fn of_unit(self, unit: &Unit, device: &str) -> Error {
        match (self, &unit.origin) {
            (Self::Rejected(log), Some(origin)) => rejected(&unit.kernel, origin, log),
            (error, _) => Error::device(device, format!("kernel {}: {error}", unit.kernel)),
        }
    }
}

/// The error that a compiler's log is about.
fn rejected(kernel: &str, origin: &Origin, log: String) -> Error {
    let Diagnosis { file, line, message, more } = diagnosis(&log, kernel);
    let more = match more {
        0 => String::new(),
        1 => ", and 1 more error".into(),
        more => format!(", and {more} more errors"),
    };
    let file = file.as_deref().unwrap_or(&origin.file);
    let rule = format!("does not compile: {message}{more}");
    let error = KernelError::new(kernel, file, line.or(Some(origin.line)), rule);
    Error::Kernel(Box::new(KernelError { log: Some(log), ..error }))
}

/// NVRTC's code for a text that does not compile.
const REJECTED: i32 = 6;

/// A program of NVRTC, destroyed when dropped.
struct Program {
    nvrtc: &'static Nvrtc,
    raw: nvrtcProgram,
}

impl Program {
    fn new(nvrtc: &'static Nvrtc, source: &CString, name: &CString) -> Result<Self, Failure> {
        let mut raw = ptr::null_mut();
        // SAFETY: two texts, no headers, and a handle to write.
        unsafe {
            nvrtc.nvrtcCreateProgram(&mut raw, source.as_ptr(), name.as_ptr(), 0, ptr::null(), ptr::null())?;
        }
        Ok(Self { nvrtc, raw })
    }

    fn log(&self) -> String {
        let mut bytes = Vec::new();
        let mut read = || -> Result<(), Failure> {
            let mut size = 0;
            // SAFETY: the program lives, and there is room for as much as it says.
            unsafe {
                self.nvrtc.nvrtcGetProgramLogSize(self.raw, &mut size)?;
                bytes.resize(size, 0u8);
                self.nvrtc.nvrtcGetProgramLog(self.raw, bytes.as_mut_ptr().cast())
            }
        };
        match read() {
            Ok(()) => String::from_utf8_lossy(&bytes).trim_end_matches(['\0', '\n', ' ']).to_owned(),
            Err(failure) => failure.to_string(),
        }
    }

    fn image(&self, target: Target) -> Result<Vec<u8>, Failure> {
        let mut size = 0;
        // SAFETY: the program lives, and there is room for as much as it says.
        unsafe {
            match target {
                Target::Code(_) => self.nvrtc.nvrtcGetCUBINSize(self.raw, &mut size)?,
                Target::Ptx(_) => self.nvrtc.nvrtcGetPTXSize(self.raw, &mut size)?,
            }
            let mut image = vec![0u8; size];
            match target {
                Target::Code(_) => self.nvrtc.nvrtcGetCUBIN(self.raw, image.as_mut_ptr().cast())?,
                Target::Ptx(_) => self.nvrtc.nvrtcGetPTX(self.raw, image.as_mut_ptr().cast())?,
            }
            Ok(image)
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: created once, and not used again. A failure would leak a little memory of the compiler's, no more.
        let _ = unsafe { self.nvrtc.nvrtcDestroyProgram(&mut self.raw) };
    }
}

impl From<Failure> for CompileError {
    fn from(failure: Failure) -> Self {
        debug_assert_eq!(failure.origin, Library::Nvrtc);
        Self::Failed(failure)
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(log) => write!(f, "NVRTC rejects it: {log}"),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(architecture) => write!(f, "sm_{architecture}"),
            Self::Ptx(architecture) => write!(f, "compute_{architecture}"),
        }
    }
}
