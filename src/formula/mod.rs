//! Elementwise operations as formulas: written once, run on SIMD lanes, differentiated, and printed as CUDA C++.

mod any;
pub mod catalogue;
mod cuda;
mod definition;
mod dual;
mod expression;
mod guarded;
pub mod lanes;
pub mod math;
pub mod philox;
mod reference;
mod run;
pub(crate) mod scalar;
mod simd;
mod told;
pub mod unit;

pub use any::{AnyFormula, Backward, Differentiable, uses_input, work_of_element};
pub use cuda::Precision;
#[doc(hidden)]
pub use definition::Results;
pub use definition::{
    Arguments, Biased, Draw, Formula, Gradient, GradientFromOutput, MAX_INPUTS, MAX_OUTPUTS, MAX_PARAMETERS, Role,
    Signature,
};
pub use dual::Dual;
pub use expression::{Binary, Comparison, Condition, Cost, Expression, Graph, Node, Unary};
pub use guarded::Guarded;
pub use run::{Span, Traffic};
pub use scalar::{Mask, Operand, Scalar};
pub use simd::Simd;
pub use told::Told;
