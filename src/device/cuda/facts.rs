//! What a device is, as the driver tells.

use std::ffi::{CStr, c_char};

use cudarc::driver::sys::{CUdevice, CUdevice_attribute as Attribute, CUuuid};

use super::library::{Driver, Failure, Library};
use crate::device::probe::CudaDevice;

/// What a device is, and what the driver knows it by.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The driver's handle.
    pub raw: CUdevice,
    /// What a person is told.
    pub about: CudaDevice,
    /// Bytes of shared memory that a block has if it asks for them.
    pub shared_bytes: u32,
    /// Whether the driver allocates in the order of a stream.
    pub has_pools: bool,
}

/// How many devices are visible.
pub fn count(driver: &Driver) -> Result<usize, Failure> {
    let mut count = 0;
    // SAFETY: both may be called at any time; the second writes one number.
    unsafe {
        driver.cuInit(0)?;
        driver.cuDeviceGetCount(&mut count)?;
    }
    Ok(usize::try_from(count).unwrap_or(0))
}

impl Facts {
    /// Asks about the device of this number.
    pub fn of(driver: &Driver, ordinal: usize) -> Result<Self, Failure> {
        let count = count(driver)?;
        let absent = |code| Failure { origin: Library::Driver, call: "cuDeviceGet", code };
        if ordinal >= count {
            return Err(absent(if count == 0 { NO_DEVICE } else { INVALID_DEVICE }));
        }
        let mut device = 0;
        // SAFETY: the driver is initialised, and the number is below the count.
        unsafe { driver.cuDeviceGet(&mut device, ordinal as i32)? };
        let attribute = |attribute: Attribute| {
            let mut value = 0;
            // SAFETY: the device was found; one number is written.
            unsafe { driver.cuDeviceGetAttribute(&mut value, attribute as u32, device) }.map(|()| value as u32)
        };
        let mut uuid = CUuuid { bytes: [0; 16] };
        let mut memory = 0;
        // SAFETY: the device was found; each writes one value.
        unsafe {
            driver.cuDeviceGetUuid_v2(&mut uuid, device)?;
            driver.cuDeviceTotalMem_v2(&mut memory, device)?;
        }
        let about = CudaDevice {
            ordinal,
            // SAFETY: as many bytes as said are written.
            name: text(|to, size| unsafe { driver.cuDeviceGetName(to, size, device) })?,
            uuid: formatted(uuid.bytes.map(|byte| byte as u8)),
            // SAFETY: as above.
            bus: text(|to, size| unsafe { driver.cuDeviceGetPCIBusId(to, size, device) })?,
            capability: (
                attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            multiprocessors: attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)? as usize,
            memory,
        };
        let has_pools = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)? != 0;
        let shared_bytes = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?;
        Ok(Self { raw: device, about, shared_bytes, has_pools })
    }
}

/// The driver's codes for no device at all, and for none of this number.
const NO_DEVICE: i32 = 100;
const INVALID_DEVICE: i32 = 101;

/// A text that the driver writes.
fn text(write: impl FnOnce(*mut c_char, i32) -> Result<(), Failure>) -> Result<String, Failure> {
    let mut bytes = [0u8; 256];
    write(bytes.as_mut_ptr().cast(), bytes.len() as i32 - 1)?;
    Ok(CStr::from_bytes_until_nul(&bytes).map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned()))
}

/// As nvidia-smi prints it: `GPU-` and hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn formatted(uuid: [u8; 16]) -> String {
    let digits: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("GPU-{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_uuid_is_printed_in_groups() {
        let uuid = std::array::from_fn(|i| i as u8 * 17);
        assert_eq!(super::formatted(uuid), "GPU-00112233-4455-6677-8899-aabbccddeeff");
    }
}
