//! The numbers that kernels are given: their types as CUDA C++ spells them, and their values.

use std::fmt;

use half::{bf16, f16};

use crate::dtype::DType;

/// The type of a number in CUDA C++.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberType {
    /// A type that elements of tensors have.
    Element(DType),
    /// Unsigned 64-bit integer: sizes.
    U64,
}

/// The types that are understood, for messages.
pub(super) const KNOWN: &str = "float, double, f16 or __half, bf16 or __nv_bfloat16, unsigned char, int, unsigned, \
                                long long, unsigned long long, and their names such as uint32_t or u32";

impl NumberType {
    /// The type that these words name.
    pub(super) fn of(words: &[&str]) -> Option<Self> {
        let element = match words {
            ["float" | "f32"] => DType::F32,
            ["double" | "f64"] => DType::F64,
            ["f16" | "half" | "__half"] => DType::F16,
            ["bf16" | "nv_bfloat16" | "__nv_bfloat16"] => DType::Bf16,
            ["u8" | "uint8_t"] => DType::U8,
            ["u32" | "uint32_t"] => DType::U32,
            ["i32" | "int32_t"] => DType::I32,
            ["i64" | "int64_t"] => DType::I64,
            ["u64" | "uint64_t" | "size_t"] => return Some(Self::U64),
            words => return Self::of_integer(words),
        };
        Some(Self::Element(element))
    }

    /// The words of an integer may come in any order.
    fn of_integer(words: &[&str]) -> Option<Self> {
        let count = |word| words.iter().filter(|&&other| other == word).count();
        let counts = ["unsigned", "signed", "char", "int", "long"].map(count);
        if words.is_empty() || counts.iter().sum::<usize>() != words.len() {
            return None;
        }
        match counts {
            [1, 0, 1, 0, 0] => Some(Self::Element(DType::U8)),
            [1, 0, 0, 0 | 1, 0] => Some(Self::Element(DType::U32)),
            [0, 0 | 1, 0, 0 | 1, 0] => Some(Self::Element(DType::I32)),
            [0, 0 | 1, 0, 0 | 1, 2] => Some(Self::Element(DType::I64)),
            [1, 0, 0, 0 | 1, 2] => Some(Self::U64),
            _ => None,
        }
    }

    /// As this crate calls it: `f32`, `u64`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Element(dtype) => dtype.name(),
            Self::U64 => "u64",
        }
    }
}

impl fmt::Display for NumberType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A number for a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    of: NumberType,
    bits: u64,
}

impl Number {
    /// Its type.
    pub const fn of(self) -> NumberType {
        self.of
    }

    /// Its bits, in the lowest places.
    pub const fn bits(self) -> u64 {
        self.bits
    }

    /// Reads a number of a type, such as `2.5` or `-3`; none for one that the type cannot hold.
    pub fn parse(text: &str, of: NumberType) -> Option<Self> {
        match of {
            NumberType::Element(DType::F64) => text.parse::<f64>().ok().map(Self::from),
            NumberType::Element(DType::F32) => text.parse::<f32>().ok().map(Self::from),
            NumberType::Element(DType::F16) => text.parse::<f16>().ok().map(Self::from),
            NumberType::Element(DType::Bf16) => text.parse::<bf16>().ok().map(Self::from),
            NumberType::Element(DType::U8) => text.parse::<u8>().ok().map(Self::from),
            NumberType::Element(DType::U32) => text.parse::<u32>().ok().map(Self::from),
            NumberType::Element(DType::I32) => text.parse::<i32>().ok().map(Self::from),
            NumberType::Element(DType::I64) => text.parse::<i64>().ok().map(Self::from),
            NumberType::U64 => text.parse::<u64>().ok().map(Self::from),
        }
    }
}

macro_rules! numbers {
    ($($type:ty => $of:expr, |$x:ident| $bits:expr;)*) => {
        $(impl From<$type> for Number {
            fn from($x: $type) -> Self {
                Self { of: $of, bits: $bits }
            }
        })*
    };
}

numbers! {
    f64 => NumberType::Element(DType::F64), |x| x.to_bits();
    f32 => NumberType::Element(DType::F32), |x| x.to_bits().into();
    f16 => NumberType::Element(DType::F16), |x| x.to_bits().into();
    bf16 => NumberType::Element(DType::Bf16), |x| x.to_bits().into();
    u8 => NumberType::Element(DType::U8), |x| x.into();
    u32 => NumberType::Element(DType::U32), |x| x.into();
    i32 => NumberType::Element(DType::I32), |x| (x as u32).into();
    i64 => NumberType::Element(DType::I64), |x| x as u64;
    u64 => NumberType::U64, |x| x;
    usize => NumberType::U64, |x| x as u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_in_every_spelling() {
        for (spelling, name) in [
            ("float", "f32"),
            ("__half", "f16"),
            ("__nv_bfloat16", "bf16"),
            ("unsigned char", "u8"),
            ("char unsigned", "u8"),
            ("unsigned", "u32"),
            ("int unsigned", "u32"),
            ("int", "i32"),
            ("signed", "i32"),
            ("long long", "i64"),
            ("long int long", "i64"),
            ("size_t", "u64"),
            ("long unsigned int long", "u64"),
        ] {
            let words: Vec<_> = spelling.split(' ').collect();
            assert_eq!(NumberType::of(&words).map(NumberType::name), Some(name), "{spelling}");
        }
        // `long` has 32 bits on Windows and 64 elsewhere; a `char` has a sign or none; the others no tensor holds.
        for spelling in
            ["", "long", "unsigned long", "char", "signed char", "short", "bool", "float2", "int float", "T"]
        {
            let words: Vec<_> = spelling.split(' ').collect();
            assert_eq!(NumberType::of(&words), None, "{spelling}");
        }
    }

    #[test]
    fn numbers_are_read_within_their_type() {
        let read = |text, of| Number::parse(text, NumberType::Element(of)).map(Number::bits);
        assert_eq!(read("2.5", DType::F32), Some(0x4020_0000));
        assert_eq!(read("-1", DType::I32), Some(0xffff_ffff));
        assert_eq!(read("-1", DType::I64), Some(u64::MAX));
        assert_eq!(read("1", DType::F16), Some(0x3c00));
        assert_eq!([read("256", DType::U8), read("2.5", DType::U32), read("x", DType::F64)], [None; 3]);
        assert_eq!(Number::parse("18446744073709551615", NumberType::U64), Some(u64::MAX.into()));
    }
}
