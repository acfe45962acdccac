//! How busy a device is, as NVML tells where it is there.

use std::ffi::{CString, c_void};
use std::ptr;

use super::library::{self, Nvml};
use crate::device::backend::Usage;

/// A device as NVML knows it.
#[derive(Debug, Clone, Copy)]
pub struct Monitor {
    nvml: &'static Nvml,
    device: *mut c_void,
}

// SAFETY: NVML may be called from any thread, and a device's handle is a name for it.
unsafe impl Send for Monitor {}
// SAFETY: as above.
unsafe impl Sync for Monitor {}

impl Monitor {
    /// The device of this UUID; none without NVML.
    pub fn of(uuid: &str) -> Option<Self> {
        let nvml = library::nvml().ok()?;
        let uuid = CString::new(uuid).ok()?;
        let mut device = ptr::null_mut();
        // SAFETY: it may be initialised more than once; a handle is written.
        unsafe {
            nvml.nvmlInit_v2().ok()?;
            nvml.nvmlDeviceGetHandleByUUID(uuid.as_ptr(), &mut device).ok()?;
        }
        Some(Self { nvml, device })
    }

    /// What it does now. What a device does not tell counts as nothing; none if it tells nothing.
    pub fn usage(&self) -> Option<Usage> {
        const ON_DIE: u32 = 0;
        let (mut percent, mut milliwatts, mut celsius) = ([0; 2], 0, 0);
        // SAFETY: the handle is NVML's own, and each writes numbers to where they can be.
        let told = unsafe {
            [
                self.nvml.nvmlDeviceGetUtilizationRates(self.device, &mut percent),
                self.nvml.nvmlDeviceGetPowerUsage(self.device, &mut milliwatts),
                self.nvml.nvmlDeviceGetTemperature(self.device, ON_DIE, &mut celsius),
            ]
        };
        told.iter().any(Result::is_ok).then(|| Usage {
            busy: f64::from(percent[0]) / 100.0,
            memory_busy: f64::from(percent[1]) / 100.0,
            watts: f64::from(milliwatts) / 1e3,
            celsius: f64::from(celsius),
        })
    }
}
