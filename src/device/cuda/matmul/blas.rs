//! Products by cuBLAS, where cuBLASLt has no algorithm or is not there.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use cudarc::cublas::sys::cublasHandle_t;
use cudarc::driver::sys::CUstream;

use super::matrix::Matrix;
use super::plan::Places;
use super::problem::Problem;
use crate::device::cuda::library::{Cublas, Failure};

/// cuBLAS with a workspace of ours.
pub struct Blas {
    cublas: &'static Cublas,
    handle: Mutex<Handle>,
}

struct Handle(cublasHandle_t);

// SAFETY: the handle is used under a lock.
unsafe impl Send for Handle {}

impl Blas {
    /// A handle. The context is bound.
    pub fn new(cublas: &'static Cublas) -> Result<Self, Failure> {
        let mut handle = ptr::null_mut();
        // SAFETY: the context is bound, and a handle is written.
        unsafe { cublas.cublasCreate_v2(&mut handle)? };
        Ok(Self { cublas, handle: Mutex::new(Handle(handle)) })
    }

    /// Queues a product on a stream. The problem is [small enough](Problem::fits_in_32_bits).
    pub fn run(&self, problem: &Problem, places: Places, workspace: usize, stream: CUstream) -> Result<(), Failure> {
        /// Whatever the library thinks best.
        const DEFAULT_ALGORITHM: i32 = -1;
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        let pointer = |address: u64| ptr::with_exposed_provenance_mut::<c_void>(address as usize);
        let leading = |matrix: &Matrix| matrix.leading as i32;
        let stride = |matrix: &Matrix| matrix.batch_stride as i64;
        let Problem { left, right, result, sizes: [n, m, k], batch, .. } = problem;
        let scales = problem.scales();
        // SAFETY: the handle lives; the matrices are in bounds of living buffers of this stream, and so is the workspace.
        unsafe {
            self.cublas.cublasSetStream_v2(handle.0, stream)?;
            self.cublas.cublasSetWorkspace_v2(handle.0, pointer(places.workspace), workspace)?;
            self.cublas.cublasGemmStridedBatchedEx(
                handle.0,
                u32::from(left.transposed),
                u32::from(right.transposed),
                *n as i32,
                *m as i32,
                *k as i32,
                (&raw const scales.alpha).cast(),
                pointer(places.left),
                problem.kind(),
                leading(left),
                stride(left),
                pointer(places.right),
                problem.kind(),
                leading(right),
                stride(right),
                (&raw const scales.beta).cast(),
                pointer(places.result),
                problem.kind(),
                leading(result),
                stride(result),
                *batch as i32,
                problem.compute(),
                DEFAULT_ALGORITHM,
            )
        }
    }
}

impl Drop for Blas {
    fn drop(&mut self) {
        let handle = self.handle.get_mut().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: created once, and not used again.
        let _ = unsafe { self.cublas.cublasDestroy_v2(handle.0) };
    }
}
