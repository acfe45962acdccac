//! Ranges for a tool of NVIDIA's that is attached to the process. The tool is simulated, and so is the driver.
#![cfg(all(feature = "cuda", target_os = "linux"))]

mod simulated;

use std::ffi::{CStr, c_char};

use libloading::Library;
use rectify::{DType, Device, DeviceChoice, Result, Tensor, scope};

#[test]
fn an_attached_tool_is_told_every_operation() -> Result<()> {
    let control = simulated::control();
    let path = simulated::libraries().join("libsimulated_nvtx.so");
    // SAFETY: this process runs one test, and has opened no device yet.
    unsafe { std::env::set_var("NVTX_INJECTION64_PATH", &path) };
    let device = Device::open(DeviceChoice::Cuda(0))?;
    let x = Tensor::full(&[8, 8], 0.5, DType::F32, &device)?;
    {
        let _layer = scope::enter("hidden1");
        x.matmul(&x)?.exp()?;
    }
    assert!(x.matmul(&Tensor::full(&[3, 3], 0.5, DType::F32, &device)?).is_err());
    let recording = device.record()?;
    x.sum(&[0])?;
    assert_eq!(recording.take()?.len(), 1, "what is recorded is told as well");
    drop(recording);
    device.synchronize()?;
    // SAFETY: the library is loaded already, and the types are those of its source.
    let tool = unsafe { Library::new(&path) }.unwrap();
    // SAFETY: as above.
    let range = unsafe { tool.get::<unsafe extern "C" fn(u64) -> *const c_char>(b"simulatedRange") }.unwrap();
    // SAFETY: as above.
    let open = unsafe { tool.get::<unsafe extern "C" fn() -> u64>(b"simulatedOpenRanges") }.unwrap();
    // SAFETY: a name stays where it is.
    let name = |index| unsafe { range(index).as_ref().map(|name| CStr::from_ptr(name).to_string_lossy().into_owned()) };
    let names: Vec<String> = (0..).map_while(name).collect();
    assert_eq!(names, ["map constant", "hidden1 matmul", "hidden1 map exp", "map constant", "sum linear"]);
    // SAFETY: as above.
    assert_eq!(unsafe { open() }, 0, "each range is closed");
    drop((x, device));
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}
