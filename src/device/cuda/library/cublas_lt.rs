//! The functions of cuBLASLt.

use std::ffi::c_void;

use cudarc::cublaslt::sys::{
    cublasLtHandle_t, cublasLtMatmulAlgo_t, cublasLtMatmulDesc_t, cublasLtMatmulPreference_t, cublasLtMatrixLayout_t,
};
use cudarc::driver::sys::CUstream;

/// An algorithm that fits a product, as cuBLASLt describes it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Heuristic {
    /// The words of the algorithm.
    pub algorithm: [u64; 8],
    /// The workspace it needs, in bytes.
    pub workspace: usize,
    /// 0 where it can be used.
    pub state: i32,
    /// How many times the device is filled with blocks.
    pub waves: f32,
    reserved: [i32; 4],
}

super::functions! {
    /// cuBLASLt's functions.
    CublasLt of CublasLt {
        fn cublasLtCreate(handle: *mut cublasLtHandle_t);
        fn cublasLtDestroy(handle: cublasLtHandle_t);
        fn cublasLtMatmulDescCreate(operation: *mut cublasLtMatmulDesc_t, compute_type: u32, scale_type: u32);
        fn cublasLtMatmulDescDestroy(operation: cublasLtMatmulDesc_t);
        fn cublasLtMatmulDescSetAttribute(
            operation: cublasLtMatmulDesc_t, attribute: u32, value: *const c_void, bytes: usize,
        );
        fn cublasLtMatrixLayoutCreate(
            layout: *mut cublasLtMatrixLayout_t, kind: u32, rows: u64, columns: u64, leading: i64,
        );
        fn cublasLtMatrixLayoutDestroy(layout: cublasLtMatrixLayout_t);
        fn cublasLtMatrixLayoutSetAttribute(
            layout: cublasLtMatrixLayout_t, attribute: u32, value: *const c_void, bytes: usize,
        );
        fn cublasLtMatmulPreferenceCreate(preference: *mut cublasLtMatmulPreference_t);
        fn cublasLtMatmulPreferenceDestroy(preference: cublasLtMatmulPreference_t);
        fn cublasLtMatmulPreferenceSetAttribute(
            preference: cublasLtMatmulPreference_t, attribute: u32, value: *const c_void, bytes: usize,
        );
        fn cublasLtMatmulAlgoGetHeuristic(
            handle: cublasLtHandle_t, operation: cublasLtMatmulDesc_t, a: cublasLtMatrixLayout_t,
            b: cublasLtMatrixLayout_t, c: cublasLtMatrixLayout_t, d: cublasLtMatrixLayout_t,
            preference: cublasLtMatmulPreference_t, requested: i32, results: *mut Heuristic, count: *mut i32,
        );
        fn cublasLtMatmulAlgoCheck(
            handle: cublasLtHandle_t, operation: cublasLtMatmulDesc_t, a: cublasLtMatrixLayout_t,
            b: cublasLtMatrixLayout_t, c: cublasLtMatrixLayout_t, d: cublasLtMatrixLayout_t,
            algorithm: *const cublasLtMatmulAlgo_t, result: *mut Heuristic,
        );
        fn cublasLtMatmul(
            handle: cublasLtHandle_t, operation: cublasLtMatmulDesc_t, alpha: *const c_void, a: *const c_void,
            a_layout: cublasLtMatrixLayout_t, b: *const c_void, b_layout: cublasLtMatrixLayout_t, beta: *const c_void,
            c: *const c_void, c_layout: cublasLtMatrixLayout_t, d: *mut c_void, d_layout: cublasLtMatrixLayout_t,
            algorithm: *const cublasLtMatmulAlgo_t, workspace: *mut c_void, workspace_bytes: usize, stream: CUstream,
        );
    }
}

impl CublasLt {
    /// The library's version, such as 130200; 0 where it cannot tell.
    pub fn version(&self) -> usize {
        // SAFETY: this is the function's type; it has no requirements.
        let function = unsafe { self.file.function::<unsafe extern "C" fn() -> usize>("cublasLtGetVersion") };
        // SAFETY: as above.
        function.map_or(0, |version| unsafe { version() })
    }
}
