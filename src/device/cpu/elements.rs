//! From views to Rust pointers and slices, and from run-time element types to Rust types.

use crate::device::view::View;
use crate::dtype::Element;

/// Runs `$body` with `$type` as the Rust type of a `DType`.
macro_rules! with_element {
    ($dtype:expr, $type:ident => $body:expr) => {
        match $dtype {
            $crate::dtype::DType::F64 => {
                type $type = f64;
                $body
            }
            $crate::dtype::DType::F32 => {
                type $type = f32;
                $body
            }
            $crate::dtype::DType::F16 => {
                type $type = half::f16;
                $body
            }
            $crate::dtype::DType::Bf16 => {
                type $type = half::bf16;
                $body
            }
            $crate::dtype::DType::U8 => {
                type $type = u8;
                $body
            }
            $crate::dtype::DType::U32 => {
                type $type = u32;
                $body
            }
            $crate::dtype::DType::I32 => {
                type $type = i32;
                $body
            }
            $crate::dtype::DType::I64 => {
                type $type = i64;
                $body
            }
        }
    };
}

/// Runs `$body` with `$type` as the Rust type of a floating point `DType`, else `$other`.
macro_rules! with_float {
    ($dtype:expr, $type:ident => $body:expr, else $rest:ident => $other:expr) => {
        match $dtype {
            $crate::dtype::DType::F64 => {
                type $type = f64;
                $body
            }
            $crate::dtype::DType::F32 => {
                type $type = f32;
                $body
            }
            $crate::dtype::DType::F16 => {
                type $type = half::f16;
                $body
            }
            $crate::dtype::DType::Bf16 => {
                type $type = half::bf16;
                $body
            }
            $rest => $other,
        }
    };
}

pub(super) use {with_element, with_float};

/// The pointer to a host address.
pub fn pointer<T>(address: u64) -> *mut T {
    std::ptr::with_exposed_provenance_mut(address as usize)
}

/// The elements of a contiguous view.
///
/// # Safety
/// The view is contiguous, of element type `T` and of host memory, every element was written before, and nobody writes
/// to them while the slice lives.
pub unsafe fn slice<'a, T: Element>(view: View<'a>) -> &'a [T] {
    debug_assert!(view.dtype() == T::DTYPE && view.layout().is_contiguous());
    if view.shape().count() == 0 {
        return &[];
    }
    // SAFETY: a view is in bounds of its buffer, and buffers are aligned beyond any element; the rest is promised.
    unsafe { std::slice::from_raw_parts(pointer(view.address()), view.shape().count()) }
}

/// A pointer that threads may share, each touching elements of its own.
#[derive(Clone, Copy)]
pub struct Shared<T>(pub *mut T);

// SAFETY: whoever dereferences the pointer promises that no two threads write the same element.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The pointer to the element `index`.
    pub fn at(self, index: usize) -> *mut T {
        self.0.wrapping_add(index)
    }
}
