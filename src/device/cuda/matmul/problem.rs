//! What a product is, apart from addresses: the key of its plan.

use cudarc::cublaslt::sys::{cublasComputeType_t as Compute, cudaDataType_t as Kind};

use super::epilogue::{Fused, Within};
use super::matrix::{Matrix, alignment, three};
use crate::device::backend::Product;
use crate::device::policy;
use crate::dtype::DType;

/// A product of column-major matrices: the transposes of what was asked for, in reverse order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The transposes of `b`, of `a` and of `c`.
    pub left: Matrix,
    pub right: Matrix,
    pub result: Matrix,
    /// Columns of `b`, rows of `a`, and the size that goes.
    pub sizes: [usize; 3],
    pub batch: usize,
    pub dtype: DType,
    pub accumulate: bool,
    pub tensor_float: bool,
    pub fused: Fused,
    /// What the addresses of the row and of what is kept aside are multiples of, up to 256 bytes.
    pub alignments: [u16; 2],
}

impl Problem {
    /// The problem of a product, or none where a factor has to be copied first.
    pub fn of(product: &Product<'_>, within: &Within) -> Option<Self> {
        let [batch, m, n] = three(product.c.shape());
        let dtype = product.c.dtype();
        let result = Matrix::transpose_of(&product.c).filter(|result| !result.transposed || m == 1 || n == 1)?;
        Some(Self {
            left: Matrix::transpose_of(&product.b)?,
            right: Matrix::transpose_of(&product.a)?,
            result: Matrix { alignment: alignment(within.result), ..result },
            sizes: [n, m, product.a.shape()[2]],
            batch,
            dtype,
            accumulate: product.accumulate,
            tensor_float: dtype == DType::F32 && policy::allows_tf32(),
            fused: within.fused,
            alignments: [alignment(within.row), alignment(within.aside)],
        })
    }

    /// Whether cuBLAS, which counts in 32 bits, has words for its sizes.
    pub fn fits_in_32_bits(&self) -> bool {
        let leading = [self.left, self.right, self.result].map(|matrix| matrix.leading);
        self.sizes.iter().chain(&leading).chain([&self.batch]).all(|&size| i32::try_from(size).is_ok())
    }

    /// CUDA's number for the element type.
    pub const fn kind(&self) -> u32 {
        let kind = match self.dtype {
            DType::F64 => Kind::CUDA_R_64F,
            DType::F16 => Kind::CUDA_R_16F,
            DType::Bf16 => Kind::CUDA_R_16BF,
            _ => Kind::CUDA_R_32F,
        };
        kind as u32
    }

    /// How it is computed: sums of 16-bit products in f32.
    pub const fn compute(&self) -> u32 {
        let compute = match self.dtype {
            DType::F64 => Compute::CUBLAS_COMPUTE_64F,
            _ if self.tensor_float => Compute::CUBLAS_COMPUTE_32F_FAST_TF32,
            _ => Compute::CUBLAS_COMPUTE_32F,
        };
        compute as u32
    }

    /// The factors of the product and of what is there: in the type that sums are computed in.
    pub fn scales(&self) -> Scales {
        let beta = f64::from(u8::from(self.accumulate));
        match self.dtype {
            DType::F64 => Scales { kind: Kind::CUDA_R_64F as u32, alpha: 1f64.to_bits(), beta: beta.to_bits() },
            _ => Scales {
                kind: Kind::CUDA_R_32F as u32,
                alpha: u64::from(1f32.to_bits()),
                beta: u64::from((beta as f32).to_bits()),
            },
        }
    }
}

/// Two numbers of a type, little-endian.
#[derive(Debug, Clone, Copy)]
pub struct Scales {
    pub kind: u32,
    pub alpha: u64,
    pub beta: u64,
}
