//! One array of an IDX file: a header that is checked against the file, then its bytes.

use std::path::Path;

use super::source::Source;
use crate::Result;

/// The only element type that images and labels come in.
const UNSIGNED_BYTE: u8 = 0x08;

/// An array of unsigned bytes with `RANK` axes, whose header is read and whose bytes are not.
pub(super) struct Array<'a, const RANK: usize> {
    /// Size of each axis, none of them 0.
    pub(super) sizes: [usize; RANK],
    /// Product of the sizes.
    length: usize,
    source: Source<'a>,
}

impl<'a, const RANK: usize> Array<'a, RANK> {
    /// Reads the header: two zero bytes, the element type, the rank, and a big-endian size for each of `axes`.
    pub(super) fn open(mut source: Source<'a>, axes: [&str; RANK]) -> Result<Self> {
        let mut magic = [0; 4];
        source.fill(&mut magic)?;
        check_magic(magic, axes.len()).map_err(|rule| source.broken(rule))?;
        let mut sizes = [0; RANK];
        for (size, axis) in sizes.iter_mut().zip(axes) {
            let mut bytes = [0; 4];
            source.fill(&mut bytes)?;
            *size = usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX);
            if *size == 0 {
                return Err(source.broken(format!("the set is empty: its {axis} is 0")));
            }
        }
        let length = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        let length = length.ok_or_else(|| source.broken(format!("sizes {sizes:?} are too large to multiply")))?;
        source.check_holds(length).map_err(|rule| source.broken(format!("sizes {sizes:?} {rule}")))?;
        Ok(Self { sizes, length, source })
    }

    /// Where the array comes from.
    pub(super) fn path(&self) -> &Path {
        self.source.path()
    }

    /// The bytes, with nothing after them.
    pub(super) fn read(mut self) -> Result<Vec<u8>> {
        let bytes = self.source.take(self.length)?;
        self.source.finish()?;
        Ok(bytes)
    }
}

fn check_magic([zero0, zero1, element, rank]: [u8; 4], axes: usize) -> Result<(), String> {
    if (zero0, zero1) != (0, 0) {
        return Err(format!("starts with bytes {zero0:#04x} {zero1:#04x}, but an IDX file starts with two zeros"));
    }
    if element != UNSIGNED_BYTE {
        return Err(format!("has element type {element:#04x}, but only unsigned bytes (0x08) can be read"));
    }
    if usize::from(rank) != axes {
        return Err(format!("has {rank} axes, but {axes} are needed"));
    }
    Ok(())
}
