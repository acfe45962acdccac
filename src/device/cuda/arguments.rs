//! What a launch is given: its geometry, and the kernel's arguments.

use std::ffi::c_void;

use smallvec::SmallVec;

use crate::formula::Precision;
use crate::memory::SEGMENT_ALIGNMENT;

/// How many blocks of how many threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Blocks along each axis.
    pub blocks: [u32; 3],
    /// Threads of a block along each axis.
    pub block: [u32; 3],
    /// Shared memory of a block, beside what the kernel itself declares.
    pub shared_bytes: u32,
}

/// The arguments of a kernel, in order. Each begins at a word of its own, little-endian.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    words: SmallVec<[u64; 32]>,
    starts: SmallVec<[u8; 24]>,
}

impl Grid {
    /// Blocks along one axis.
    pub const fn new(blocks: u32, threads: u32) -> Self {
        Self { blocks: [blocks, 1, 1], block: [threads, 1, 1], shared_bytes: 0 }
    }
}

impl Arguments {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// A device address; none for that of an empty buffer, which lies nowhere.
    pub fn pointer(&mut self, address: u64) -> &mut Self {
        self.words(&[if address <= SEGMENT_ALIGNMENT as u64 { 0 } else { address }])
    }

    /// A number of 32 bits.
    pub fn u32(&mut self, number: u32) -> &mut Self {
        self.words(&[u64::from(number)])
    }

    /// A number of 64 bits.
    pub fn u64(&mut self, number: u64) -> &mut Self {
        self.words(&[number])
    }

    /// A number in the precision that a kernel computes in.
    pub fn real(&mut self, precision: Precision, number: f64) -> &mut Self {
        match precision {
            Precision::Single => self.u32((number as f32).to_bits()),
            Precision::Double => self.u64(number.to_bits()),
        }
    }

    /// A struct of words, by value.
    pub fn words(&mut self, words: &[u64]) -> &mut Self {
        // An argument of no words is one the kernel does not have.
        if !words.is_empty() {
            self.starts.push(self.words.len() as u8);
            self.words.extend_from_slice(words);
        }
        self
    }

    /// Where each argument is. The driver reads there, and does not write.
    pub fn pointers(&self) -> impl Iterator<Item = *mut c_void> {
        self.starts.iter().map(|&start| self.words[usize::from(start)..].as_ptr().cast_mut().cast())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_argument_is_found_where_it_begins() {
        let mut arguments = Arguments::new();
        arguments.pointer(7000).real(Precision::Single, 1.5).words(&[]).words(&[1, 2, 3]).u32(9);
        let pointers: Vec<_> = arguments.pointers().collect();
        assert_eq!(pointers.len(), 4);
        // SAFETY: each leads to as many bytes as were put there.
        unsafe {
            assert_eq!(pointers[0].cast::<u64>().read(), 7000);
            assert_eq!(pointers[1].cast::<f32>().read(), 1.5);
            assert_eq!(pointers[2].cast::<[u64; 3]>().read(), [1, 2, 3]);
            assert_eq!(pointers[3].cast::<u32>().read(), 9);
        }
    }
}
