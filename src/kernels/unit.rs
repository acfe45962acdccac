//! What is compiled at once: sources with their definitions, and the kernel in them.

use std::fmt::{Display, Write};
use std::sync::Arc;

use super::KernelSource;

/// A CUDA translation unit with one kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The kernel's name.
    pub kernel: String,
    /// The CUDA C++.
    pub text: String,
    /// Where a person wrote it, if it is not one of this crate.
    pub origin: Option<Origin>,
}

/// Where a person wrote a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: Arc<str>,
    /// The line of its name, from 1.
    pub line: usize,
}

/// A unit as programs use it: to list, and to check a compiler with.
#[derive(Debug, Clone)]
pub struct Example {
    /// The name of the source whose kernel it is.
    pub family: &'static str,
    /// Element types, and whatever else tells it from the others of its kernel.
    pub operands: String,
    /// The unit.
    pub unit: Unit,
}

impl Unit {
    /// These sources, one behind the other, with `KERNEL` and these names defined ahead of them.
    pub fn new(kernel: impl Into<String>, definitions: &[(&str, &dyn Display)], sources: &[KernelSource]) -> Self {
        let kernel = kernel.into();
        let mut text = format!("#define KERNEL {kernel}\n");
        for (name, value) in definitions {
            let _ = writeln!(text, "#define {name} {value}");
        }
        sources.iter().for_each(|source| text.push_str(source.text));
        Self { kernel, text, origin: None }
    }

    /// The threads of its blocks, if it is compiled for a number of them.
    pub fn threads(&self) -> Option<u32> {
        self.text.lines().find_map(|line| line.strip_prefix("#define THREADS "))?.parse().ok()
    }
}
