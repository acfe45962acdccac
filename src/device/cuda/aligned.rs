//! Operands at addresses where vectors may begin. Nearly all are; a part of a larger tensor may not be, and is worked on in
//! a copy then, so that kernels need no second way and give the same bits wherever rows lie.

use super::queue::Queue;
use crate::device::view::View;
use crate::error::Result;
use crate::kernels::VECTOR_BYTES;
use crate::memory::Buffer;

/// A contiguous operand, or a copy of it.
pub struct Aligned {
    /// Where it begins.
    pub address: u64,
    copy: Option<(Buffer, usize)>,
}

impl Aligned {
    /// An operand that is read, by vectors of `width` elements.
    pub fn input(queue: &mut Queue<'_>, view: View<'_>, width: usize) -> Result<Self> {
        let aligned = Self::output(queue, view, width)?;
        if let Some((_, bytes)) = aligned.copy {
            queue.copy(view.address(), aligned.address, bytes)?;
        }
        Ok(aligned)
    }

    /// An operand that is written, by vectors of `width` elements, and then [finished](Self::finish).
    pub fn output(queue: &mut Queue<'_>, view: View<'_>, width: usize) -> Result<Self> {
        let address = view.address();
        if width == 1 || address.is_multiple_of(VECTOR_BYTES as u64) {
            return Ok(Self { address, copy: None });
        }
        let bytes = view.shape().count() * view.dtype().size();
        let copy = queue.scratch(bytes)?;
        Ok(Self { address: copy.address(), copy: Some((copy, bytes)) })
    }

    /// Brings what was written to where it belongs.
    pub fn finish(self, queue: &mut Queue<'_>, view: View<'_>) -> Result<()> {
        match self.copy {
            Some((_, bytes)) => queue.copy(self.address, view.address(), bytes),
            None => Ok(()),
        }
    }
}
