//! CUDA's libraries: found by path, loaded once, and called through tables of the functions this crate needs.
//!
//! cudarc gives the types. Its own functions look a library up by bare name and panic where it or a symbol is missing, so
//! the tables here are filled from the very file that was found, and what is missing is a value.

mod cublas;
mod cublas_lt;
mod driver;
mod nvml;
mod nvrtc;
mod search;
mod status;

use std::ffi::CString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

pub use cublas::Cublas;
pub use cublas_lt::{CublasLt, Heuristic};
pub use driver::Driver;
pub use nvml::Nvml;
pub use nvrtc::Nvrtc;
pub use search::PATH_VARIABLE;

/// One of CUDA's libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Library {
    /// `libcuda`: comes with the driver.
    Driver,
    /// `libnvrtc`: the compiler.
    Nvrtc,
    /// `libcublas`: matrix products.
    Cublas,
    /// `libcublasLt`: matrix products with epilogues.
    CublasLt,
    /// `libnvidia-ml`: comes with the driver, and watches devices.
    Nvml,
}

/// Why a library cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// No file of its name, in none of the folders looked through.
    NotFound {
        /// The library.
        library: Library,
        /// Where it was looked for.
        searched: String,
    },
    /// A file that is no library this program can load, with the loader's reason.
    Broken {
        /// The file.
        path: PathBuf,
        /// The loader's reason.
        cause: String,
    },
    /// It lacks functions that every supported version has.
    TooOld {
        /// The file.
        path: PathBuf,
        /// The first function that is missing.
        symbol: &'static str,
    },
    /// A driver for versions of CUDA before those this crate works with.
    OldDriver {
        /// The file.
        path: PathBuf,
        /// The newest version it supports, as the driver writes it: 11040 is 11.4.
        version: i32,
    },
}

/// A call that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Whose function it is.
    pub origin: Library,
    /// The function.
    pub call: &'static str,
    /// What it returned.
    pub code: i32,
}

/// A library that was found.
#[derive(Debug)]
pub struct Loaded {
    /// The file it came from.
    pub path: PathBuf,
    handle: libloading::Library,
}

/// The driver, loaded when first asked for.
pub fn driver() -> Result<&'static Driver, Absence> {
    static TABLE: OnceLock<Result<Driver, Absence>> = OnceLock::new();
    let load = || {
        let driver = Driver::load(search::open(Library::Driver, None)?)?;
        match driver.version() {
            Some(version) if version < OLDEST => Err(Absence::OldDriver { path: driver.file.path.clone(), version }),
            _ => Ok(driver),
        }
    };
    TABLE.get_or_init(load).as_ref().map_err(Clone::clone)
}

/// The first version of CUDA that has every function in the tables, as the driver writes it.
const OLDEST: i32 = 12000;

macro_rules! toolkit {
    ($($(#[$doc:meta])* $name:ident: $table:ty = $library:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// Loaded when first asked for. A driver that is there says which major version is preferred.
        pub fn $name() -> Result<&'static $table, Absence> {
            static TABLE: OnceLock<Result<$table, Absence>> = OnceLock::new();
            let load = || <$table>::load(search::open($library, driver_major())?);
            TABLE.get_or_init(load).as_ref().map_err(Clone::clone)
        }
    )*};
}

toolkit! {
    /// NVRTC.
    nvrtc: Nvrtc = Library::Nvrtc;
    /// cuBLAS.
    cublas: Cublas = Library::Cublas;
    /// cuBLASLt.
    cublas_lt: CublasLt = Library::CublasLt;
    /// NVML.
    nvml: Nvml = Library::Nvml;
}

/// Whether what computing needs is there: a compiler, and a library that multiplies. What lies in a folder that is known is
/// not loaded for it.
pub fn check() -> Result<(), Absence> {
    let is_there = |library, load: fn() -> Result<(), Absence>| match search::locate(library, driver_major()) {
        Some(_) => Ok(()),
        None => load(),
    };
    is_there(Library::Nvrtc, || nvrtc().map(drop))?;
    is_there(Library::CublasLt, || cublas_lt().map(drop))
        .or_else(|absence| is_there(Library::Cublas, || cublas().map(drop)).map_err(|_| absence))
}

/// What tells this file of a library from every other version of it, found without loading it where it lies in a folder
/// that is known.
pub fn identity(library: Library) -> Option<String> {
    let path = search::locate(library, driver_major())?;
    let facts = path.metadata().ok()?;
    let age = facts.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", path.display(), facts.len(), age.as_nanos()))
}

/// The major version of CUDA that the driver supports.
fn driver_major() -> Option<u32> {
    u32::try_from(driver().ok()?.version()? / 1000).ok()
}

impl Driver {
    /// The newest version of CUDA that it supports, if it tells: a stub does not.
    pub fn version(&self) -> Option<i32> {
        let mut version = 0;
        // SAFETY: it writes one number and needs no initialisation.
        unsafe { self.cuDriverGetVersion(&mut version) }.ok()?;
        Some(version)
    }
}

/// A version as people write it.
pub fn readable(version: i32) -> String {
    format!("CUDA {}.{}", version / 1000, version % 1000 / 10)
}

impl Loaded {
    /// Loads a file.
    fn open(path: &Path) -> Result<Self, Absence> {
        // Two threads that load the same file at once are one too many for some loaders.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the initialisers of a CUDA library run, which have no requirements.
        match unsafe { libloading::Library::new(path) } {
            Ok(handle) => Ok(Self { path: path.to_path_buf(), handle }),
            Err(cause) => Err(Absence::Broken { path: path.to_path_buf(), cause: cause.to_string() }),
        }
    }

    /// The address of a function, as a pointer to it.
    ///
    /// # Safety
    /// `F` is a function pointer of that function's type.
    unsafe fn function<F: Copy>(&self, symbol: &'static str) -> Result<F, Absence> {
        let missing = || Absence::TooOld { path: self.path.clone(), symbol };
        let name = CString::new(symbol).map_err(|_| missing())?;
        // SAFETY: the caller knows the type.
        unsafe { self.handle.get::<F>(name.as_bytes_with_nul()) }.map(|found| *found).map_err(|_| missing())
    }
}

/// Declares a table of a library's functions, each as a method that gives what it returns as a `Result`.
///
/// Return codes are plain numbers: one that a newer library invents must not become an impossible value of an enum.
macro_rules! functions {
    ($(#[$doc:meta])* $table:ident of $library:ident { $(fn $name:ident($($argument:ident: $kind:ty),* $(,)?);)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[allow(non_snake_case)]
        pub struct $table {
            /// The library itself.
            pub file: $crate::device::cuda::library::Loaded,
            $($name: unsafe extern "C" fn($($kind),*) -> i32,)*
        }

        #[allow(non_snake_case, clippy::too_many_arguments, clippy::missing_safety_doc)]
        impl $table {
            /// Looks every function up.
            pub(super) fn load(
                file: $crate::device::cuda::library::Loaded,
            ) -> Result<Self, $crate::device::cuda::library::Absence> {
                // SAFETY: these are the functions' types, as cudarc's bindings and the library's documentation have them.
                unsafe { Ok(Self { $($name: file.function(stringify!($name))?,)* file }) }
            }

            $(
                #[inline]
                pub unsafe fn $name(&self, $($argument: $kind),*) -> Result<(), $crate::device::cuda::library::Failure> {
                    // SAFETY: the caller keeps the function's own rules.
                    let code = unsafe { (self.$name)($($argument),*) };
                    if code == 0 {
                        return Ok(());
                    }
                    let origin = $crate::device::cuda::library::Library::$library;
                    Err($crate::device::cuda::library::Failure { origin, call: stringify!($name), code })
                }
            )*
        }
    };
}
use functions;

impl Library {
    /// The name in file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Driver => "cuda",
            Self::Nvrtc => "nvrtc",
            Self::Cublas => "cublas",
            Self::CublasLt => "cublasLt",
            Self::Nvml => "nvidia-ml",
        }
    }

    /// How to get it.
    const fn remedy(self) -> &'static str {
        match self {
            Self::Driver | Self::Nvml => "install the NVIDIA driver",
            Self::Nvrtc => "install the CUDA toolkit, or `pip install nvidia-cuda-nvrtc`",
            Self::Cublas | Self::CublasLt => "install the CUDA toolkit, or `pip install nvidia-cublas`",
        }
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lib{}", self.name())
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { library, searched } => {
                write!(
                    f,
                    "{library} was not found ({searched}): {}, or name its folder in {PATH_VARIABLE}",
                    library.remedy()
                )
            }
            Self::Broken { path, cause } => write!(f, "{} cannot be loaded: {cause}", path.display()),
            Self::OldDriver { path, version } => {
                let (path, version) = (path.display(), readable(*version));
                write!(f, "{path} supports {version}, and this program needs 12.0 or newer: update the NVIDIA driver")
            }
            Self::TooOld { path, symbol } => {
                write!(
                    f,
                    "{} has no {symbol}: it is older than CUDA 12, or not the library it is named as",
                    path.display()
                )
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {} (code {})", self.call, status::meaning(self.origin, self.code), self.code)
    }
}

impl Failure {
    /// Whether the device does nothing more in this process from here on.
    pub fn is_fatal(&self) -> bool {
        self.origin == Library::Driver && status::is_fatal(self.code)
    }

    /// Whether memory ran out.
    pub fn is_out_of_memory(&self) -> bool {
        self.origin == Library::Driver && self.code == status::OUT_OF_MEMORY
    }
}
