//! Starting on machines where something of CUDA is missing, broken or too old: `auto` computes on the CPU and says why in one
//! line, `cpu` says nothing, and `cuda` ends with exit code 3 and what to do. The driver is simulated.
#![cfg(all(feature = "cuda", target_os = "linux"))]

mod simulated;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const DRIVER: &str = "libcuda.so.1";
const NVRTC: &str = "libnvrtc.so.13";
const CUBLAS: &str = "libcublas.so.13";
const CUBLAS_LT: &str = "libcublasLt.so.13";
const ALL: [&str; 4] = [DRIVER, NVRTC, CUBLAS, CUBLAS_LT];

/// A machine: a folder with some of CUDA's libraries, and what its environment says.
struct Machine {
    folder: PathBuf,
    environment: Vec<(&'static str, &'static str)>,
}

impl Machine {
    /// One with these libraries. The folder of a name is always the same, so that compiled kernels are found again.
    fn new(name: &str, libraries: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cuda_startup").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for file in libraries.iter().chain(&["shim.h", "kernel.h"]) {
            symlink(simulated::libraries().join(file), folder.join(file)).unwrap();
        }
        Self { folder, environment: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// Puts a file in the place of a library.
    fn replace(self, library: &str, content: &[u8]) -> Self {
        let path = self.folder.join(library);
        let _ = fs::remove_file(&path);
        fs::write(path, content).unwrap();
        self
    }

    fn rectify(&self, arguments: &[&str]) -> Output {
        let out = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rectify"));
        command.args(arguments).current_dir(out.path()).env_remove("CUDA_VISIBLE_DEVICES");
        command.env("RECTIFY_CUDA_PATH", &self.folder).env("RECTIFY_CACHE_DIR", simulated::libraries().join("kernels"));
        command.envs(self.environment.iter().copied()).output().unwrap()
    }

    /// Trains a little.
    fn train(&self, more: &[&str]) -> Output {
        let little = ["train", "--epochs", "1", "--data", "synthetic:64", "--hidden", "8"];
        self.rectify(&[&little, more].concat())
    }

    /// Every device choice meets a machine whose CUDA cannot be used.
    fn refuses(&self, said: &str) {
        let [auto, cpu, cuda] = ["auto", "cpu", "cuda"].map(|device| self.train(&["--device", device]));
        for output in [&auto, &cpu, &cuda] {
            assert!(!error(output).contains("panicked"), "{}", error(output));
        }
        assert_eq!(auto.status.code(), Some(0), "{}", error(&auto));
        let notice = error(&auto);
        assert!(notice.starts_with("running on the CPU: ") && notice.contains(said), "'{said}' is not in {notice}");
        assert_eq!(notice.lines().count(), 1, "{notice}");
        assert!(String::from_utf8_lossy(&auto.stdout).contains("cpu"));
        assert_eq!((cpu.status.code(), error(&cpu).as_str()), (Some(0), ""));
        let message = error(&cuda);
        assert_eq!(cuda.status.code(), Some(3), "{message}");
        assert!(
            message.starts_with("error: device cuda:0: ") && message.contains(said),
            "'{said}' is not in {message}"
        );
        assert!(message.trim_end().ends_with("use --device cpu") && message.lines().count() == 1, "{message}");
        let devices = self.rectify(&["devices"]);
        assert!(devices.status.success() && error(&devices).contains(said), "{}", error(&devices));
    }

    /// Every device choice meets a machine whose CUDA works.
    fn works(&self) {
        for (device, used) in [("auto", "cuda:0"), ("cpu", "cpu"), ("cuda", "cuda:0")] {
            let output = self.train(&["--device", device, "--json", "--quiet"]);
            assert_eq!((output.status.code(), error(&output).as_str()), (Some(0), ""), "{device}");
            assert_eq!(objects(&output)[0]["device"], used);
        }
    }
}

fn error(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    // The simulated driver's own messages are not the program's.
    said.lines().filter(|line| !line.starts_with("simulated cuda")).map(|line| format!("{line}\n")).collect()
}

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|cause| panic!("{line}: {cause}"))).collect()
}

/// A library with one function of the driver.
fn driver_of_one_function() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (text, library) = (folder.path().join("one.c"), folder.path().join(DRIVER));
    fs::write(&text, "int cuInit(unsigned flags) { return 0; }").unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&text).status().unwrap();
    assert!(built.success());
    fs::read(library).unwrap()
}

#[test]
fn no_driver() {
    Machine::new("no_driver", &[]).refuses("libcuda was not found");
}

#[test]
fn a_stub_of_the_driver() {
    let machine = Machine::new("stub", &ALL).with("SIMULATED_CUDA_INIT_CODE", "34");
    machine.refuses("this libcuda is a stub to link with, not the driver: install the NVIDIA driver");
}

#[test]
fn a_driver_that_is_too_old() {
    let machine = Machine::new("old", &ALL).with("SIMULATED_CUDA_DRIVER_VERSION", "11040");
    machine.refuses("supports CUDA 11.4, and this program needs 12.0 or newer: update the NVIDIA driver");
    Machine::new("oldest", &ALL).with("SIMULATED_CUDA_DRIVER_VERSION", "12000").works();
}

#[test]
fn a_driver_that_lacks_a_function() {
    Machine::new("symbol", &[DRIVER]).replace(DRIVER, &driver_of_one_function()).refuses("has no cuDriverGetVersion");
}

#[test]
fn a_text_in_place_of_the_driver() {
    Machine::new("text", &ALL).replace(DRIVER, b"not a library\n").refuses("libcuda.so.1 cannot be loaded");
}

#[test]
fn a_driver_that_fails_to_start() {
    Machine::new("mismatch", &ALL).with("SIMULATED_CUDA_INIT_CODE", "803").refuses("reboot after an update");
}

#[test]
fn a_device_that_another_process_has() {
    let machine = Machine::new("busy", &ALL).with("SIMULATED_CUDA_FAULT", "cuDevicePrimaryCtxRetain:0:46");
    let auto = machine.train(&[]);
    assert!(auto.status.success() && error(&auto).starts_with("running on the CPU: "), "{}", error(&auto));
    let cuda = machine.train(&["--device", "cuda"]);
    assert_eq!(cuda.status.code(), Some(3));
    assert!(error(&cuda).contains("another process has it exclusively"), "{}", error(&cuda));
}

#[test]
fn no_compiler() {
    Machine::new("no_nvrtc", &[DRIVER, CUBLAS, CUBLAS_LT]).refuses("libnvrtc was not found");
}

#[test]
fn neither_library_of_products() {
    Machine::new("no_blas", &[DRIVER, NVRTC]).refuses("libcublas");
}

#[test]
fn one_library_of_products_is_enough() {
    Machine::new("no_cublas", &[DRIVER, NVRTC, CUBLAS_LT]).works();
    Machine::new("no_cublas_lt", &[DRIVER, NVRTC, CUBLAS]).works();
}

#[test]
fn no_device() {
    Machine::new("no_device", &ALL).with("SIMULATED_CUDA_DEVICES", "0").refuses("no CUDA device is visible");
    for hidden in ["", "9", "x"] {
        let machine = Machine::new(&format!("hidden{hidden}"), &ALL).with("CUDA_VISIBLE_DEVICES", hidden);
        machine.refuses("no CUDA device is visible: check nvidia-smi and CUDA_VISIBLE_DEVICES");
    }
}

#[test]
fn a_device_of_another_number() {
    let output = Machine::new("all", &ALL).train(&["--device", "cuda:7"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(error(&output).contains("device cuda:7: ") && error(&output).contains("check CUDA_VISIBLE_DEVICES"));
}

#[test]
fn the_notice_is_on_standard_error_only_and_quiet_drops_it() {
    let machine = Machine::new("notice", &[]);
    let json = machine.train(&["--json"]);
    assert_eq!(error(&json).lines().count(), 1);
    assert_eq!(objects(&json)[0]["device"], "cpu");
    let quiet = machine.train(&["--quiet"]);
    assert!(quiet.status.success() && quiet.stdout.is_empty() && quiet.stderr.is_empty());
}

#[test]
fn every_device_and_library_is_listed() {
    let machine = Machine::new("listed", &ALL).with("SIMULATED_CUDA_DEVICES", "2");
    let listed = objects(&machine.rectify(&["devices", "--json"]));
    let (devices, libraries): (Vec<_>, Vec<_>) = listed.iter().partition(|object| object["event"] == "device");
    let names: Vec<_> = devices.iter().map(|device| device["device"].as_str().unwrap()).collect();
    assert_eq!(names, ["cuda:0", "cuda:1", "cpu"]);
    assert_eq!(devices[1]["features"], "compute capability 9.0, 132 multiprocessors");
    assert_eq!(devices[1]["memory_bytes"], 4u64 << 30);
    assert_eq!(devices[1]["uuid"], "GPU-01020304-0506-0708-090a-0b0c0d0e0f10");
    assert_eq!(devices[1]["bus"], "0000:01:00.0");
    let names: Vec<_> = libraries.iter().map(|library| library["library"].as_str().unwrap()).collect();
    assert_eq!(names, ["libcuda", "libnvrtc", "libcublas", "libcublasLt"]);
    assert!(libraries.iter().all(|library| library["problem"].is_null()));
    assert_eq!(libraries[0]["version"], "CUDA 13.0");
    assert_eq!(libraries[1]["path"], machine.folder.join(NVRTC).to_str().unwrap());
    let text = machine.rectify(&["devices"]);
    let text = String::from_utf8_lossy(&text.stdout);
    for part in ["cuda:1", "132 multiprocessors", "GPU-0102", "0000:01:00.0", "4.00 GiB", "libcublasLt", "CUDA 13.0"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let broken = objects(&Machine::new("unlisted", &[DRIVER]).rectify(&["devices", "--json"]));
    let nvrtc = broken.iter().find(|object| object["library"] == "libnvrtc").unwrap();
    assert!(nvrtc["problem"].as_str().unwrap().contains("pip install nvidia-cuda-nvrtc"), "{nvrtc}");
}
