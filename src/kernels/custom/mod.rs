//! Kernels that a person wrote: CUDA C++ read as far as it takes to check what they are given.

mod diagnosis;
mod launch;
mod number;
mod signature;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

pub use diagnosis::{Diagnosis, diagnosis};
pub use launch::{BlockLimits, Launch, USUAL_SHARED_BYTES};
pub use number::{Number, NumberType};
pub use signature::{Parameter, Role, names};

use super::{Origin, PRELUDE, Unit};
use crate::error::{Error, Result};
use signature::{Fault, Signature};

/// A kernel in a text that a person wrote.
///
/// The text is compiled as it is. A line `#include "prelude.cuh"` stands for the crate's own `kernels/prelude.cuh`: the types
/// `f16` and `bf16` with their conversions, computing in `REAL`, which is `float` unless it is defined before.
#[derive(Debug)]
pub struct CustomKernel {
    unit: Unit,
    file: Arc<str>,
    number: u64,
    signature: Signature,
}

/// The line that the prelude stands in for.
const INCLUDE: &str = "#include \"prelude.cuh\"";

impl CustomKernel {
    /// The kernel `entry` of a text, which messages call `file`.
    ///
    /// # Errors
    /// There is no such kernel in it, it is not declared `extern "C"`, or a parameter is neither a number nor a pointer to
    /// elements of tensors. The error names the line.
    pub fn new(text: &str, file: &str, entry: &str) -> Result<Self> {
        let fault = |Fault { line, rule }| Error::kernel(entry, file, line, rule);
        let signature = signature::find(text, entry).map_err(fault)?;
        let file: Arc<str> = file.into();
        let origin = Some(Origin { file: file.clone(), line: signature.line });
        let unit = Unit { kernel: entry.into(), text: completed(text, &file), origin };
        Ok(Self { number: number(&unit), unit, file, signature })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.unit.kernel
    }

    /// What messages call its text.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line of its name.
    pub fn line(&self) -> usize {
        self.signature.line
    }

    /// What it takes, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.signature.parameters
    }

    /// The threads of a block that `__launch_bounds__` promises at most, where it says a number.
    pub fn most_threads(&self) -> Option<u32> {
        self.signature.most_threads
    }

    /// What is compiled.
    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// What tells it from every other kernel of this process: the same text gives the same number again.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// An error in how it is used, at its line or that of a parameter.
    pub fn fault(&self, line: usize, rule: impl Into<String>) -> Error {
        Error::kernel(self.name(), self.file(), Some(line), rule)
    }
}

/// The text with the prelude where it is asked for. Compilers are told the lines of the text itself.
fn completed(text: &str, file: &str) -> String {
    let file = file.replace('\\', "\\\\").replace('"', "\\\"");
    let mut whole = format!("#line 1 \"{file}\"\n");
    for (place, line) in text.lines().enumerate() {
        if line.trim() == INCLUDE {
            let prelude = PRELUDE.text;
            let next = place + 2;
            whole += &format!(
                "#ifndef REAL\n#define REAL float\n#endif\n#line 1 \"prelude.cuh\"\n{prelude}#line {next} \"{file}\"\n"
            );
        } else {
            whole.push_str(line);
            whole.push('\n');
        }
    }
    whole
}

/// The number of a unit, by kernel and text.
fn number(unit: &Unit) -> u64 {
    static KNOWN: LazyLock<Mutex<HashMap<(String, String), u64>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let next = known.len() as u64;
    *known.entry((unit.kernel.clone(), unit.text.clone())).or_insert(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#define REAL double\n  #include \"prelude.cuh\"\nextern \"C\" __global__ void k(f16* x) {}\n";

    #[test]
    fn the_prelude_comes_in_and_lines_stay_those_of_the_text() {
        let kernel = CustomKernel::new(TEXT, "a\\b\".cu", "k").unwrap();
        let text = &kernel.unit().text;
        assert!(text.starts_with("#line 1 \"a\\\\b\\\".cu\"\n#define REAL double\n#ifndef REAL\n"), "{text}");
        assert!(text.ends_with("};\n#line 3 \"a\\\\b\\\".cu\"\nextern \"C\" __global__ void k(f16* x) {}\n"), "{text}");
        assert!(text.contains(PRELUDE.text) && text.contains("#line 1 \"prelude.cuh\"\n"));
    }

    #[test]
    fn the_same_text_has_the_same_number() {
        let number = |text: &str| CustomKernel::new(text, "a.cu", "k").unwrap().number();
        assert_eq!(number(TEXT), number(TEXT));
        assert_ne!(number(TEXT), number(&TEXT.replace("x) {", "y) {")));
    }

    #[test]
    fn faults_name_file_line_and_kernel() {
        let error = CustomKernel::new(TEXT, "a.cu", "q").unwrap_err();
        assert_eq!(error.to_string(), "a.cu: kernel q is not there; the text defines k on line 3");
        let kernel = CustomKernel::new(TEXT, "a.cu", "k").unwrap();
        assert_eq!(kernel.fault(3, "takes one argument").to_string(), "a.cu:3: kernel k takes one argument");
    }
}
