//! The one dispatch point between what is computed and where.
//!
//! Whoever calls a backend has checked shapes and element types: a backend assumes that operands fit each other as said
//! at each method, and only looks at what it alone can see (the value of an index, the state of the device). A
//! [`View`] is in bounds of its buffer by construction.

use std::any::Any;
use std::fmt::{self, Debug};

pub use super::normalize::{Normalize, NormalizeBackward};
use super::recording::Work;
use super::view::View;
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::kernels::{CustomKernel, Launch, Number};
use crate::memory::{Buffer, Memory};

/// A device that holds buffers and computes on them, one call after the other whatever thread they come from.
pub trait Backend: Send + Sync + Debug {
    /// The device as on the command line: `cpu`, `cuda:0`.
    fn name(&self) -> String;

    /// What it is made of, in words that tell it from every other.
    fn hardware(&self) -> String;

    /// Where its buffers come from, and the ledger of them.
    fn memory(&self) -> &Memory;

    /// Copies bytes from the host to the start of a buffer.
    fn upload(&self, bytes: &[u8], to: &Buffer) -> Result<()>;

    /// Copies the start of a buffer to the host, after all work that writes it.
    fn download(&self, from: &Buffer, bytes: &mut [u8]) -> Result<()>;

    /// Begins to copy the start of a buffer to the host, after the work queued so far. Does not wait.
    fn fetch(&self, from: &Buffer, bytes: usize) -> Result<Fetch> {
        let mut taken = vec![0; bytes];
        self.download(from, &mut taken)?;
        Ok(Box::new(move || Ok(taken)))
    }

    /// Begins to copy bytes from the host into a new buffer, beside the work queued: nothing may use the buffer before it
    /// [arrives](Self::arrive).
    fn prefetch(&self, bytes: &[u8]) -> Result<Buffer>;

    /// Makes the work queued from here on wait for a buffer that was prefetched. Does not wait on the host.
    fn arrive(&self, buffer: &mut Buffer) -> Result<()>;

    /// Copies elements between views of one shape, converting between element types.
    fn copy(&self, from: View<'_>, to: View<'_>) -> Result<()>;

    /// Applies a formula to every element. Inputs are broadcast to the outputs' one shape already; an output may be the
    /// same elements as an input, and overlaps none otherwise. Computes in f64 where any operand is f64 or an integer of
    /// 32 bits or more, else in f32.
    fn map(&self, formula: &dyn AnyFormula, inputs: &[View<'_>], outputs: &[View<'_>], seed: Seed) -> Result<()>;

    /// Applies a formula of one output to every element and reduces the results into `output`: a view
    /// broadcast to the inputs' shape, with stride 0 along the reduced axes. The order of the sum depends on the shapes
    /// alone.
    fn reduce(
        &self,
        reduction: Reduction,
        formula: &dyn AnyFormula,
        inputs: &[View<'_>],
        output: View<'_>,
    ) -> Result<()>;

    /// Multiplies matrices, then applies the epilogue to the product. Says what that left for its gradient.
    fn matmul(&self, product: &Product<'_>, epilogue: Option<&Epilogue<'_>>) -> Result<Residual>;

    /// Runs one of the named kernels.
    fn launch(&self, kernel: Kernel<'_>) -> Result<()>;

    /// How busy it is now, where that can be told.
    fn usage(&self) -> Option<Usage> {
        None
    }

    /// Whether a tool is attached that shows ranges.
    fn has_ranges(&self) -> bool {
        false
    }

    /// Opens a range of this name, for such a tool.
    fn open_range(&self, _name: &str) {}

    /// Closes the range opened last on this thread.
    fn close_range(&self) {}

    /// Marks the end of what a lane was given so far.
    fn mark(&self, lane: Lane) -> Result<Mark>;

    /// Seconds of the device's own time between two marks. Both have passed.
    fn seconds_between(&self, from: &Mark, to: &Mark) -> Result<f64>;

    /// Whether it can capture work.
    fn can_capture(&self) -> bool {
        false
    }

    /// Writes down what this thread asks for from here on, instead of doing it, until [`end_capture`](Self::end_capture). One
    /// thread at a time.
    fn begin_capture(&self) -> Result<()> {
        Err(Error::argument("begin_capture", "this device cannot capture work"))
    }

    /// What was written down since [`begin_capture`](Self::begin_capture).
    fn end_capture(&self) -> Result<CapturedWork> {
        Err(Error::argument("end_capture", "nothing is captured"))
    }

    /// Queues captured work as a whole.
    fn replay(&self, _work: &CapturedWork) -> Result<()> {
        Err(Error::argument("replay", "the work was captured on another device"))
    }

    /// Waits for all work to end, and reports what failed meanwhile.
    fn synchronize(&self) -> Result<()>;
}

/// How busy a device is with all that runs on it, of this program and of others.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Usage {
    /// Share of the last moments in which it computed.
    pub busy: f64,
    /// Share of them in which its memory was read or written.
    pub memory_busy: f64,
    /// Power it draws.
    pub watts: f64,
    /// Its temperature in degrees Celsius.
    pub celsius: f64,
}

/// What a device does one after the other; what is on different lanes may run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Everything but what is copied ahead.
    Compute,
    /// Batches copied ahead.
    Copy,
}

/// Waits for bytes that are on their way to the host, and gives them.
pub type Fetch = Box<dyn FnOnce() -> Result<Vec<u8>> + Send>;

/// Work written down, of a kind that only its device knows.
pub type CapturedWork = Box<dyn Any + Send + Sync>;

/// A moment in the work of a lane, of a kind that only its device knows.
pub struct Mark(pub(super) Box<dyn Any + Send + Sync>);

impl Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark")
    }
}

/// Where random draws start: the same seed and stream give the same numbers on every device and any number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seed {
    pub(super) key: u64,
    pub(super) stream: u32,
    /// Where the device reads the key when it draws, if not from here.
    pub(super) key_at: Option<u64>,
}

impl Seed {
    /// The draws of a generator's key. `stream` is which of the key's sequences: each element of a tensor takes its own number
    /// of it.
    pub const fn new(key: u64, stream: u32) -> Self {
        Self { key, stream, key_at: None }
    }

    /// The key of the generator.
    pub const fn key(self) -> u64 {
        self.key
    }

    /// Which of the key's sequences.
    pub const fn stream(self) -> u32 {
        self.stream
    }

    /// The draws of the key that is at an address of the device when it draws: another one each time captured work runs.
    pub(crate) const fn told(key_at: u64, stream: u32) -> Self {
        Self { key: 0, stream, key_at: Some(key_at) }
    }
}

/// How the results of a formula are brought together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reduction {
    /// The sum, times a factor: 1 for a sum, 1/n for a mean. 0 for no elements.
    Sum {
        /// What the sum is multiplied with.
        scale: f64,
    },
    /// The largest; NaN where any is, and minus infinity for no elements.
    Max,
    /// The smallest; NaN where any is, and infinity for no elements.
    Min,
}

/// A product of matrices, or of as many matrices as the batch axis counts: `c = a b`, or `c += a b`.
#[derive(Debug, Clone, Copy)]
pub struct Product<'a> {
    /// Shape [batch, m, k]; any strides.
    pub a: View<'a>,
    /// Shape [batch, k, n]; any strides.
    pub b: View<'a>,
    /// Shape [batch, m, n], row-major; overlaps neither `a` nor `b`.
    pub c: View<'a>,
    /// Whether to add to what `c` holds.
    pub accumulate: bool,
    /// Where the sums of `b` over its rows go, if they are wanted: the gradient of a bias comes along with that of the weight.
    /// Broadcast to the shape of `b`, whose batch is 1 then.
    pub column_sums: Option<View<'a>>,
}

/// What follows a product while it is at hand: `output = formula(inputs)`, where one of the inputs is the product.
///
/// A backend that knows the formula runs it within the product, any other after it: the result is the same but for rounding,
/// and for what an activation makes of NaN.
#[derive(Clone, Copy)]
pub struct Epilogue<'a> {
    /// A formula of one output.
    pub formula: &'a dyn AnyFormula,
    /// Which of its two inputs the product is: the first of an activation with its bias, the second of an activation's
    /// gradient.
    pub place: usize,
    /// The other input, broadcast to the product's shape.
    pub operand: View<'a>,
    /// Of the product's shape; may be `c` itself. Overlaps neither factor: rows may be written while others are still multiplied.
    pub output: View<'a>,
    /// The mask that the activation left for its gradient, where this is that gradient.
    pub mask: Option<&'a Buffer>,
    /// Where the sums of the output over its rows go, if they are wanted: the gradient of a bias comes along with that of the
    /// layer's result. Broadcast to the product's shape, whose batch is 1 then.
    pub sums: Option<View<'a>>,
    /// Whether a gradient will be asked for, so that something may be left for it.
    pub keep: bool,
}

/// What a product's epilogue left for its gradient.
#[derive(Debug)]
pub enum Residual {
    /// The product in `c`, unless the output is written over it.
    Product,
    /// The sum of product and bias in `c`, the argument of the activation. Only if asked to keep something, and the output is
    /// not `c`.
    Argument,
    /// A mask of where the activation passes its gradient on, to be handed back in [`Epilogue::mask`]. Only if asked to keep
    /// something; the product is as for [`Residual::Product`].
    Mask(Buffer),
}

impl<'a> Epilogue<'a> {
    /// The inputs of the formula, for a product `c`.
    pub(super) fn inputs(&self, c: View<'a>) -> [View<'a>; 2] {
        if self.place == 0 { [c, self.operand] } else { [self.operand, c] }
    }
}

/// A named kernel with its operands. Rows are the last axis; inputs are contiguous unless said otherwise.
#[derive(Debug, Clone, Copy)]
pub enum Kernel<'a> {
    /// Softmax of every row, or its logarithm. Shapes [rows, columns].
    Softmax {
        /// Whether to give the logarithm.
        log: bool,
        /// Any floating point type.
        input: View<'a>,
        /// Of the input's shape and type.
        output: View<'a>,
    },
    /// The gradient of [`Kernel::Softmax`] from its output and the output's gradient. Shapes [rows, columns].
    SoftmaxBackward {
        /// Whether the output is the logarithm.
        log: bool,
        /// What the forward pass gave.
        output: View<'a>,
        /// The gradient of it.
        gradient: View<'a>,
        /// The gradient of the input.
        input_gradient: View<'a>,
    },
    /// Softmax cross-entropy of every row against its label, and in the same pass its gradient.
    CrossEntropy {
        /// Shape [rows, classes].
        logits: View<'a>,
        /// Shape `[rows]`, an integer type; each below the number of classes.
        labels: View<'a>,
        /// Shape `[rows]`: the loss of every row.
        losses: View<'a>,
        /// Shape [rows, classes]: (softmax - one-hot) times `scale`, where asked for.
        gradient: Option<View<'a>>,
        /// 1/rows for the gradient of a mean.
        scale: f64,
    },
    /// Layer normalisation of every row, or root mean square normalisation.
    Normalize(Normalize<'a>),
    /// The gradients of [`Kernel::Normalize`].
    NormalizeBackward(NormalizeBackward<'a>),
    /// The place of the largest element of every row, the first of equals; NaN counts as largest.
    ArgMax {
        /// Shape [rows, columns], columns at least 1.
        input: View<'a>,
        /// Shape `[rows]`, I64.
        output: View<'a>,
    },
    /// Takes slices of the middle axis by index.
    Gather {
        /// Shape [outer, n, inner].
        input: View<'a>,
        /// Shape `[k]`, an integer type; each below n.
        indices: View<'a>,
        /// Shape [outer, k, inner].
        output: View<'a>,
    },
    /// The gradient of [`Kernel::Gather`]: sums slices into the places they were taken from, in the order of the indices.
    ScatterAdd {
        /// Shape [outer, k, inner].
        gradient: View<'a>,
        /// Shape `[k]`, an integer type; each below n.
        indices: View<'a>,
        /// Shape [outer, n, inner]: overwritten.
        input_gradient: View<'a>,
    },
    /// A kernel that a person wrote. Only devices that compile CUDA C++ run it.
    Custom {
        /// The kernel.
        kernel: &'a CustomKernel,
        /// With how many threads.
        launch: Launch,
        /// One for each parameter, and of its type; what is written overlaps nothing else.
        arguments: &'a [Given<'a>],
        /// What there is to do.
        work: Work,
    },
}

/// What a kernel that a person wrote is given for a parameter.
#[derive(Debug, Clone, Copy)]
pub enum Given<'a> {
    /// Elements that are only read; contiguous.
    Input(View<'a>),
    /// Elements that may be written; contiguous.
    Output(View<'a>),
    /// A number.
    Number(Number),
}

impl<'a> Given<'a> {
    /// The elements.
    pub fn view(self) -> Option<View<'a>> {
        match self {
            Self::Input(view) | Self::Output(view) => Some(view),
            Self::Number(_) => None,
        }
    }
}

impl<'a> Kernel<'a> {
    /// What it is called in a table.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Softmax { log: false, .. } => "softmax",
            Self::Softmax { log: true, .. } => "log_softmax",
            Self::SoftmaxBackward { log: false, .. } => "softmax_backward",
            Self::SoftmaxBackward { log: true, .. } => "log_softmax_backward",
            Self::CrossEntropy { .. } => "cross_entropy",
            Self::Normalize(Normalize { centered: true, .. }) => "layer_norm",
            Self::Normalize(Normalize { centered: false, .. }) => "rms_norm",
            Self::NormalizeBackward(NormalizeBackward { centered: true, .. }) => "layer_norm_backward",
            Self::NormalizeBackward(NormalizeBackward { centered: false, .. }) => "rms_norm_backward",
            Self::ArgMax { .. } => "argmax",
            Self::Gather { .. } => "gather",
            Self::ScatterAdd { .. } => "scatter_add",
            Self::Custom { .. } => "custom",
        }
    }

    /// What it is called by the person who wrote it.
    pub(super) fn custom_name(&self) -> Option<&'a str> {
        match self {
            Self::Custom { kernel, .. } => Some(kernel.name()),
            _ => None,
        }
    }

    /// The operand that says how large it is.
    pub(super) fn result(&self) -> Option<View<'a>> {
        Some(match *self {
            Self::Softmax { output, .. } | Self::Gather { output, .. } => output,
            Self::SoftmaxBackward { input_gradient, .. } | Self::ScatterAdd { input_gradient, .. } => input_gradient,
            Self::CrossEntropy { logits, .. } => logits,
            Self::Normalize(Normalize { output, .. }) => output,
            Self::NormalizeBackward(NormalizeBackward { gradient, .. }) => gradient,
            Self::ArgMax { input, .. } => input,
            Self::Custom { arguments, .. } => {
                let written = arguments.iter().find(|given| matches!(given, Given::Output(_)));
                return written.and_then(|given| given.view());
            }
        })
    }
}
