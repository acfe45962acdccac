//! NumPy's arrays: `.npy` files, one array each.
//!
//! Versions 1 to 3 of the format can be read, both byte orders, C and Fortran order, and every element type of numbers
//! up to 64 bits. Nothing the header says is believed before the file backs it: its sizes must match the length of the
//! file before anything is allocated. Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::path::Path;

use header::Header;

use crate::checkpoint::write_atomically;
use crate::data::file::contents;
use crate::{Error, Result};

mod decode;
mod header;

/// An array in memory.
///
/// ```
/// use rectify::data::npy::{self, Array};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("x.npy");
/// let array = Array::new(vec![2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// npy::write(&path, &array)?;
/// assert_eq!(npy::read(&path)?, array);
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    values: Values,
}

/// The elements of an array, the last axis fastest. What is read keeps its value: narrow types become the wide one of
/// their kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// `bool` (0 or 1) and `uint8`.
    Bytes(Vec<u8>),
    /// `int8` to `int64`, and `uint16` to `uint64` where they fit.
    Integers(Vec<i64>),
    /// `float16` and `float32`.
    Floats(Vec<f32>),
    /// `float64`.
    Doubles(Vec<f64>),
}

impl Array {
    /// An array of this shape; no axis means a single value.
    ///
    /// # Errors
    /// [`Error::Argument`] where the number of values is not that of the shape.
    pub fn new(shape: Vec<usize>, values: impl Into<Values>) -> Result<Self> {
        let values = values.into();
        let count = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        if count != Some(values.len()) {
            return Err(Error::argument("array", format!("{} values do not fill the shape {shape:?}", values.len())));
        }
        Ok(Self { shape, values })
    }

    /// Size of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, the last axis fastest.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The elements alone.
    pub fn into_values(self) -> Values {
        self.values
    }
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Doubles(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

macro_rules! from_elements {
    ($($element:ty => $kind:ident),*) => {$(
        impl From<Vec<$element>> for Values {
            fn from(values: Vec<$element>) -> Self {
                Self::$kind(values)
            }
        }
    )*};
}

from_elements!(u8 => Bytes, i64 => Integers, f32 => Floats, f64 => Doubles);

/// Reads a file.
///
/// # Errors
/// [`Error::Data`] for content that breaks the format, elements that are no numbers, or integers beyond 64 signed bits;
/// [`Error::Io`] where the system refuses to read.
pub fn read(path: impl AsRef<Path>) -> Result<Array> {
    let path = path.as_ref();
    from_bytes(&contents(path)?).map_err(|rule| Error::data(path, rule))
}

/// Reads the content of a file; the error is the rule that it breaks.
pub fn from_bytes(bytes: &[u8]) -> Result<Array, String> {
    let (header, content) = Header::read(bytes)?;
    let count = header.shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    let length = count.and_then(|count| count.checked_mul(header.element.size()));
    if length != Some(content.len()) {
        let Header { shape, element, .. } = &header;
        let needed = length.map_or("more bytes than can be counted".into(), |length| format!("{length} bytes"));
        return Err(format!(
            "shape {shape:?} of {}-byte elements needs {needed} after the header, but there are {}",
            element.size(),
            content.len()
        ));
    }
    let values = decode::values(content, &header)?;
    Ok(Array { shape: header.shape, values })
}

/// Replaces the file at `path` by this array, whole or not at all.
///
/// # Errors
/// [`Error::Io`] where the system refuses.
pub fn write(path: impl AsRef<Path>, array: &Array) -> Result<()> {
    write_atomically(path, |file| file.write_all(&to_bytes(array)))
}

/// The content of a file that holds this array: version 1, little-endian, C order.
pub fn to_bytes(array: &Array) -> Vec<u8> {
    let element = match array.values {
        Values::Bytes(_) => "|u1",
        Values::Integers(_) => "<i8",
        Values::Floats(_) => "<f4",
        Values::Doubles(_) => "<f8",
    };
    let mut bytes = header::written(element, &array.shape);
    match &array.values {
        Values::Bytes(values) => bytes.extend_from_slice(values),
        Values::Integers(values) => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Values::Floats(values) => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Values::Doubles(values) => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
    }
    bytes
}
