//! From the bytes of a file to numbers in C order.

use half::f16;

use super::Values;
use super::header::{Element, Header};

/// The elements; there are as many bytes as the header needs.
pub(super) fn values(bytes: &[u8], header: &Header) -> Result<Values, String> {
    let big = header.big_endian;
    Ok(match header.element {
        Element::U8 => Values::Bytes(ordered(bytes.to_vec(), header)),
        Element::Bool => match bytes.iter().find(|&&byte| byte > 1) {
            Some(byte) => return Err(format!("holds a truth value of {byte}, which is neither 0 nor 1")),
            None => Values::Bytes(ordered(bytes.to_vec(), header)),
        },
        Element::I8 => integers(bytes, header, |byte: [u8; 1]| i8::from_le_bytes(byte).into()),
        Element::I16 => integers(bytes, header, |bytes| i16::from_le_bytes(bytes).into()),
        Element::I32 => integers(bytes, header, |bytes| i32::from_le_bytes(bytes).into()),
        Element::I64 => integers(bytes, header, i64::from_le_bytes),
        Element::U16 => integers(bytes, header, |bytes| u16::from_le_bytes(bytes).into()),
        Element::U32 => integers(bytes, header, |bytes| u32::from_le_bytes(bytes).into()),
        Element::U64 => {
            let large = elements(bytes, big, u64::from_le_bytes).find(|&value| i64::try_from(value).is_err());
            if let Some(value) = large {
                return Err(format!("holds {value}, which is above the largest signed number of 64 bits"));
            }
            integers(bytes, header, i64::from_le_bytes)
        }
        Element::F16 => Values::Floats(read(bytes, header, |bytes| f16::from_le_bytes(bytes).to_f32())),
        Element::F32 => Values::Floats(read(bytes, header, f32::from_le_bytes)),
        Element::F64 => Values::Doubles(read(bytes, header, f64::from_le_bytes)),
    })
}

fn integers<const N: usize>(bytes: &[u8], header: &Header, decode: fn([u8; N]) -> i64) -> Values {
    Values::Integers(read(bytes, header, decode))
}

fn read<const N: usize, T: Copy>(bytes: &[u8], header: &Header, decode: fn([u8; N]) -> T) -> Vec<T> {
    ordered(elements(bytes, header.big_endian, decode).collect(), header)
}

/// The elements as they lie in the file.
fn elements<const N: usize, T>(bytes: &[u8], big: bool, decode: fn([u8; N]) -> T) -> impl Iterator<Item = T> {
    bytes.as_chunks::<N>().0.iter().map(move |&bytes| {
        let mut little = bytes;
        if big {
            little.reverse();
        }
        decode(little)
    })
}

/// The elements with the last axis fastest.
fn ordered<T: Copy>(values: Vec<T>, header: &Header) -> Vec<T> {
    let shape = &header.shape;
    if !header.fortran || shape.len() < 2 || values.is_empty() {
        return values;
    }
    // How far apart neighbours along an axis lie in the file.
    let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[..axis].iter().product()).collect();
    let (mut place, mut at) = (vec![0; shape.len()], 0);
    let mut sorted = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        sorted.push(values[at]);
        // Counts on, the last axis first; an axis at its end begins again, and the one before it goes on.
        for axis in (0..shape.len()).rev() {
            place[axis] += 1;
            at += strides[axis];
            if place[axis] < shape[axis] {
                break;
            }
            at -= shape[axis] * strides[axis];
            place[axis] = 0;
        }
    }
    sorted
}
