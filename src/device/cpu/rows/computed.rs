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

/// Runs `$body` with `$type` as the Rust type of a `DType` that callers know to be floating point.
macro_rules! with_computed {
    ($dtype:expr, $type:ident => $body:expr) => {
        $crate::device::cpu::elements::with_float!($dtype, $type => $body, else other => {
            unreachable!("{other} is not a floating point type: callers of a backend check")
        })
    };
}

pub(super) use with_computed;
