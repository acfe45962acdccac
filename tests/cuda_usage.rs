//! How busy a device is, as NVML tells. The driver and NVML are simulated.
#![cfg(all(feature = "cuda", target_os = "linux"))]

mod simulated;

use rectify::device::Usage;
use rectify::{Device, DeviceChoice, Result};

#[test]
fn what_nvml_tells_is_told_and_what_it_does_not_is_left_out() -> Result<()> {
    let control = simulated::control();
    let device = Device::open(DeviceChoice::Cuda(0))?;
    let all = Usage { busy: 0.75, memory_busy: 0.4, watts: 350.5, celsius: 61.0 };
    assert_eq!(device.usage(), Some(all));
    control.fail_at("nvmlDeviceGetPowerUsage", 0, 3, false);
    assert_eq!(device.usage(), Some(Usage { watts: 0.0, ..all }));
    for call in ["nvmlDeviceGetUtilizationRates", "nvmlDeviceGetPowerUsage", "nvmlDeviceGetTemperature"] {
        control.fail_at(call, 0, 3, false);
    }
    assert_eq!(device.usage(), None);
    assert_eq!(Device::cpu().usage(), None);
    drop(device);
    // A device that NVML does not know, or no NVML at all, is no error.
    control.fail_at("nvmlDeviceGetHandleByUUID", 0, 6, false);
    assert_eq!(Device::open(DeviceChoice::Cuda(0))?.usage(), None);
    assert_eq!(control.take_violations(), [""; 0]);
    Ok(())
}
