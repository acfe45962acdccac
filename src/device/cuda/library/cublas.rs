//! The functions of cuBLAS.

use std::ffi::c_void;

use cudarc::cublas::sys::cublasHandle_t;
use cudarc::driver::sys::CUstream;

super::functions! {
    /// cuBLAS's functions.
    Cublas of Cublas {
        fn cublasCreate_v2(handle: *mut cublasHandle_t);
        fn cublasDestroy_v2(handle: cublasHandle_t);
        fn cublasSetStream_v2(handle: cublasHandle_t, stream: CUstream);
        fn cublasSetWorkspace_v2(handle: cublasHandle_t, workspace: *mut c_void, bytes: usize);
        fn cublasGemmStridedBatchedEx(
            handle: cublasHandle_t, transpose_a: u32, transpose_b: u32, m: i32, n: i32, k: i32, alpha: *const c_void,
            a: *const c_void, a_type: u32, a_leading: i32, a_stride: i64, b: *const c_void, b_type: u32, b_leading: i32,
            b_stride: i64, beta: *const c_void, c: *mut c_void, c_type: u32, c_leading: i32, c_stride: i64, batch: i32,
            compute_type: u32, algorithm: i32,
        );
    }
}
