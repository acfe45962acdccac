//! The tape: what was computed, in order, and how the gradient of each goes back to what it was computed from.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::backward::Backward;
use super::linear::Linear;
use super::var::Var;
use crate::error::{Error, Result};
use crate::scope::Label;
use crate::tensor::Tensor;

/// A record of operations, to be unwound by one [`backward`](Var::backward) pass.
///
/// Clones are handles on the same tape. A tape and its variables stay on the thread that made them. A tape that is dropped
/// without a backward pass releases what it kept in reverse order too.
#[derive(Clone, Default)]
pub struct Tape(Rc<RefCell<Record>>);

/// A place on a tape.
pub(super) type Index = usize;

/// One leaf or operation.
pub(super) struct Entry {
    /// The scope it was recorded in.
    pub label: Label,
    pub step: Step,
}

/// How the gradient of an entry is used.
pub(super) enum Step {
    /// A leaf: its gradient is a result.
    Leaf,
    /// A leaf that is a part of a buffer: its gradient is written into one tensor laid out like that buffer.
    Part { whole: usize, part: Tensor },
    /// An operation: its gradient goes to the function, which gives its inputs theirs.
    Pull(Pullback),
    /// A linear layer: as an operation, and a layer behind it may take the gradient through its activation.
    Linear(Box<Linear>),
    /// A loss of one element that computed its input's gradient along with itself.
    Loss { input: Index, gradient: Tensor },
}

/// Takes the gradient of an operation's result and gives the operation's inputs theirs. What it holds is released when it
/// has run.
pub(super) type Pullback = Box<dyn FnOnce(Tensor, &mut Backward) -> Result<()>>;

/// A buffer of which parts are leaves.
pub(super) struct Whole {
    /// A tensor of that buffer.
    pub like: Tensor,
    /// The leaves.
    pub parts: Vec<Index>,
    /// The elements of all parts together.
    pub covered: usize,
}

#[derive(Default)]
struct Record {
    entries: Entries,
    wholes: Vec<Whole>,
    consumed: bool,
}

/// Entries that are dropped from the last to the first.
#[derive(Default)]
pub(super) struct Entries(pub Vec<Entry>);

impl Drop for Entries {
    fn drop(&mut self) {
        while self.0.pop().is_some() {}
    }
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        let entries = Entries(Vec::with_capacity(EXPECTED_ENTRIES));
        Self(Rc::new(RefCell::new(Record { entries, ..Record::default() })))
    }

    /// A leaf whose gradient is wanted.
    ///
    /// # Errors
    /// Not floating point, or the tape is used up.
    pub fn variable(&self, tensor: &Tensor) -> Result<Var> {
        tensor.check_float("variable")?;
        self.push("variable", tensor.clone(), Step::Leaf)
    }

    /// A leaf among others that share one buffer, as the parameters of a model do. The gradients of all of them are written
    /// into one tensor, laid out like the buffer: see [`Gradients::flat`](super::Gradients::flat). The same part again gives
    /// the same leaf.
    ///
    /// # Errors
    /// Not floating point, not contiguous, overlapping another part, or the tape is used up.
    pub fn parameter(&self, part: &Tensor) -> Result<Var> {
        part.check_float("parameter")?;
        if !part.layout().is_contiguous() {
            return Err(Error::shape("parameter", &[part.shape()], "is not contiguous: use variable"));
        }
        let known = self.0.borrow().wholes.iter().position(|whole| whole.like.shares_buffer(part));
        let whole = known.unwrap_or_else(|| self.add_whole(part));
        if let Some(index) = self.same_part(whole, part)? {
            return Ok(Var::on(part.clone(), self.clone(), index));
        }
        let var = self.push("parameter", part.clone(), Step::Part { whole, part: part.clone() })?;
        let mut record = self.0.borrow_mut();
        let index = record.entries.0.len() - 1;
        record.wholes[whole].parts.push(index);
        record.wholes[whole].covered += part.count();
        Ok(var)
    }

    /// A tensor whose gradient is not wanted.
    pub fn constant(&self, tensor: &Tensor) -> Var {
        Var::constant(tensor)
    }

    /// The one tape these are on; none where all are constants.
    pub(super) fn common<'a>(operation: &'static str, vars: &[&'a Var]) -> Result<Option<&'a Self>> {
        let mut tapes = vars.iter().filter_map(|var| var.tape());
        let Some(first) = tapes.next() else { return Ok(None) };
        if tapes.all(|tape| tape.is_same(first)) {
            return Ok(Some(first));
        }
        Err(Error::gradient(operation, "the variables are on different tapes: detach those of one"))
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Records what gave `output`.
    pub(super) fn push(&self, operation: &'static str, output: Tensor, step: Step) -> Result<Var> {
        let mut record = self.0.borrow_mut();
        if record.consumed {
            return Err(Error::gradient(operation, USED_UP));
        }
        let index = record.entries.0.len();
        record.entries.0.push(Entry { label: Label::current(), step });
        Ok(Var::on(output, self.clone(), index))
    }

    /// Everything recorded; the tape is used up from now on.
    pub(super) fn consume(&self) -> Result<(Entries, Vec<Whole>)> {
        let mut record = self.0.borrow_mut();
        if std::mem::replace(&mut record.consumed, true) {
            return Err(Error::gradient("backward", USED_UP));
        }
        Ok((std::mem::take(&mut record.entries), std::mem::take(&mut record.wholes)))
    }

    fn add_whole(&self, like: &Tensor) -> usize {
        let mut record = self.0.borrow_mut();
        record.wholes.push(Whole { like: like.clone(), parts: Vec::new(), covered: 0 });
        record.wholes.len() - 1
    }

    /// The leaf of the same elements, if there is one; none may share only some of them.
    fn same_part(&self, whole: usize, part: &Tensor) -> Result<Option<Index>> {
        let record = self.0.borrow();
        for &index in record.wholes.get(whole).map_or(&[][..], |whole| &whole.parts) {
            let Some(Entry { step: Step::Part { part: known, .. }, .. }) = record.entries.0.get(index) else {
                continue;
            };
            if known.layout() == part.layout() && known.dtype() == part.dtype() {
                return Ok(Some(index));
            }
            if known.overlaps(part) || known.dtype() != part.dtype() {
                let rule = "overlap: each part of a buffer is one parameter";
                return Err(Error::shape("parameter", &[known.shape(), part.shape()], rule));
            }
        }
        Ok(None)
    }
}

/// Room for the entries of a small network, so that recording it allocates once.
const EXPECTED_ENTRIES: usize = 32;

const USED_UP: &str = "the tape was used up by a backward pass: record the operations again on a new tape";

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.0.borrow();
        write!(f, "Tape({} entries{})", record.entries.0.len(), if record.consumed { ", used up" } else { "" })
    }
}
