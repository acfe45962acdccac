//! Element types.

use std::fmt;
use std::str::FromStr;

use bytemuck::Pod;
use half::{bf16, f16};

use crate::error::Error;

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// 64-bit IEEE floating point.
    F64,
    /// 32-bit IEEE floating point.
    F32,
    /// 16-bit IEEE floating point; sums and products accumulate in f32.
    F16,
    /// 16-bit brain floating point; sums and products accumulate in f32.
    Bf16,
    /// Unsigned byte: images, masks.
    U8,
    /// Unsigned 32-bit integer: indices.
    U32,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer: labels.
    I64,
}

impl DType {
    /// Every element type.
    pub const ALL: [Self; 8] = [Self::F64, Self::F32, Self::F16, Self::Bf16, Self::U8, Self::U32, Self::I32, Self::I64];

    /// Bytes per element.
    pub const fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::U32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::U8 => 1,
        }
    }

    /// Whether elements are floating point: only these carry gradients.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// The name used in messages, files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::U8 => "u8",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }

    /// The type elements of this type are computed in: 16-bit types are widened to f32.
    pub const fn compute(self) -> Self {
        match self {
            Self::F16 | Self::Bf16 => Self::F32,
            other => other,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for DType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            Error::argument("dtype", format!("'{name}' is not an element type; known: {known}"))
        })
    }
}

/// A Rust type that can be a tensor's element.
///
/// Sealed: the set is [`DType`], and every implementor is plain old data, valid for any bit pattern.
pub trait Element: sealed::Sealed + Pod + Default + Send + Sync + PartialEq + PartialOrd + fmt::Debug {
    /// The element type this is.
    const DTYPE: DType;

    /// The value as f64 (i64 beyond 2^53 rounds).
    fn to_f64(self) -> f64;

    /// The value nearest to `value`; integers truncate towards zero and saturate, and NaN becomes 0.
    fn from_f64(value: f64) -> Self;

    /// The memory of these elements.
    fn as_bytes(elements: &[Self]) -> &[u8] {
        bytemuck::cast_slice(elements)
    }

    /// The memory of these elements, to write.
    fn as_bytes_mut(elements: &mut [Self]) -> &mut [u8] {
        bytemuck::cast_slice_mut(elements)
    }
}

/// The value with the lower half of its bits folded into the lowest one of the upper half: `half` looks at that half alone
/// and would take what is just past the middle of two 16-bit numbers for the middle.
#[inline(always)]
fn rounded_to_odd(value: f64) -> f64 {
    let bits = value.to_bits();
    let (upper, lower) = (bits >> 32 << 32, bits << 32);
    f64::from_bits(upper | u64::from(lower != 0) << 32)
}

macro_rules! elements {
    ($($type:ty => $dtype:ident, |$x:ident| $to:expr, |$y:ident| $from:expr;)*) => {
        mod sealed {
            use super::*;
            pub trait Sealed {}
            $(impl Sealed for $type {})*
        }
        $(impl Element for $type {
            const DTYPE: DType = DType::$dtype;
            #[inline(always)]
            fn to_f64(self) -> f64 { let $x = self; $to }
            #[inline(always)]
            fn from_f64($y: f64) -> Self { $from }
        })*
    };
}

elements! {
    f64 => F64, |x| x, |y| y;
    f32 => F32, |x| x as f64, |y| y as f32;
    f16 => F16, |x| x.to_f64(), |y| f16::from_f64(rounded_to_odd(y));
    bf16 => Bf16, |x| x.to_f64(), |y| bf16::from_f64(rounded_to_odd(y));
    u8 => U8, |x| x as f64, |y| y as u8;
    u32 => U32, |x| x as f64, |y| y as u32;
    i32 => I32, |x| x as f64, |y| y as i32;
    i64 => I64, |x| x as f64, |y| y as i64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_sizes_match() {
        for dtype in DType::ALL {
            assert_eq!(dtype.name().parse::<DType>().unwrap(), dtype);
        }
        assert_eq!(DType::F16.size(), size_of::<f16>());
        assert_eq!(DType::I64.size(), size_of::<i64>());
        let error = "f12".parse::<DType>().unwrap_err().to_string();
        assert!(error.contains("'f12'") && error.contains("bf16"), "{error}");
    }

    #[test]
    fn integers_truncate_and_saturate() {
        assert_eq!(u8::from_f64(300.7), 255);
        assert_eq!(u8::from_f64(-1.0), 0);
        assert_eq!(i32::from_f64(-2.9), -2);
        assert_eq!(i64::from_f64(f64::NAN), 0);
    }
}
