//! A look at what there is of CUDA, for people: every library and device by itself.

use super::compile::Compiler;
use super::facts::{self, Facts};
use super::library::{self, Absence, Driver, Library, Loaded};
use crate::device::probe::{CudaDevice, CudaLibrary, CudaProbe};

/// Looks for every library, and asks the driver for its devices.
pub fn survey() -> CudaProbe {
    let driver = library::driver();
    let lt = library::cublas_lt();
    let mut libraries = vec![
        found(Library::Driver, driver.as_ref().map(|driver| (&driver.file, driver.version().map(library::readable)))),
        found(
            Library::Nvrtc,
            library::nvrtc().as_ref().map(|nvrtc| {
                let version = Compiler::find().ok().map(|compiler| compiler.version());
                (&nvrtc.file, version.map(|(major, minor)| format!("{major}.{minor}")))
            }),
        ),
        found(Library::Cublas, library::cublas().as_ref().map(|cublas| (&cublas.file, None))),
        found(
            Library::CublasLt,
            lt.as_ref().map(|lt| (&lt.file, Some(lt.version()).filter(|&v| v > 0).map(|v| v.to_string()))),
        ),
    ];
    let (devices, refusal) = match &driver {
        Ok(driver) => devices(driver),
        Err(_) => (Vec::new(), None),
    };
    // Either of the two multiplies.
    let needed =
        libraries.iter().take(2).chain(libraries[2..].iter().filter(|_| libraries[2..].iter().all(has_problem)));
    let problem = needed.filter_map(|library| library.problem.clone()).next().or(refusal);
    // Nobody misses this one: it only tells how busy a device is.
    if let Ok(nvml) = library::nvml() {
        libraries.push(found(Library::Nvml, Ok((&nvml.file, None))));
    }
    CudaProbe { libraries, devices, problem }
}

fn has_problem(library: &CudaLibrary) -> bool {
    library.problem.is_some()
}

fn found(library: Library, result: Result<(&Loaded, Option<String>), &Absence>) -> CudaLibrary {
    let name = library.to_string();
    match result {
        Ok((loaded, version)) => CudaLibrary { name, path: Some(loaded.path.clone()), version, problem: None },
        Err(absence) => CudaLibrary { name, path: None, version: None, problem: Some(absence.to_string()) },
    }
}

/// The devices, and why there are none or not all.
fn devices(driver: &Driver) -> (Vec<CudaDevice>, Option<String>) {
    let count = match facts::count(driver) {
        Ok(0) => {
            return (Vec::new(), Some("no CUDA device is visible: check nvidia-smi and CUDA_VISIBLE_DEVICES".into()));
        }
        Ok(count) => count,
        Err(failure) => return (Vec::new(), Some(failure.to_string())),
    };
    let mut devices = Vec::new();
    for ordinal in 0..count {
        match Facts::of(driver, ordinal) {
            Ok(facts) => devices.push(facts.about),
            Err(failure) => return (devices, Some(failure.to_string())),
        }
    }
    (devices, None)
}
