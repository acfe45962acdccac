//! The element type that networks compute in, for a stretch of code.

use std::cell::Cell;

use crate::dtype::DType;
use crate::error::{Error, Result};

thread_local! {
    static COMPUTE: Cell<Option<DType>> = const { Cell::new(None) };
}

/// Lets every [`Network`](super::Network) on this thread compute in this type until the guard is dropped, whatever it was
/// [built](super::NetworkBuilder::compute) to do: parameters and their gradients stay in their own.
///
/// ```
/// use rectify::DType;
/// let fast = rectify::nn::compute_in(DType::Bf16)?;
/// // passes through networks here run in bf16
/// drop(fast);
/// # Ok::<(), rectify::Error>(())
/// ```
///
/// # Errors
/// Not a floating point type.
pub fn compute_in(dtype: DType) -> Result<Computing> {
    if !dtype.is_float() {
        return Err(Error::dtype("compute_in", &[dtype], "is not floating point: nothing can be trained in it"));
    }
    Ok(Computing { before: COMPUTE.replace(Some(dtype)) })
}

/// The type of the innermost scope, if there is one.
pub(super) fn current() -> Option<DType> {
    COMPUTE.get()
}

/// The choice made by [`compute_in`].
#[derive(Debug)]
#[must_use = "the choice ends when the guard is dropped"]
pub struct Computing {
    before: Option<DType>,
}

impl Drop for Computing {
    fn drop(&mut self) {
        COMPUTE.set(self.before);
    }
}
