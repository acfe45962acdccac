//! A CUDA device for tests: the machine's own where there is one, else a simulated driver, built here from C++.
//!
//! `RECTIFY_TEST_CUDA=simulated` or `real` chooses. The simulated libraries lie in `target/simulated`, and are built again when
//! their sources change.

#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]

mod control;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rectify::{Device, DeviceChoice};

#[allow(unused_imports, reason = "not each test asks for it")]
pub use control::Control;

/// What CUDA runs on in these tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cuda {
    Real,
    Simulated,
}

/// The first CUDA device.
pub fn device() -> Device {
    prepare();
    Device::open(DeviceChoice::Cuda(0)).unwrap()
}

/// Every device a test is to pass on: the CPU and CUDA.
pub fn devices() -> [Device; 2] {
    [Device::cpu(), device()]
}

/// Makes CUDA's libraries found, and says which.
pub fn prepare() -> Cuda {
    static PREPARED: OnceLock<Cuda> = OnceLock::new();
    *PREPARED.get_or_init(|| {
        let asked = std::env::var("RECTIFY_TEST_CUDA").unwrap_or_default();
        let driver = ["/dev/nvidiactl", "/dev/dxg"].into_iter().any(|path| Path::new(path).exists());
        let cuda = if asked == "real" || driver && asked != "simulated" { Cuda::Real } else { Cuda::Simulated };
        if cuda == Cuda::Simulated {
            let folder = libraries();
            // SAFETY: no CUDA library is loaded before this, and nothing else in these tests reads the environment by
            // other means than the standard library's.
            unsafe {
                std::env::set_var("RECTIFY_CUDA_PATH", folder);
                std::env::set_var("RECTIFY_CACHE_DIR", folder.join("kernels"));
            }
        }
        eprintln!("CUDA in these tests: {cuda:?}");
        cuda
    })
}

/// What controls the simulated driver, which this process uses from here on whatever the machine has.
pub fn control() -> Control {
    // SAFETY: as in `prepare`, which reads it next.
    unsafe { std::env::set_var("RECTIFY_TEST_CUDA", "simulated") };
    assert_eq!(prepare(), Cuda::Simulated);
    Control::new()
}

/// The folder of the simulated libraries, which are built if need be.
pub fn libraries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulated");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("simulated");
        fs::create_dir_all(&target).unwrap();
        let folder = target.join(format!("{:016x}", fingerprint(&sources)));
        // Tests of several processes build them once.
        let turn = File::create(target.join("lock")).unwrap();
        turn.lock().unwrap();
        if !folder.exists() {
            let aside = target.join("aside");
            let _ = fs::remove_dir_all(&aside);
            fs::create_dir_all(&aside).unwrap();
            build(&sources, &aside);
            fs::rename(&aside, &folder).unwrap();
        }
        folder
    })
}

fn build(sources: &Path, folder: &Path) {
    let libraries = [
        ("driver", "libcuda.so.1"),
        ("nvrtc", "libnvrtc.so.13"),
        ("cublas", "libcublas.so.13"),
        ("cublas_lt", "libcublasLt.so.13"),
        ("nvml", "libnvidia-ml.so.1"),
        ("nvtx", "libsimulated_nvtx.so"),
    ];
    for (sub, library) in libraries {
        let mut command = Command::new(compiler());
        command.args(["-std=c++17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-rpath,$ORIGIN"]);
        command.arg(format!("-Wl,-soname,{library}")).arg("-o").arg(folder.join(library));
        command.args(
            sources_in(&sources.join(sub)).into_iter().filter(|path| path.extension().is_some_and(|e| e == "cpp")),
        );
        if sub != "driver" {
            command.arg(folder.join("libcuda.so.1"));
        }
        let output = command.args(["-ldl", "-lpthread"]).output().unwrap();
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{library} cannot be built:\n{messages}");
    }
    for header in ["nvrtc/shim.h", "kernel.h"] {
        let from = sources.join(header);
        fs::copy(&from, folder.join(from.file_name().unwrap())).unwrap();
    }
}

/// The machine's C++ compiler.
fn compiler() -> std::ffi::OsString {
    let named = std::env::var_os("CXX").filter(|name| !name.is_empty());
    let usual = ["c++", "g++", "clang++"].into_iter().find(|name| Command::new(name).arg("--version").output().is_ok());
    named.or(usual.map(Into::into)).expect("a C++ compiler: install g++ or clang, or name one in CXX")
}

fn sources_in(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The 64-bit FNV-1a hash of every source.
fn fingerprint(folder: &Path) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in sources_in(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                hash = bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
            }
        }
    }
    hash
}
