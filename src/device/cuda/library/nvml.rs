//! The functions of NVML, which comes with the driver: what `nvidia-smi` shows.

use std::ffi::{c_char, c_void};

super::functions! {
    /// NVML's functions.
    Nvml of Nvml {
        fn nvmlInit_v2();
        fn nvmlDeviceGetHandleByUUID(uuid: *const c_char, device: *mut *mut c_void);
        fn nvmlDeviceGetUtilizationRates(device: *mut c_void, percent: *mut [u32; 2]);
        fn nvmlDeviceGetPowerUsage(device: *mut c_void, milliwatts: *mut u32);
        fn nvmlDeviceGetTemperature(device: *mut c_void, sensor: u32, celsius: *mut u32);
    }
}
