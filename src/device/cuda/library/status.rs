//! What the return codes of CUDA's libraries mean. The driver's own texts are not used: asking for them is a call that may
//! fail as well.

use super::Library;

/// The driver's code for memory that ran out.
pub const OUT_OF_MEMORY: i32 = 2;

/// Codes of the driver after which every call in the process fails: memory faults, machine checks, failed launches.
const FATAL: [i32; 13] = [214, 220, 226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 999];

/// Whether a code of the driver means that the device does nothing more in this process.
pub fn is_fatal(code: i32) -> bool {
    FATAL.contains(&code)
}

/// A code in words, and where there is something to do about it, what.
pub fn meaning(library: Library, code: i32) -> &'static str {
    match library {
        Library::Driver => driver(code),
        Library::Nvrtc => nvrtc(code),
        Library::Cublas | Library::CublasLt => cublas(code),
        Library::Nvml => "NVML does not tell",
    }
}

fn driver(code: i32) -> &'static str {
    match code {
        1 => "invalid value",
        2 => "out of memory",
        3 => "the driver is not initialised",
        4 => "the driver is shutting down",
        34 => "this libcuda is a stub to link with, not the driver: install the NVIDIA driver",
        35 => "the driver is older than this program needs",
        36 => "the call needs a newer driver",
        46 => "the device is unavailable: another process has it exclusively",
        100 => "no CUDA device is visible: check nvidia-smi and CUDA_VISIBLE_DEVICES",
        101 => "no device of this number is visible: check CUDA_VISIBLE_DEVICES",
        102 => "the device needs a licence",
        200 => "invalid kernel image",
        201 => "no current context, or one that was destroyed",
        205 => "mapping memory failed",
        206 => "unmapping memory failed",
        208 => "already mapped",
        209 => "no code in this kernel image for the device's architecture",
        214 => "an uncorrectable memory error (ECC)",
        217 => "peer access is not supported between these devices",
        218 => "invalid PTX",
        220 => "an uncorrectable NVLink error",
        221 => "the PTX compiler was not found",
        222 => "the PTX is newer than the driver: update the driver, or use an older NVRTC",
        223 => "compilation of PTX is disabled",
        226 => "data was corrupted on its way (contained error)",
        300 => "invalid source",
        301 => "file not found",
        302 => "a symbol of the library was not found",
        303 => "a shared object failed to initialise",
        304 => "the operating system refused",
        400 => "invalid handle",
        401 => "illegal state",
        500 => "no such function in the kernel image",
        600 => "not ready",
        700 => "a kernel accessed memory that is not allocated",
        701 => "a launch needs more registers or shared memory than there are",
        702 => "a kernel ran longer than the system allows (watchdog)",
        708 => "the primary context is already initialised",
        709 => "the context is destroyed",
        710 => "an assertion failed in a kernel",
        712 => "the memory is registered already",
        713 => "the memory is not registered",
        714 => "a hardware stack error",
        715 => "an illegal instruction",
        716 => "a misaligned address",
        717 => "an address of the wrong kind of memory",
        718 => "an invalid program counter",
        719 => "a kernel failed",
        720 => "too many blocks for a cooperative launch",
        800 => "not permitted: check the permissions of /dev/nvidia*",
        801 => "not supported by this device or driver",
        802 => "the system is not ready: is the fabric manager running?",
        803 => "the driver's kernel module and library differ in version: reboot after an update",
        804 => "this combination of driver and CUDA version is not supported (forward compatibility)",
        900 => "not allowed while a stream is captured",
        901 => "the capture was made invalid by an earlier call",
        905 => "a dependency crosses into a capture",
        906 => "not allowed on the legacy stream during a capture",
        999 => "unknown error: the driver is in a bad state; see dmesg",
        _ => "a code this program does not know",
    }
}

fn nvrtc(code: i32) -> &'static str {
    match code {
        1 => "out of memory",
        2 => "the program could not be created",
        3 => "invalid input",
        4 => "invalid program",
        5 => "invalid option",
        6 => "compilation failed",
        7 => "a builtin operation failed: is libnvrtc-builtins beside libnvrtc?",
        11 => "an internal error",
        _ => "a code this program does not know",
    }
}

fn cublas(code: i32) -> &'static str {
    match code {
        1 => "not initialised",
        3 => "an allocation failed",
        7 => "invalid value",
        8 => "the device's architecture lacks a feature",
        11 => "a mapping error",
        13 => "execution failed",
        14 => "an internal error",
        15 => "not supported",
        16 => "a licence error",
        _ => "a code this program does not know",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_fatal_and_refusals_are_not() {
        assert!([700, 716, 719].into_iter().all(is_fatal));
        assert!(![0, 1, 2, 34, 100, 200, 209, 600, 801].into_iter().any(is_fatal));
    }
}
