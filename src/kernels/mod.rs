//! The CUDA sources of `kernels/`, as they were when the crate was built.
//!
//! They include nothing, so that NVRTC compiles them with no toolkit around. A [`Unit`] puts sources together with their
//! definitions; the units of formulas are in [`formula::unit`](crate::formula::unit).

mod custom;
mod groups;
mod index;
mod piece;
mod resources;
mod rows;
mod unit;

pub use custom::{
    BlockLimits, CustomKernel, Diagnosis, Launch, Number, NumberType, Parameter, Role, USUAL_SHARED_BYTES, diagnosis,
    names,
};
pub use groups::Groups;
pub use index::{GATHERED_WORDS, gather, index_type, scatter_add, summed_vectors};
pub use piece::{Piece, VECTOR_BYTES, widths};
pub use resources::{Resources, warnings};
pub use rows::{argmax, cross_entropy, normalize, normalize_backward, normalize_sums, softmax, softmax_backward};
pub use unit::{Example, Origin, Unit};

/// A file of CUDA C++.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelSource {
    /// The file's name without its extension.
    pub name: &'static str,
    /// What is in it.
    pub text: &'static str,
    /// The 64-bit FNV-1a hash of the text.
    pub hash: u64,
}

impl KernelSource {
    /// What it says of the bytes its kernel moves.
    pub fn bytes_moved(&self) -> &'static str {
        let line = self.text.lines().nth(1).and_then(|line| line.strip_prefix("// Bytes moved"));
        line.map_or("", |line| line.trim_start_matches([':', ' ']))
    }
}

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

/// The 64-bit FNV-1a hash of a text: the same on every machine and for every version of the compiler.
pub const fn hash(text: &str) -> u64 {
    let (bytes, mut hash, mut at) = (text.as_bytes(), 0xcbf2_9ce4_8422_2325, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

/// Every unit of the kernels on rows and of those that are given indices.
pub fn examples() -> Vec<Example> {
    [rows::examples(), index::examples()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_stand_alone() {
        for source in ALL {
            assert!(!source.text.contains("#include"), "{}", source.name);
            let head: Vec<_> = source.text.lines().take(2).collect();
            assert!(head[0].starts_with("// ") && head[1].starts_with("// Bytes moved"), "{}: {head:?}", source.name);
        }
    }
}
