//! The CUDA sources of `kernels/`, as they were when the crate was built.
//!
//! They include nothing, so that NVRTC compiles them with no toolkit around. A [`Unit`] puts sources together with their
//! definitions; the units of formulas are in [`formula::unit`](crate::formula::unit).

mod unit;

pub use unit::Unit;

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

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

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
