//! The types that rows are computed in: f32 for the 16-bit types, for others their own.

use half::{bf16, f16};

use crate::dtype::Element;
use crate::formula::lanes::{LaneElement, narrow, widen};

/// A floating point type, and the one its rows are computed in.
pub trait Computed: Element {
    /// f32 or f64.
    type Compute: LaneElement;

    /// These elements to compute with: themselves, or converted into `scratch`.
    fn widened<'a>(elements: &'a [Self], scratch: &'a mut Vec<Self::Compute>) -> &'a [Self::Compute];

    /// Calls `compute` with a place for `results`: itself, or `scratch` that is converted afterwards.
    fn narrowed(results: &mut [Self], scratch: &mut Vec<Self::Compute>, compute: impl FnOnce(&mut [Self::Compute]));
}

macro_rules! computed_as_is {
    ($($type:ty),*) => {$(
        impl Computed for $type {
            type Compute = Self;

            fn widened<'a>(elements: &'a [Self], _: &'a mut Vec<Self>) -> &'a [Self] {
                elements
            }

            fn narrowed(results: &mut [Self], _: &mut Vec<Self>, compute: impl FnOnce(&mut [Self])) {
                compute(results);
            }
        }
    )*};
}

macro_rules! computed_in_f32 {
    ($($type:ty),*) => {$(
        impl Computed for $type {
            type Compute = f32;

            fn widened<'a>(elements: &'a [Self], scratch: &'a mut Vec<f32>) -> &'a [f32] {
                scratch.resize(elements.len(), 0.0);
                widen(elements, scratch);
                scratch
            }

            fn narrowed(results: &mut [Self], scratch: &mut Vec<f32>, compute: impl FnOnce(&mut [f32])) {
                scratch.resize(results.len(), 0.0);
                compute(scratch);
                narrow(scratch, results);
            }
        }
    )*};
}

computed_as_is!(f32, f64);
computed_in_f32!(f16, bf16);

/// Runs `$body` with `$type` as the Rust type of a floating point `DType`.
macro_rules! with_float {
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
            other => unreachable!("{other} is not a floating point type: callers of a backend check"),
        }
    };
}

pub(super) use with_float;
