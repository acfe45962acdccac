//! The one error type of the crate: every variant is data that a program can match on and a person can read.
//!
//! A message names the operation, the shapes or types it was given, the rule that was broken, and the layer it happened
//! in (the [scope] open at the time).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dtype::DType;
use crate::scope::{self, Label};
use crate::shape::Shape;

/// The result of every fallible call of the crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as data.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Shapes that do not fit the operation.
    #[error("{operation}: {}{rule}{layer}", Listed("shape", shapes))]
    Shape {
        /// The operation, as a user would call it.
        operation: &'static str,
        /// The shapes it was given, in argument order.
        shapes: Vec<Shape>,
        /// The rule that was broken, with the sizes that break it.
        rule: String,
        /// The layer the call was made in.
        layer: Layer,
    },
    /// Element types that do not fit the operation.
    #[error("{operation}: {}{rule}{layer}", Listed("element type", dtypes))]
    DType {
        /// The operation, as a user would call it.
        operation: &'static str,
        /// The element types it was given, in argument order.
        dtypes: Vec<DType>,
        /// The rule that was broken.
        rule: String,
        /// The layer the call was made in.
        layer: Layer,
    },
    /// An argument outside what the operation accepts: an index, an axis, a rate, an option.
    #[error("{operation}: {rule}{layer}")]
    Argument {
        /// The operation, as a user would call it.
        operation: &'static str,
        /// The rule that was broken, with the offending value.
        rule: String,
        /// The layer the call was made in.
        layer: Layer,
    },
    /// An operation that cannot take part in the gradient it was asked for.
    #[error("{operation}: {rule}{layer}")]
    Gradient {
        /// The operation, as a user would call it.
        operation: &'static str,
        /// Why no gradient can be given, and what to do.
        rule: String,
        /// The layer the call was made in.
        layer: Layer,
    },
    /// Training came to numbers that are none.
    #[error("train: {place} is not finite at step {step}: lower the learning rate, warm it up, or clip the gradients")]
    Diverged {
        /// The step, counted from 1.
        step: u64,
        /// What was found first on the way through the network: the result of a layer, a gradient, or the loss.
        place: String,
    },
    /// Device memory could not be had; the device stays usable.
    #[error("{0}")]
    OutOfMemory(Box<OutOfMemory>),
    /// A scope that promised to leave nothing alive did.
    #[error("leak check: {count} buffers ({bytes} bytes) allocated inside are still alive: {}", holders.join(", "))]
    Leak {
        /// How many buffers are still alive.
        count: usize,
        /// Their size in bytes.
        bytes: usize,
        /// The largest holders, `label: bytes`.
        holders: Vec<String>,
    },
    /// A device that is not there or that failed.
    #[error("device {device}: {rule}")]
    Device {
        /// The device, as on the command line: `cpu`, `cuda:0`.
        device: String,
        /// What is wrong and what to do.
        rule: String,
    },
    /// A CUDA kernel that a person wrote, and that is wrong or not used as what it is.
    #[error("{0}")]
    Kernel(Box<KernelError>),
    /// A data or model file whose content breaks its format.
    #[error("{}: {rule}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// The rule that was broken, with the offending value.
        rule: String,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {cause}", path.display())]
    Io {
        /// What was tried: "read", "create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        cause: Arc<std::io::Error>,
    },
}

/// All that is known when memory runs out. Sizes in bytes.
#[derive(Debug, Clone)]
pub struct OutOfMemory {
    /// The device, as on the command line.
    pub device: String,
    /// Label of the allocation that failed.
    pub label: String,
    /// Size asked for.
    pub requested: usize,
    /// The budget in force, if any.
    pub limit: Option<usize>,
    /// Bytes in living buffers.
    pub live: usize,
    /// Bytes held by the pool and free to reuse.
    pub cached: usize,
    /// Free and total bytes as the device reports them, where it does.
    pub device_memory: Option<(usize, usize)>,
    /// The labels that hold the most, with their bytes, largest first.
    pub holders: Vec<(String, usize)>,
}

/// What is wrong with a kernel that a person wrote, or with how it is used.
#[derive(Debug, Clone)]
pub struct KernelError {
    /// The kernel.
    pub kernel: String,
    /// The file its text is in, or what stands for one.
    pub file: String,
    /// The line of that file, from 1, where there is one to look at.
    pub line: Option<usize>,
    /// The rule that was broken; it reads on from the kernel's name.
    pub rule: String,
    /// All that the compiler said, where it was the compiler who refused.
    pub log: Option<String>,
    /// The layer the call was made in.
    pub layer: Layer,
}

impl KernelError {
    pub(crate) fn new(kernel: &str, file: &str, line: Option<usize>, rule: impl Into<String>) -> Self {
        let (kernel, file, rule, layer) = (kernel.into(), file.into(), rule.into(), Layer::current());
        Self { kernel, file, line, rule, log: None, layer }
    }
}

impl Error {
    /// Shapes that break `rule` of `operation`; `rule` reads on from the list of shapes.
    pub fn shape(operation: &'static str, shapes: &[&Shape], rule: impl Into<String>) -> Self {
        let shapes = shapes.iter().map(|&s| s.clone()).collect();
        Self::Shape { operation, shapes, rule: rule.into(), layer: Layer::current() }
    }

    /// Element types that break `rule` of `operation`; `rule` reads on from the list of types.
    pub fn dtype(operation: &'static str, dtypes: &[DType], rule: impl Into<String>) -> Self {
        Self::DType { operation, dtypes: dtypes.to_vec(), rule: rule.into(), layer: Layer::current() }
    }

    /// An argument that breaks `rule` of `operation`.
    pub fn argument(operation: &'static str, rule: impl Into<String>) -> Self {
        Self::Argument { operation, rule: rule.into(), layer: Layer::current() }
    }

    /// An operation that cannot give the gradient asked for.
    pub fn gradient(operation: &'static str, rule: impl Into<String>) -> Self {
        Self::Gradient { operation, rule: rule.into(), layer: Layer::current() }
    }

    /// A label or index that is not below `limit`, given to an operation in the scopes of `label`.
    pub(crate) fn index(
        operation: &'static str,
        index: &dyn fmt::Debug,
        position: usize,
        limit: usize,
        label: Label,
    ) -> Self {
        let (name, what) = if operation == "cross_entropy" { ("label", "classes") } else { ("index", "slices") };
        let rule = format!("{name} {index:?} at position {position} is out of range: there are {limit} {what}");
        Self::Argument { operation, rule, layer: Layer(label.path()) }
    }

    /// A device that is missing or failed.
    pub fn device(device: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Device { device: device.into(), rule: rule.into() }
    }

    /// A kernel that a person wrote in `file`, and that breaks `rule`, which reads on from its name.
    pub fn kernel(kernel: &str, file: &str, line: Option<usize>, rule: impl Into<String>) -> Self {
        Self::Kernel(Box::new(KernelError::new(kernel, file, line, rule)))
    }

    /// A file whose content breaks `rule`.
    pub fn data(path: impl AsRef<Path>, rule: impl Into<String>) -> Self {
        Self::Data { path: path.as_ref().to_path_buf(), rule: rule.into() }
    }

    /// A refusal of the operating system.
    pub fn io(action: &'static str, path: impl AsRef<Path>, cause: std::io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_path_buf(), cause: Arc::new(cause) }
    }
}

/// The layer an error happened in: the label scopes open at the time, outermost first; empty outside any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer(String);

impl Layer {
    fn current() -> Self {
        Self(scope::path())
    }

    /// The path of scopes, separated by `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " (in {})", self.0) }
    }
}

/// Fails unless a setting of an operation is finite and within its range; `range` says it in words.
pub(crate) fn check_setting(operation: &'static str, setting: &str, value: f64, fits: bool, range: &str) -> Result<()> {
    if fits && value.is_finite() {
        return Ok(());
    }
    Err(Error::argument(operation, format!("{setting} {value} is not {range}")))
}

/// Prints `shapes [2, 3] and [4] `: the noun in the right number, then the list, then a space for the rule to read on.
struct Listed<'a, T>(&'a str, &'a [T]);

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(noun, items) = self;
        let Some((last, rest)) = items.split_last() else { return Ok(()) };
        let plural = if rest.is_empty() { "" } else { "s" };
        write!(f, "{noun}{plural} ")?;
        for (i, item) in rest.iter().enumerate() {
            let separator = if i + 1 == rest.len() { " and " } else { ", " };
            write!(f, "{item}{separator}")?;
        }
        write!(f, "{last} ")
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kernel, file, line, rule, layer, .. } = self;
        match line {
            Some(line) => write!(f, "{file}:{line}: kernel {kernel} {rule}{layer}"),
            None => write!(f, "{file}: kernel {kernel} {rule}{layer}"),
        }
    }
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, label, requested, limit, live, cached, device_memory, holders } = self;
        write!(f, "device {device}: out of memory: {label} asked for {requested} bytes; {live} live, {cached} cached")?;
        if let Some(limit) = limit {
            write!(f, ", budget {limit}")?;
        }
        if let Some((free, total)) = device_memory {
            write!(f, ", device has {free} free of {total}")?;
        }
        if !holders.is_empty() {
            let list: Vec<_> = holders.iter().map(|(label, bytes)| format!("{label}: {bytes}")).collect();
            write!(f, "; largest holders: {}", list.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_operation_shapes_rule_and_layer() {
        let _outer = scope::enter("classifier");
        let _inner = scope::enter("hidden1");
        let (a, b) = (Shape::new(&[64, 784]).unwrap(), Shape::new(&[128, 10]).unwrap());
        let error = Error::shape("matmul", &[&a, &b], "cannot be multiplied: inner sizes 784 and 128 differ");
        assert_eq!(
            error.to_string(),
            "matmul: shapes [64, 784] and [128, 10] cannot be multiplied: inner sizes 784 and 128 differ \
             (in classifier/hidden1)"
        );
    }

    #[test]
    fn one_shape_is_singular_and_no_scope_is_silent() {
        let error = Error::shape("reshape", &[&Shape::new(&[6]).unwrap()], "has 6 elements, not 8");
        assert_eq!(error.to_string(), "reshape: shape [6] has 6 elements, not 8");
    }
}
