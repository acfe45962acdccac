//! The functions of NVRTC.

use std::ffi::c_char;

use cudarc::nvrtc::sys::nvrtcProgram;

super::functions! {
    /// NVRTC's functions.
    Nvrtc of Nvrtc {
        fn nvrtcVersion(major: *mut i32, minor: *mut i32);
        fn nvrtcGetNumSupportedArchs(count: *mut i32);
        fn nvrtcGetSupportedArchs(architectures: *mut i32);
        fn nvrtcCreateProgram(
            program: *mut nvrtcProgram, source: *const c_char, name: *const c_char, headers: i32,
            header_sources: *const *const c_char, header_names: *const *const c_char,
        );
        fn nvrtcDestroyProgram(program: *mut nvrtcProgram);
        fn nvrtcCompileProgram(program: nvrtcProgram, count: i32, options: *const *const c_char);
        fn nvrtcGetProgramLogSize(program: nvrtcProgram, bytes: *mut usize);
        fn nvrtcGetProgramLog(program: nvrtcProgram, log: *mut c_char);
        fn nvrtcGetCUBINSize(program: nvrtcProgram, bytes: *mut usize);
        fn nvrtcGetCUBIN(program: nvrtcProgram, image: *mut c_char);
        fn nvrtcGetPTXSize(program: nvrtcProgram, bytes: *mut usize);
        fn nvrtcGetPTX(program: nvrtcProgram, image: *mut c_char);
    }
}
