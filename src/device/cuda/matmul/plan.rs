//! cuBLASLt's plan of a product: descriptors and the algorithm, made once and kept.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use cudarc::cublaslt::sys::{
    cublasLtHandle_t, cublasLtMatmulAlgo_t, cublasLtMatmulDesc_t, cublasLtMatmulDescAttributes_t as Of,
    cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t as Prefer, cublasLtMatrixLayout_t,
    cublasLtMatrixLayoutAttribute_t as Layout,
};
use cudarc::driver::sys::CUstream;

use super::matrix::Matrix;
use super::problem::{Problem, Scales};
use crate::device::cuda::library::{CublasLt, Failure, Heuristic};
use crate::device::cuda::matmul::epilogue::Fused;

/// Reductions of a product that is cut along its inner size whose order is fixed: those through the workspace.
const REPRODUCIBLE: u32 = 2 | 4;

/// A product that can be run.
pub struct Plan {
    lt: &'static CublasLt,
    handle: cublasLtHandle_t,
    /// Its bias is set at each call.
    operation: Mutex<Operation>,
    left: MatrixLayout,
    right: MatrixLayout,
    result: MatrixLayout,
    scales: Scales,
    fused: Fused,
    algorithm: cublasLtMatmulAlgo_t,
    workspace: usize,
}

/// Where a product is in memory.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    pub left: u64,
    pub right: u64,
    pub result: u64,
    pub bias: u64,
    pub workspace: u64,
}

struct Operation {
    lt: &'static CublasLt,
    raw: cublasLtMatmulDesc_t,
}

struct MatrixLayout {
    lt: &'static CublasLt,
    raw: cublasLtMatrixLayout_t,
}

struct Preference {
    lt: &'static CublasLt,
    raw: cublasLtMatmulPreference_t,
}

// SAFETY: cuBLASLt's descriptors may be used from any thread; what is changed after the making is behind a lock.
unsafe impl Send for Plan {}
// SAFETY: as above.
unsafe impl Sync for Plan {}

impl Plan {
    /// A plan with a workspace of at most so many bytes; none where cuBLASLt has no algorithm for it.
    pub fn new(
        lt: &'static CublasLt,
        handle: cublasLtHandle_t,
        problem: &Problem,
        workspace: usize,
    ) -> Result<Option<Self>, Failure> {
        let scales = problem.scales();
        let operation = Operation::new(lt, problem, scales.kind)?;
        let layout = |matrix: &Matrix| MatrixLayout::new(lt, problem, matrix);
        let (left, right, result) = (layout(&problem.left)?, layout(&problem.right)?, layout(&problem.result)?);
        let preference = Preference::new(lt, problem, workspace)?;
        let mut heuristic = std::mem::MaybeUninit::<Heuristic>::zeroed();
        let mut found = 0;
        // SAFETY: all descriptors live, and there is room for the one result asked for.
        let answer = unsafe {
            lt.cublasLtMatmulAlgoGetHeuristic(
                handle,
                operation.raw,
                left.raw,
                right.raw,
                result.raw,
                result.raw,
                preference.raw,
                1,
                heuristic.as_mut_ptr(),
                &mut found,
            )
        };
        // SAFETY: all bits 0 are a value of it, and the library writes whole ones.
        let heuristic = unsafe { heuristic.assume_init() };
        match answer {
            Err(Failure { code: NOT_SUPPORTED, .. }) => return Ok(None),
            Err(failure) => return Err(failure),
            Ok(()) if found == 0 || heuristic.state != 0 => return Ok(None),
            Ok(()) => {}
        }
        Ok(Some(Self {
            lt,
            handle,
            operation: Mutex::new(operation),
            left,
            right,
            result,
            scales,
            fused: problem.fused,
            algorithm: heuristic.algorithm,
            workspace: heuristic.workspace,
        }))
    }

    /// Queues the product on a stream.
    pub fn run(&self, places: Places, stream: CUstream) -> Result<(), Failure> {
        let operation = self.operation.lock().unwrap_or_else(PoisonError::into_inner);
        if self.fused != Fused::Nothing {
            operation.set(Of::CUBLASLT_MATMUL_DESC_BIAS_POINTER as u32, &places.bias)?;
        }
        let pointer = |address: u64| ptr::with_exposed_provenance_mut::<c_void>(address as usize);
        // SAFETY: descriptors live; the matrices are in bounds of living buffers of this stream, the workspace is as large as
        // the plan was made for, and the two factors are read before the call returns.
        unsafe {
            self.lt.cublasLtMatmul(
                self.handle,
                operation.raw,
                (&raw const self.scales.alpha).cast(),
                pointer(places.left),
                self.left.raw,
                pointer(places.right),
                self.right.raw,
                (&raw const self.scales.beta).cast(),
                pointer(places.result),
                self.result.raw,
                pointer(places.result),
                self.result.raw,
                &self.algorithm,
                pointer(places.workspace),
                self.workspace,
                stream,
            )
        }
    }
}

/// cuBLAS's code for what it has no algorithm for.
const NOT_SUPPORTED: i32 = 15;

impl Operation {
    fn new(lt: &'static CublasLt, problem: &Problem, scale: u32) -> Result<Self, Failure> {
        let mut raw = ptr::null_mut();
        // SAFETY: a handle is written.
        unsafe { lt.cublasLtMatmulDescCreate(&mut raw, problem.compute(), scale)? };
        let operation = Self { lt, raw };
        operation.set(Of::CUBLASLT_MATMUL_DESC_TRANSA as u32, &i32::from(problem.left.transposed))?;
        operation.set(Of::CUBLASLT_MATMUL_DESC_TRANSB as u32, &i32::from(problem.right.transposed))?;
        operation.set(Of::CUBLASLT_MATMUL_DESC_EPILOGUE as u32, &problem.fused.number())?;
        Ok(operation)
    }

    fn set<T: Copy>(&self, attribute: u32, value: &T) -> Result<(), Failure> {
        // SAFETY: the descriptor lives, and as many bytes as said are read.
        unsafe {
            self.lt.cublasLtMatmulDescSetAttribute(self.raw, attribute, (&raw const *value).cast(), size_of::<T>())
        }
    }
}

impl MatrixLayout {
    fn new(lt: &'static CublasLt, problem: &Problem, matrix: &Matrix) -> Result<Self, Failure> {
        let (rows, columns) = (matrix.rows as u64, matrix.columns as u64);
        let mut raw = ptr::null_mut();
        // SAFETY: a handle is written.
        unsafe {
            lt.cublasLtMatrixLayoutCreate(&mut raw, problem.kind(), rows, columns, matrix.leading as i64)?;
        }
        let layout = Self { lt, raw };
        if problem.batch > 1 {
            layout.set(Layout::CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT as u32, &(problem.batch as i32))?;
            let stride = matrix.batch_stride as i64;
            layout.set(Layout::CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET as u32, &stride)?;
        }
        Ok(layout)
    }

    fn set<T: Copy>(&self, attribute: u32, value: &T) -> Result<(), Failure> {
        // SAFETY: the descriptor lives, and as many bytes as said are read.
        unsafe {
            self.lt.cublasLtMatrixLayoutSetAttribute(self.raw, attribute, (&raw const *value).cast(), size_of::<T>())
        }
    }
}

impl Preference {
    fn new(lt: &'static CublasLt, problem: &Problem, workspace: usize) -> Result<Self, Failure> {
        let mut raw = ptr::null_mut();
        // SAFETY: a handle is written.
        unsafe { lt.cublasLtMatmulPreferenceCreate(&mut raw)? };
        let preference = Self { lt, raw };
        preference.set(Prefer::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES as u32, &(workspace as u64))?;
        preference.set(Prefer::CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK as u32, &REPRODUCIBLE)?;
        for (attribute, matrix) in [
            (Prefer::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &problem.left),
            (Prefer::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &problem.right),
            (Prefer::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &problem.result),
            (Prefer::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &problem.result),
        ] {
            preference.set(attribute as u32, &u32::from(matrix.alignment))?;
        }
        Ok(preference)
    }

    fn set<T: Copy>(&self, attribute: u32, value: &T) -> Result<(), Failure> {
        // SAFETY: the descriptor lives, and as many bytes as said are read.
        unsafe {
            self.lt.cublasLtMatmulPreferenceSetAttribute(
                self.raw,
                attribute,
                (&raw const *value).cast(),
                size_of::<T>(),
            )
        }
    }
}

macro_rules! destroyed_by {
    ($($kind:ident: $function:ident;)*) => {$(
        impl Drop for $kind {
            fn drop(&mut self) {
                // SAFETY: created once, and not used again. A failure would leak a little host memory, no more.
                let _ = unsafe { self.lt.$function(self.raw) };
            }
        }
    )*};
}

destroyed_by! {
    Operation: cublasLtMatmulDescDestroy;
    MatrixLayout: cublasLtMatrixLayoutDestroy;
    Preference: cublasLtMatmulPreferenceDestroy;
}
