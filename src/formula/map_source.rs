//! Assembles the CUDA translation unit of a formula: the prelude, the printed formula and the skeleton `kernels/map.cu`.

use std::fmt::Write;

use super::any::AnyFormula;
use super::catalogue::create::box_muller;
use super::cuda::Precision;
use super::definition::{Draw, Role, Signature};
use crate::dtype::DType;
use crate::kernels::{DRAWS, MAP, PRELUDE};

/// Threads in a block of a map.
pub const THREADS: usize = 256;
/// Bytes that one instruction moves at most.
const VECTOR_BYTES: usize = 16;
/// Vectors that a thread has on their way from memory at most, over all inputs.
const VECTORS_IN_FLIGHT: usize = 8;
/// Vectors of one operand that a thread has in flight at most.
const MAX_UNROLL: usize = 4;
/// Elements that a thread works on at once at most: each is one more copy of the formula in the code.
const MAX_ELEMENTS: usize = 16;

/// How the element of an input is found that belongs to an element of the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// One element after the other, as in the outputs.
    Contiguous,
    /// The same element for all.
    Broadcast,
}

/// An input of a map, without its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MapInput {
    /// The type of its elements.
    pub dtype: DType,
    /// Where they lie.
    pub access: Access,
}

impl From<DType> for MapInput {
    /// A contiguous input.
    fn from(dtype: DType) -> Self {
        Self { dtype, access: Access::Contiguous }
    }
}

/// A translation unit with one kernel.
///
/// The kernel's arguments are a pointer per input and per output, the run-time scalars in the precision computed in, the
/// key (64 bits) and the stream (32 bits) of the random draws, and the number of elements (64 bits). The CPU rounds a product
/// before it is added to something: with `--fmad=false` the kernel does, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapSource {
    /// The kernel's name.
    pub kernel: String,
    /// The CUDA C++.
    pub text: String,
    /// The type computed in, and that of the run-time scalars.
    pub precision: Precision,
    /// Elements a block works on at once.
    pub block_elements: usize,
}

impl MapSource {
    /// The blocks of [`THREADS`] threads that cover `count` elements in one step; fewer take more steps.
    pub fn blocks(&self, count: usize) -> usize {
        count.div_ceil(self.block_elements)
    }
}

/// The translation unit that applies a formula to inputs and outputs of these types.
///
/// There are as many inputs and outputs as the formula's signature says. An output may be the same elements as an input of
/// its type.
///
/// ```
/// use rectify::DType;
/// use rectify::formula::{catalogue::arithmetic::add, map_source};
/// let source = map_source(&add, &[DType::F32.into(), DType::F16.into()], &[DType::F32]);
/// assert_eq!(source.kernel, "map_add");
/// assert!(source.text.contains("= v0 + v1;"));
/// ```
pub fn map_source(formula: &dyn AnyFormula, inputs: &[MapInput], outputs: &[DType]) -> MapSource {
    let signature = formula.signature();
    debug_assert_eq!((inputs.len(), outputs.len()), (signature.inputs, signature.outputs), "{}", signature.name);
    let precision = Precision::of(inputs.iter().map(|input| input.dtype).chain(outputs.iter().copied()));
    let kernel = kernel_name(signature);
    let moved = inputs.iter().filter(|input| input.access == Access::Contiguous).map(|input| input.dtype);
    let largest = moved.clone().chain(outputs.iter().copied()).map(DType::size).max().unwrap_or(1);
    let width = VECTOR_BYTES / largest;
    // Making random numbers takes longer than moving them, and in many copies it takes long to compile.
    let fitting = (VECTORS_IN_FLIGHT / moved.count().max(1)).clamp(1, MAX_UNROLL.min(MAX_ELEMENTS / width));
    let unroll = if signature.draws.is_empty() { fitting } else { 1 };

    let mut text = String::new();
    let mut define = |name: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(text, "#define {name} {value}");
    };
    define("REAL", &precision.real());
    define("KERNEL", &kernel);
    define("THREADS", &THREADS);
    define("WIDTH", &width);
    define("UNROLL", &unroll);
    define("INPUTS(X)", &list(inputs.iter().map(|input| format!("{}, {}", input.access.class(), input.dtype))));
    define("OUTPUTS(X)", &list(outputs.iter().map(DType::to_string)));
    define("PARAMETERS(X)", &list(signature.parameters.iter().map(|_| String::new())));
    define("DRAWS(X)", &list(signature.draws.iter().map(|draw| draw.class().to_string())));
    text.push_str(PRELUDE.text);
    if signature.draws.contains(&Draw::Normal) {
        let pair = box_muller.graph().cuda_source(box_muller.signature(), precision);
        let _ = writeln!(text, "#define DRAWS_NORMAL\nnamespace box_muller {{\n{pair}}}");
    }
    if !signature.draws.is_empty() {
        text.push_str(DRAWS.text);
    }
    text.push_str(&formula.graph().cuda_source(signature, precision));
    text.push_str(MAP.text);
    MapSource { kernel, text, precision, block_elements: THREADS * width * unroll }
}

/// Applies `X` to the number of each entry and to the entry itself, if it says anything.
fn list(entries: impl Iterator<Item = String>) -> String {
    let applied = entries.enumerate().map(|(index, entry)| match entry.as_str() {
        "" => format!("X({index})"),
        entry => format!("X({index}, {entry})"),
    });
    applied.collect::<Vec<_>>().join(" ")
}

/// The kernel's name as a profiler shows it.
fn kernel_name(signature: &Signature) -> String {
    let name = signature.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let role = match signature.role {
        Role::Value => String::new(),
        Role::Gradient(input) => format!("_gradient{input}"),
        Role::GradientFromOutput => "_gradient_from_output".into(),
    };
    format!("{}_{name}{role}", MAP.name)
}

impl Access {
    /// The class of `kernels/map.cu` that loads elements this way.
    const fn class(self) -> &'static str {
        match self {
            Self::Contiguous => "Contiguous",
            Self::Broadcast => "Broadcast",
        }
    }
}

impl Draw {
    /// The class of `kernels/draws.cuh` that makes these numbers.
    const fn class(self) -> &'static str {
        match self {
            Self::Uniform => "Uniform",
            Self::Normal => "Normal",
        }
    }
}
