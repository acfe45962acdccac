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

/// Reductions of a product that is cut along its inner size whose order is fixed: those through the workspace.
const REPRODUCIBLE: u32 = 2 | 4;

/// The descriptors of a product.
pub struct Plan {
    lt: &'static CublasLt,
    handle: cublasLtHandle_t,
    /// The places of its epilogue are set at each call.
    operation: Mutex<Operation>,
    left: MatrixLayout,
    right: MatrixLayout,
    result: MatrixLayout,
    scales: Scales,
}

/// One of the ways to compute a product.
#[derive(Debug, Clone, Copy)]
pub struct Algorithm {
    /// cuBLASLt's description of it, which has a meaning for this version of the library alone.
    pub words: [u64; 8],
    /// The bytes of workspace it needs.
    pub workspace: usize,
}

/// Where a product is in memory.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    pub left: u64,
    pub right: u64,
    pub result: u64,
    /// The bias that is read, or the sums that are written; 0 for neither.
    pub row: u64,
    /// The mask or the argument of an activation; 0 for neither.
    pub aside: u64,
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
    /// The descriptors of a problem at these places.
    pub fn new(
        lt: &'static CublasLt,
        handle: cublasLtHandle_t,
        problem: &Problem,
        places: Places,
    ) -> Result<Self, Failure> {
        let scales = problem.scales();
        let operation = Operation::new(lt, problem, scales.kind)?;
        operation.place(places)?;
        let layout = |matrix: &Matrix| MatrixLayout::new(lt, problem, matrix);
        let (left, right, result) = (layout(&problem.left)?, layout(&problem.right)?, layout(&problem.result)?);
        Ok(Self { lt, handle, operation: Mutex::new(operation), left, right, result, scales })
    }

    /// What the library proposes for it within a workspace of so many bytes, the likely fastest first: at most `count`, and
    /// only what gives the same bits every time. None where it has no algorithm.
    pub fn proposals(&self, problem: &Problem, workspace: usize, count: usize) -> Result<Vec<Algorithm>, Failure> {
        let preference = Preference::new(self.lt, problem, workspace)?;
        let operation = self.operation.lock().unwrap_or_else(PoisonError::into_inner);
        let mut proposals = vec![Heuristic::default(); count];
        let mut found = 0;
        // SAFETY: all descriptors live, and there is room for as many results as are asked for.
        let answer = unsafe {
            self.lt.cublasLtMatmulAlgoGetHeuristic(
                self.handle,
                operation.raw,
                self.left.raw,
                self.right.raw,
                self.result.raw,
                self.result.raw,
                preference.raw,
                count as i32,
                proposals.as_mut_ptr(),
                &mut found,
            )
        };
        match answer {
            Err(Failure { code: NOT_SUPPORTED, .. }) => return Ok(Vec::new()),
            other => other?,
        }
        proposals.truncate(usize::try_from(found).unwrap_or(0));
        Ok(proposals.iter().filter(|proposal| proposal.state == 0).map(Algorithm::from).collect())
    }

    /// An algorithm that was chosen earlier, if the library still takes it for this problem within so many bytes of workspace.
    pub fn known(&self, words: [u64; 8], workspace: usize) -> Option<Algorithm> {
        let operation = self.operation.lock().unwrap_or_else(PoisonError::into_inner);
        let mut checked = Heuristic::default();
        // SAFETY: all descriptors live; the library looks at the words before it believes them, and writes one result.
        let answer = unsafe {
            self.lt.cublasLtMatmulAlgoCheck(
                self.handle,
                operation.raw,
                self.left.raw,
                self.right.raw,
                self.result.raw,
                self.result.raw,
                &cublasLtMatmulAlgo_t { data: words },
                &mut checked,
            )
        };
        (answer.is_ok() && checked.state == 0 && checked.workspace <= workspace)
            .then_some(Algorithm { words, workspace: checked.workspace })
    }

    /// Queues the product on a stream.
    pub fn run(&self, algorithm: &Algorithm, places: Places, stream: CUstream) -> Result<(), Failure> {
        let operation = self.operation.lock().unwrap_or_else(PoisonError::into_inner);
        operation.place(places)?;
        let pointer = |address: u64| ptr::with_exposed_provenance_mut::<c_void>(address as usize);
        // SAFETY: descriptors live; the matrices are in bounds of living buffers of this stream, the workspace is as large as
        // the algorithm was asked for with, and the two factors are read before the call returns.
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
                &cublasLtMatmulAlgo_t { data: algorithm.words },
                pointer(places.workspace),
                algorithm.workspace,
                stream,
            )
        }
    }
}

impl From<&Heuristic> for Algorithm {
    fn from(found: &Heuristic) -> Self {
        Self { words: found.algorithm, workspace: found.workspace }
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
        if let Some(leading) = problem.fused.aside(problem.sizes[0]) {
            operation.set(Of::CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD as u32, &(leading as i64))?;
        }
        Ok(operation)
    }

    /// Says where the operands of the epilogue are.
    fn place(&self, places: Places) -> Result<(), Failure> {
        if places.row != 0 {
            self.set(Of::CUBLASLT_MATMUL_DESC_BIAS_POINTER as u32, &places.row)?;
        }
        if places.aside != 0 {
            self.set(Of::CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER as u32, &places.aside)?;
        }
        Ok(())
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
